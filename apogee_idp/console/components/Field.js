/**
 * A labelled control with its hint and what is wrong with it.
 * The control is a function of { id, describedBy, invalid } in the default slot; `pointer` is the
 * JSON pointer of the member that it writes, under which the server's complaints are found.
 */

import { computed, html, inject, useId } from "../html.js";
import { errorsAt } from "../failures.js";
import { FieldError } from "./FieldError.js";

export const PROBLEMS = Symbol("what the server said of a form");

export const Field = {
  props: { label: String, hint: String, pointer: String, problem: String, isGroup: Boolean },
  setup(props, { slots }) {
    const id = useId();
    const told = inject(PROBLEMS, null);
    const problems = computed(() => {
      const theirs = props.pointer ? errorsAt(told?.value ?? [], props.pointer) : [];
      return [props.problem, ...theirs.map((error) => error.detail)].filter(Boolean);
    });
    return () => {
      const invalid = problems.value.length > 0;
      const described = [props.hint && `${id}-hint`, invalid && `${id}-error`];
      const control = { id, invalid, describedBy: described.filter(Boolean).join(" ") || null };
      const parts = html`
        ${props.hint && html`<p class="hint" id=${`${id}-hint`}>${props.hint}</p>`}
        ${slots.default(control)}
        <${FieldError} id=${`${id}-error`} problems=${problems.value} />
      `;
      return props.isGroup
        ? html`<fieldset class="field" aria-describedby=${control.describedBy}>
            <legend>${props.label}</legend>
            ${parts}
          </fieldset>`
        : html`<div class="field">
            <label for=${id}>${props.label}</label>
            ${parts}
          </div>`;
    };
  },
};
