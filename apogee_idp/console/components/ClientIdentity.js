/** A client's names. Emits `change` with the members that change. */

import { html } from "../html.js";
import { clientIdProblem, nameProblem } from "../logic/validation.js";
import { TextField } from "./TextField.js";

export const ClientIdentity = {
  props: { registration: Object, isNew: Boolean },
  emits: ["change"],
  setup(props, { emit }) {
    return () => {
      const { client_id: id, display_name: name } = props.registration;
      return html`<div class="pair">
        <${TextField}
          label="Display name"
          name="display_name"
          pointer="/display_name"
          hint="For people. Empty, it is the client id."
          problem=${nameProblem(name)}
          value=${name}
          onChange=${(text) => emit("change", { display_name: text })}
        />
        <${TextField}
          label="Client ID"
          name="client_id"
          pointer="/client_id"
          class="code"
          hint=${props.isNew ? "It can't be changed later." : "It can't be changed."}
          problem=${id && clientIdProblem(id)}
          readonly=${!props.isNew}
          value=${id}
          onChange=${(text) => emit("change", { client_id: text })}
        />
      </div>`;
    };
  },
};
