/**
 * An optional lifetime in seconds, told in words beside it. Emits `change` with the number, with
 * null for nothing, and with the text itself as long as it is no lifetime.
 */

import { html } from "../html.js";
import { duration } from "../logic/format.js";
import { lifetimeProblem } from "../logic/validation.js";
import { TextField } from "./TextField.js";

function lifetimeOf(text) {
  if (text.trim() === "") return null;
  return lifetimeProblem(text) ? text : Number(text);
}

export const LifetimeField = {
  props: { label: String, name: String, pointer: String, value: [Number, String], empty: String },
  emits: ["change"],
  setup(props, { emit }) {
    return () => {
      const { label, name, pointer, value, empty } = props;
      return html`<${TextField}
        ...${{ label, name, pointer, value }}
        inputmode="numeric"
        hint=${Number.isInteger(value) ? duration(value) : `Empty: ${empty}.`}
        problem=${lifetimeProblem(value)}
        onChange=${(text) => emit("change", lifetimeOf(text))}
      />`;
    };
  },
};
