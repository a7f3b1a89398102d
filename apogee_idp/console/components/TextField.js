/** One line of text; emits `change` with what is typed. `isLong` makes it several lines. */

import { html } from "../html.js";
import { Field } from "./Field.js";

export const TextField = {
  inheritAttrs: false,
  props: {
    label: String,
    hint: String,
    pointer: String,
    problem: String,
    value: [String, Number],
    isLong: Boolean,
  },
  emits: ["change"],
  setup(props, { attrs, emit }) {
    const typed = (event) => emit("change", event.target.value);
    return () => {
      const { label, hint, pointer, problem, isLong } = props;
      const tag = isLong ? "textarea" : "input";
      return html`<${Field} ...${{ label, hint, pointer, problem }}>
        ${(control) => html`<${tag}
          id=${control.id}
          aria-invalid=${control.invalid ? "true" : null}
          aria-describedby=${control.describedBy}
          autocomplete="off"
          spellcheck="false"
          ...${isLong ? { rows: 5 } : { type: "text" }}
          ...${attrs}
          value=${props.value ?? ""}
          onInput=${typed}
        />`}
      <//>`;
    };
  },
};
