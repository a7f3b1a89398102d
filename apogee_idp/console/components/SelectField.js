/** One of `options` ([[value, title], ...]); emits `change` with the value. */

import { html } from "../html.js";
import { Field } from "./Field.js";

export const SelectField = {
  inheritAttrs: false,
  props: {
    label: String,
    hint: String,
    pointer: String,
    problem: String,
    value: String,
    options: Array,
  },
  emits: ["change"],
  setup(props, { attrs, emit }) {
    const chosen = (event) => emit("change", event.target.value);
    return () => {
      const { label, hint, pointer, problem } = props;
      return html`<${Field} ...${{ label, hint, pointer, problem }}>
        ${(control) => html`<select
          id=${control.id}
          aria-invalid=${control.invalid ? "true" : null}
          aria-describedby=${control.describedBy}
          ...${attrs}
          value=${props.value}
          onChange=${chosen}
        >
          ${props.options.map(([value, title]) => html`<option key=${value} value=${value}>${title}</option>`)}
        </select>`}
      <//>`;
    };
  },
};
