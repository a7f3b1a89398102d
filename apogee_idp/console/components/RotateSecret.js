/**
 * A secret is replaced in steps: for how long the old ones go on, the new one, then a watch on the
 * old ones until nobody uses them any more. Emits `close`.
 */

import { html, ref } from "../html.js";
import { useCreation } from "../creation.js";
import { useAction } from "../loading.js";
import { duration } from "../logic/format.js";
import { tell } from "../notices.js";
import { Dialog } from "./Dialog.js";
import { FailureNotice } from "./FailureNotice.js";
import { LastUse } from "./LastUse.js";
import { OldSecrets } from "./OldSecrets.js";
import { SecretOnce } from "./SecretOnce.js";
import { SelectField } from "./SelectField.js";

const HOUR = 3600;
const OVERLAPS = [0, HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR];

export const RotateSecret = {
  props: { clientId: String, secrets: Array },
  emits: ["close"],
  setup(props, { emit }) {
    const overlap = ref(String(24 * HOUR));
    const made = ref(null);
    const step = ref("choose");
    const rotating = useAction();
    const create = useCreation();
    const old = props.secrets.filter((secret) => !secret.is_expired).map((secret) => secret.id);
    const options = OVERLAPS.map((seconds) => [
      String(seconds),
      seconds ? `They go on for ${duration(seconds)}` : "They end at once",
    ]);
    const rotate = (event) => {
      event.preventDefault();
      rotating.run(async () => {
        const path = `clients/${encodeURIComponent(props.clientId)}/secrets/rotate`;
        const { body } = await create(path, { overlap_seconds: Number(overlap.value) });
        made.value = body.client_secret;
        step.value = body.client_secret ? "show" : "watch";
        if (!made.value)
          tell("It was done by the first attempt, whose answer was lost: rotate again.");
      });
    };
    const shown = () => {
      made.value = null;
      if (overlap.value === "0" || old.length === 0) emit("close");
      else step.value = "watch";
    };
    const oldOne = (secret) => html`<li key=${secret.id}>
      <strong>${secret.name || secret.id}</strong>, last used <${LastUse} secret=${secret} />
    </li>`;
    const choice = () => html`<form onSubmit=${rotate}>
      <p>Step 1 of 3. A new secret is made now. What becomes of the others?</p>
      <ul>${props.secrets.filter((secret) => old.includes(secret.id)).map(oldOne)}</ul>
      <${SelectField}
        label="The old secrets"
        name="overlap"
        options=${options}
        value=${overlap.value}
        onChange=${(value) => (overlap.value = value)}
      />
      ${
        overlap.value === "0" &&
        html`<p class="will">Whoever still has an old one gets no token from this moment on.</p>`
      }
      <${FailureNotice} failure=${rotating.failure.value} />
      <div class="actions">
        <button type="submit" disabled=${rotating.isBusy.value}>Make the new secret</button>
        <button type="button" class="quiet" onClick=${() => emit("close")}>Cancel</button>
      </div>
    </form>`;
    return () => {
      if (step.value === "show") {
        return html`<${SecretOnce} clientId=${props.clientId} secret=${made.value} onClose=${shown} />`;
      }
      return html`<${Dialog} isWide title="Rotate the secret" onClose=${() => emit("close")}>
        ${() =>
          step.value === "choose"
            ? choice()
            : html`<${OldSecrets} clientId=${props.clientId} ids=${old} onClose=${() => emit("close")} />`}
      <//>`;
    };
  },
};
