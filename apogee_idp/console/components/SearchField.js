/** A search that waits until typing pauses; emits `change` with the text. */

import { html, onBeforeUnmount, ref, watch } from "../html.js";
import { TextField } from "./TextField.js";

const PAUSE_MILLISECONDS = 250;

export const SearchField = {
  props: { label: String, value: String },
  emits: ["change"],
  setup(props, { emit }) {
    const text = ref(props.value);
    let timer = 0;
    const typed = (now) => {
      text.value = now;
      clearTimeout(timer);
      timer = setTimeout(() => emit("change", now.trim()), PAUSE_MILLISECONDS);
    };
    watch(
      () => props.value,
      (value) => {
        if (value !== text.value.trim()) text.value = value;
      },
    );
    onBeforeUnmount(() => clearTimeout(timer));
    return () => html`<${TextField}
      type="search"
      maxlength="200"
      label=${props.label}
      value=${text.value}
      onChange=${typed}
    />`;
  },
};
