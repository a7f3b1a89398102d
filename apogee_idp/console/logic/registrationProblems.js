/** What is wrong with a registration before the server is asked: [{ pointer, detail }]. */

import { AUTHORIZATION_CODE } from "./registration.js";
import {
  clientIdProblem,
  lifetimeProblem,
  nameProblem,
  notJsonProblem,
  redirectUriProblem,
} from "./validation.js";

const JSON_MEMBERS = ["/token_profile/claims", "/token_profile/session_tags", "/jwks"];

function valueAt(registration, pointer) {
  return pointer
    .slice(1)
    .split("/")
    .reduce((value, name) => value?.[name], registration);
}

function jsonProblems(registration) {
  return JSON_MEMBERS.map((pointer) => ({
    pointer,
    detail: notJsonProblem(valueAt(registration, pointer)),
  }));
}

function uriProblems(registration) {
  if (registration.flow_type !== AUTHORIZATION_CODE) return [];
  const found = ["redirect_uris", "post_logout_redirect_uris"].flatMap((member) =>
    registration[member].map((uri, place) => ({
      pointer: `/${member}/${place}`,
      detail: redirectUriProblem(uri, registration.application_type),
    })),
  );
  if (registration.redirect_uris.length === 0) {
    const detail = "Say where people come back to: one redirect URI at least.";
    found.push({ pointer: "/redirect_uris", detail });
  }
  return found;
}

/** Every problem, by the pointer of the member that has it. */
export function registrationProblems(registration) {
  const lifetime = registration.token_profile?.lifetime;
  return [
    { pointer: "/client_id", detail: clientIdProblem(registration.client_id) },
    { pointer: "/display_name", detail: nameProblem(registration.display_name) },
    { pointer: "/token_profile/lifetime", detail: lifetimeProblem(lifetime) },
    ...uriProblems(registration),
    ...jsonProblems(registration),
  ].filter(({ detail }) => detail);
}
