/** What ends something of a client: its tokens, for now, or for good. Emits `changed`. */

import { html, ref } from "../html.js";
import { get, send } from "../api.js";
import { useAction } from "../loading.js";
import { dropDraft } from "../drafts.js";
import { tell } from "../notices.js";
import { go } from "../router.js";
import { ConfirmByName } from "./ConfirmByName.js";
import { FailureNotice } from "./FailureNotice.js";

export const ClientEnding = {
  props: { client: Object },
  emits: ["changed"],
  setup(props, { emit }) {
    const acting = useAction();
    const deleting = useAction();
    const isAsked = ref(false);
    const path = () => `clients/${encodeURIComponent(props.client.client_id)}`;
    const act = async (what, told) => {
      const isDone = await acting.run(() => send("POST", `${path()}/${what}`));
      if (!isDone) return;
      tell(told);
      emit("changed");
    };
    const remove = async () => {
      const isDone = await deleting.run(async () => {
        const { version } = await get(path());
        await send("DELETE", path(), { version });
      });
      if (!isDone) return;
      dropDraft(`client:${props.client.client_id}`);
      tell(`${props.client.display_name} is deleted.`);
      go("/clients");
    };
    const row = (title, text, button) => html`<li>
      <div><strong>${title}</strong><br /><span class="soft">${text}</span></div>
      ${button}
    </li>`;
    const quiet = (title, what, told) =>
      html`<button type="button" class="quiet" disabled=${acting.isBusy.value} onClick=${() => act(what, told)}>
        ${title}
      </button>`;
    return () => {
      const { display_name: name, enabled, is_configured: isConfigured } = props.client;
      return html`<section class="sheet form" aria-labelledby="ending">
        <h2 id="ending">Ending</h2>
        <${FailureNotice} failure=${acting.failure.value} />
        <ul class="plain rows">
          ${row(
            "Revoke its tokens",
            "All that it has end at introspection within two seconds; it can get new ones.",
            quiet("Revoke tokens", "revoke-tokens", `All tokens of ${name} have ended.`),
          )}
          ${
            !isConfigured &&
            (enabled
              ? row(
                  "Disable it",
                  "No tokens for now, and those it has are not active.",
                  quiet("Disable", "disable", `${name} is disabled.`),
                )
              : row(
                  "Enable it",
                  "It gets tokens again.",
                  quiet("Enable", "enable", `${name} is enabled.`),
                ))
          }
          ${
            !isConfigured &&
            row(
              "Delete it",
              "For good, with its secrets and tokens.",
              html`<button type="button" class="danger" onClick=${() => (isAsked.value = true)}>Delete ...</button>`,
            )
          }
        </ul>
        ${
          isAsked.value &&
          html`<${ConfirmByName}
          title=${`Delete ${name}?`}
          name=${name}
          action="Delete for good"
          isBusy=${deleting.isBusy.value}
          failure=${deleting.failure.value}
          onConfirm=${remove}
          onClose=${() => (isAsked.value = false)}
        >
          <p>Its secrets and tokens end at once, and whatever uses them stops working.</p>
        <//>`
        }
      </section>`;
    };
  },
};
