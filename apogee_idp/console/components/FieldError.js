/** What is wrong with a field, where its control points with aria-describedby. */

import { html } from "../html.js";

export const FieldError = {
  props: { id: String, problems: Array },
  setup(props) {
    return () =>
      props.problems.length > 0 &&
      html`<div class="field-error" id=${props.id}>
        ${props.problems.map((problem) => html`<p>${problem}</p>`)}
      </div>`;
  },
};
