/** The notices that stand now, in a live region that is always there. */

import { html } from "../html.js";
import { dismiss, notices } from "../notices.js";

export const Notices = {
  setup() {
    return () => html`<div class="notices" role="status" aria-live="polite">
      ${notices.map(
        ({ id, text }) => html`<div class="notice" key=${id}>
          <span>${text}</span>
          <button type="button" class="plain-button" onClick=${() => dismiss(id)}>
            Dismiss
          </button>
        </div>`,
      )}
    </div>`;
  },
};
