/** One thing that is so or not; emits `change` with true or false. */

import { html, inject, useId } from "../html.js";
import { errorsAt } from "../failures.js";
import { PROBLEMS } from "./Field.js";
import { FieldError } from "./FieldError.js";

export const CheckField = {
  inheritAttrs: false,
  props: { label: String, hint: String, pointer: String, value: Boolean },
  emits: ["change"],
  setup(props, { attrs, emit }) {
    const id = useId();
    const told = inject(PROBLEMS, null);
    const toggled = (event) => emit("change", event.target.checked);
    return () => {
      const errors = props.pointer ? errorsAt(told?.value ?? [], props.pointer) : [];
      return html`<div class="check">
        <input
          id=${id}
          type="checkbox"
          aria-describedby=${`${id}-hint ${id}-error`}
          ...${attrs}
          checked=${props.value}
          onChange=${toggled}
        />
        <div>
          <label for=${id}>${props.label}</label>
          <p class="hint" id=${`${id}-hint`}>${props.hint}</p>
          <${FieldError} id=${`${id}-error`} problems=${errors.map((error) => error.detail)} />
        </div>
      </div>`;
    };
  },
};
