/** One more secret beside those a client has. Emits `made` with it, and `close`. */

import { computed, html, provide, reactive } from "../html.js";
import { useCreation } from "../creation.js";
import { useAction } from "../loading.js";
import { now } from "../session.js";
import { Dialog } from "./Dialog.js";
import { FailureNotice } from "./FailureNotice.js";
import { PROBLEMS } from "./Field.js";
import { SelectField } from "./SelectField.js";
import { TextField } from "./TextField.js";

const DAY = 86400;
const EXPIRIES = [
  ["", "Never"],
  [String(30 * DAY), "In 30 days"],
  [String(90 * DAY), "In 90 days"],
  [String(365 * DAY), "In a year"],
];

export const AddSecret = {
  props: { clientId: String },
  emits: ["made", "close"],
  setup(props, { emit }) {
    const begun = now(); // for all attempts: one that says something else would make another secret
    const typed = reactive({ name: "", expiresIn: "" });
    const adding = useAction();
    const create = useCreation();
    provide(
      PROBLEMS,
      computed(() => adding.failure.value?.errors ?? []),
    );
    const bodyOf = () => ({
      name: typed.name,
      expires_at: typed.expiresIn ? begun + Number(typed.expiresIn) : null,
    });
    const add = (event) => {
      event.preventDefault();
      adding.run(async () => {
        const path = `clients/${encodeURIComponent(props.clientId)}/secrets`;
        const { body } = await create(path, bodyOf());
        emit("made", body.client_secret);
      });
    };
    return () => html`<${Dialog} title="Add a secret" onClose=${() => emit("close")}>
      ${() => html`<form onSubmit=${add}>
        <p>All secrets of a client work side by side, ten at most.</p>
        <${TextField}
          label="Name"
          name="secret_name"
          hint="Where it is used, say."
          maxlength="100"
          pointer="/name"
          value=${typed.name}
          onChange=${(text) => (typed.name = text)}
        />
        <${SelectField}
          label="Expires"
          pointer="/expires_at"
          options=${EXPIRIES}
          value=${typed.expiresIn}
          onChange=${(value) => (typed.expiresIn = value)}
        />
        <${FailureNotice} failure=${adding.failure.value} />
        <div class="actions">
          <button type="submit" disabled=${adding.isBusy.value}>Make the secret</button>
          <button type="button" class="quiet" onClick=${() => emit("close")}>Cancel</button>
        </div>
      </form>`}
    <//>`;
  },
};
