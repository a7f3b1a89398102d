/** Puts `text` on the clipboard, and says so for two seconds. */

import { html, ref } from "../html.js";

export const CopyButton = {
  props: { text: String, what: String },
  setup(props) {
    const said = ref("");
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(props.text);
        said.value = "Copied";
      } catch {
        said.value = "Select it and copy it by hand";
      }
      setTimeout(() => (said.value = ""), 2000);
    };
    return () => html`<button type="button" class="quiet" onClick=${copy}>
      <span aria-live="polite">${said.value || "Copy"}</span><span class="unseen"> ${props.what}</span>
    </button>`;
  },
};
