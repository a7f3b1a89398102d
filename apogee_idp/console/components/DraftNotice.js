/** Says that a form has what was typed before and not saved, if it has. */

import { html } from "../html.js";

export const DraftNotice = {
  props: { isRestored: Boolean },
  setup(props) {
    return () =>
      props.isRestored &&
      html`<p class="advice" role="status">What you typed here before, and didn't save, is back.</p>`;
  },
};
