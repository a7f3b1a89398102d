/** What follows from saving a client's registration, in sentences for whoever saves it. */

import { same } from "./differences.js";
import { count, duration } from "./format.js";
import { AUTHORIZATION_CODE, CLIENT_CREDENTIALS } from "./registration.js";

/** What saving will do, before it is done; `before` is null for a new client. */
export function consequences(before, after, secrets = []) {
  const hasKeys = Boolean(after.jwks || after.jwks_uri);
  const isPublic = after.flow_type === AUTHORIZATION_CODE && after.client_type === "public";
  const told = [];
  if (!isPublic && !hasKeys && secrets.length === 0) {
    told.push("A secret is made, and shown once.");
  }
  return before === null ? told : [...told, ...changes(before, after, secrets, isPublic)];
}

function changes(before, after, secrets, isPublic) {
  const told = [];
  const changed = (name) => !same(before[name], after[name]);
  if (changed("flow_type")) {
    const isMachine = after.flow_type === CLIENT_CREDENTIALS;
    told.push(
      isMachine
        ? "Its redirect URIs go; nobody can sign in to it any more."
        : "It can't get tokens for itself any more; people sign in to it.",
    );
  }
  if (isPublic && secrets.length > 0) {
    const end = secrets.length === 1 ? "ends" : "end";
    told.push(`It becomes public: ${count(secrets.length, "secret")} of it ${end}.`);
  }
  if (changed("skip_token_encryption")) {
    told.push(
      after.skip_token_encryption
        ? "Its next tokens are signed only (JWS): whoever has one can read it."
        : "Its next tokens are encrypted (JWE): APIs that can't decrypt stop understanding them.",
    );
  }
  if (changed("scopes")) told.push(...scopeChanges(before.scopes, after.scopes));
  const lifetime = after.token_profile?.lifetime;
  if (lifetime && lifetime !== before.token_profile?.lifetime) {
    told.push(`Its next tokens live for ${duration(lifetime)} at most.`);
  }
  if (changed("enabled") && !after.enabled) {
    told.push("It gets no tokens any more, and those it has are not active.");
  }
  return told;
}

function scopeChanges(before, after) {
  const lost = before.filter((name) => !after.includes(name));
  return lost.length === 0 ? [] : [`It can't ask for ${lost.join(", ")} any more.`];
}
