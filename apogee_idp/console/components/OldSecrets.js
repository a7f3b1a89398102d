/** Watches old secrets while the new one is rolled out, and retires them. Emits `close`. */

import { computed, html } from "../html.js";
import { get, send } from "../api.js";
import { useAction, useLoaded, useWatching } from "../loading.js";
import { tell } from "../notices.js";
import { FailureNotice } from "./FailureNotice.js";
import { SecretTable } from "./SecretTable.js";

export const OldSecrets = {
  props: { clientId: String, ids: Array },
  emits: ["close"],
  setup(props, { emit }) {
    const path = `clients/${encodeURIComponent(props.clientId)}/secrets`;
    const loading = useLoaded(() => get(path));
    const retiring = useAction();
    const watching = useWatching(loading);
    const left = computed(() =>
      (loading.value.value?.body.items ?? []).filter((secret) => props.ids.includes(secret.id)),
    );
    const retire = (secret) =>
      retiring.run(async () => {
        await send("DELETE", `${path}/${encodeURIComponent(secret.id)}`);
        tell(`The secret ${secret.name || secret.id} has ended.`);
        await loading.reload();
      });
    return () => html`<div>
      <p>
        Step 3 of 3. Roll the new secret out. An old one is safe to retire once nobody has used it for
        an hour; left alone, it ends when its overlap does. Uses show here within a minute.
      </p>
      <${FailureNotice} failure=${loading.failure.value ?? retiring.failure.value} />
      ${
        left.value.length > 0
          ? html`<${SecretTable} canRetire secrets=${left.value} onRetire=${retire} />`
          : loading.value.value &&
            html`<p class="advice">No old secret is left: the rotation is done.</p>`
      }
      <p role="status">
        ${watching.isOver.value && "Ten minutes are over: uses are not looked at any more."}
      </p>
      <div class="actions">
        ${
          watching.isOver.value &&
          html`<button type="button" onClick=${watching.again}>Watch on</button>`
        }
        <button type="button" class="quiet" onClick=${() => emit("close")}>Close</button>
      </div>
    </div>`;
  },
};
