/** The ring of keys: where each is in its life, the next one now, and an end at once to a lost one. */

import { html, shallowRef } from "../html.js";
import { get, send } from "../api.js";
import { ConfirmByName } from "../components/ConfirmByName.js";
import { FailureNotice } from "../components/FailureNotice.js";
import { KeyTable } from "../components/KeyTable.js";
import { KeyTimeline } from "../components/KeyTimeline.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { useCreation } from "../creation.js";
import { useAction, useLoaded } from "../loading.js";
import { duration } from "../logic/format.js";
import { rangeOf } from "../logic/timeline.js";
import { tell } from "../notices.js";
import { now } from "../session.js";

const LEAD = "A key is published before it signs, and until its last token has expired.";

/** The keys by what they are for: [[algorithm, keys], ...]. */
function grouped(keys) {
  const groups = new Map();
  for (const key of keys) groups.set(key.algorithm, [...(groups.get(key.algorithm) ?? []), key]);
  return [...groups];
}

/** What revoking a key does, beforehand. */
function ending(key) {
  const which = key.use === "sig" ? "it has signed" : "is encrypted to it";
  return html`
    <p>
      For a key that was lost. Every token that ${which} ends at once: introspection sees it within
      two seconds, APIs that verify by themselves once they read the JWK Set again.
    </p>
    ${
      key.state === "active" &&
      html`<p class="will">
      It is the one in use: its successor takes over now, and verifiers that don't know it yet refuse
      new tokens until they do.
    </p>`
    }
  `;
}

export const KeyRing = {
  setup() {
    const loading = useLoaded(async () => (await get("keys")).body.items);
    const ended = shallowRef(null);
    const rotating = useAction();
    const revoking = useAction();
    const create = useCreation();
    const rotate = (algorithm) =>
      rotating.run(async () => {
        const { body } = await create("keys", { algorithm });
        tell(`${body.kid} is published, and signs in ${duration(body.activates_at - now())}.`);
        await loading.reload();
      });
    const revoke = async () => {
      const path = `keys/${encodeURIComponent(ended.value.kid)}/revoke`;
      const isDone = await revoking.run(async () => {
        const { successor } = (await send("POST", path)).body;
        tell(
          successor
            ? `The key is revoked; ${successor.kid} has taken over.`
            : "The key is revoked.",
        );
      });
      if (!isDone) return;
      ended.value = null;
      await loading.reload();
    };
    const ask = (key) => {
      revoking.failure.value = null;
      ended.value = key;
    };
    const group =
      (range) =>
      ([algorithm, keys]) => html`<section class="block" key=${algorithm}>
      <div class="page-head">
        <div>
          <h2>${algorithm}</h2>
          <p>${keys[0].use === "sig" ? "signs tokens" : "encrypts tokens"}</p>
        </div>
        ${
          keys.every((key) => key.source === "store") &&
          html`<button
          type="button"
          class="quiet"
          disabled=${rotating.isBusy.value}
          onClick=${() => rotate(algorithm)}
        >
          Make the next key now<span class="unseen"> for ${algorithm}</span>
        </button>`
        }
      </div>
      <${KeyTimeline} keys=${keys} range=${range} title=${`The keys for ${algorithm} in time`} />
      <${KeyTable} caption=${`Keys for ${algorithm}`} keys=${keys} onRevoke=${ask} />
    </section>`;
    const confirmation = (key) => html`<${ConfirmByName}
      title="Revoke this key?"
      name=${key.kid}
      action="Revoke at once"
      isBusy=${revoking.isBusy.value}
      failure=${revoking.failure.value}
      onConfirm=${revoke}
      onClose=${() => (ended.value = null)}
    >
      ${ending(key)}
    <//>`;
    return () => html`<${Page} title="Keys" lead=${LEAD}>
      ${() => html`
        <${FailureNotice} failure=${rotating.failure.value} />
        <${Loaded} from=${loading}>${(keys) => grouped(keys).map(group(rangeOf(keys, now())))}<//>
        ${ended.value && confirmation(ended.value)}
      `}
    <//>`;
  },
};
