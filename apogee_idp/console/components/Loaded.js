/** Shows the slot once there is something (of useLoaded or useListing), and what went wrong until then. */

import { html } from "../html.js";
import { FailureNotice } from "./FailureNotice.js";

export const Loaded = {
  props: { from: Object },
  setup(props, { slots }) {
    return () => {
      const { value, items, failure, reload } = props.from;
      const there = (items ?? value).value;
      return html`<div>
        <${FailureNotice} failure=${failure.value} retry=${failure.value?.isPassing ? reload : null} />
        ${there !== null && slots.default(there)}
        ${there === null && !failure.value && html`<p class="soft" aria-live="polite">Loading ...</p>`}
      </div>`;
    };
  },
};
