/**
 * A JSON object as text; emits `change` with the object, with null for nothing, and with the text
 * itself as long as it is no JSON object: who saves it has to say so.
 */

import { html, ref, watch } from "../html.js";
import { same } from "../logic/differences.js";
import { jsonObjectProblem } from "../logic/validation.js";
import { TextField } from "./TextField.js";

function written(value) {
  if (typeof value === "string") return value;
  return value === null || Object.keys(value).length === 0 ? "" : JSON.stringify(value, null, 2);
}

export const JsonField = {
  props: { label: String, hint: String, pointer: String, value: [Object, String], empty: Object },
  emits: ["change"],
  setup(props, { emit }) {
    const text = ref(written(props.value));
    const read = () => {
      if (jsonObjectProblem(text.value)) return text.value;
      return text.value.trim() === "" ? (props.empty ?? null) : JSON.parse(text.value);
    };
    watch(
      () => props.value,
      (value) => {
        if (!same(value, read())) text.value = written(value);
      },
    );
    const typed = (now) => {
      text.value = now;
      emit("change", read());
    };
    return () => html`<${TextField}
      isLong
      label=${props.label}
      hint=${props.hint}
      pointer=${props.pointer}
      problem=${jsonObjectProblem(text.value)}
      value=${text.value}
      onChange=${typed}
    />`;
  },
};
