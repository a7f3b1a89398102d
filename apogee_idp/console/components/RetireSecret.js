/** Ends one secret; who would miss it is told first, and has to be overruled. Emits `close`. */

import { html, ref } from "../html.js";
import { send } from "../api.js";
import { useAction } from "../loading.js";
import { tell } from "../notices.js";
import { CheckField } from "./CheckField.js";
import { Dialog } from "./Dialog.js";
import { FailureNotice } from "./FailureNotice.js";
import { LastUse } from "./LastUse.js";

export const RetireSecret = {
  props: { clientId: String, secret: Object },
  emits: ["close"],
  setup(props, { emit }) {
    const isForced = ref(false);
    const retiring = useAction();
    const retire = async () => {
      const { clientId, secret } = props;
      const path = `clients/${encodeURIComponent(clientId)}/secrets/${encodeURIComponent(secret.id)}`;
      const query = isForced.value ? { force: "true" } : {};
      if (!(await retiring.run(() => send("DELETE", path, { query })))) return;
      tell(`The secret ${secret.name || secret.id} has ended.`);
      emit("close");
    };
    return () => {
      const { name, id, is_safe_to_retire: isSafe } = props.secret;
      return html`<${Dialog} title=${`Retire ${name || id}?`} onClose=${() => emit("close")}>
        ${() => html`
          <p>It ends at once, for good. It was last used: <${LastUse} secret=${props.secret} />.</p>
          ${
            !isSafe &&
            html`<p class="will">Somebody used it within the hour, or it is the last one that works.</p>`
          }
          ${
            !isSafe &&
            html`<${CheckField}
            label="End it all the same"
            hint="Whoever uses it gets no token any more."
            value=${isForced.value}
            onChange=${(isOn) => (isForced.value = isOn)}
          />`
          }
          <${FailureNotice} failure=${retiring.failure.value} />
          <div class="actions">
            <button
              type="button"
              class="danger"
              disabled=${retiring.isBusy.value || !(isSafe || isForced.value)}
              onClick=${retire}
            >
              Retire
            </button>
            <button type="button" class="quiet" onClick=${() => emit("close")}>Cancel</button>
          </div>
        `}
      <//>`;
    };
  },
};
