/** A search that waits until typing pauses; emits `change` with the text. */

import { html, onBeforeUnmount } from "../html.js";
import { TextField } from "./TextField.js";

const PAUSE_MILLISECONDS = 250;

export const SearchField = {
  props: { label: String, value: String },
  emits: ["change"],
  setup(props, { emit }) {
    let timer = 0;
    const typed = (text) => {
      clearTimeout(timer);
      timer = setTimeout(() => emit("change", text.trim()), PAUSE_MILLISECONDS);
    };
    onBeforeUnmount(() => clearTimeout(timer));
    return () => html`<${TextField}
      type="search"
      maxlength="200"
      label=${props.label}
      value=${props.value}
      onChange=${typed}
    />`;
  },
};
