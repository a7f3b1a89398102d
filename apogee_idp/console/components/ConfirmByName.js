/** Something that can't be undone, done once the name has been typed. Emits `confirm` and `close`. */

import { computed, html, ref } from "../html.js";
import { Dialog } from "./Dialog.js";
import { FailureNotice } from "./FailureNotice.js";
import { TextField } from "./TextField.js";

export const ConfirmByName = {
  props: { title: String, name: String, action: String, isBusy: Boolean, failure: Object },
  emits: ["confirm", "close"],
  setup(props, { slots, emit }) {
    const typed = ref("");
    const isSame = computed(() => typed.value.trim() === props.name);
    const confirmed = (event) => {
      event.preventDefault();
      if (isSame.value && !props.isBusy) emit("confirm");
    };
    return () => html`<${Dialog} title=${props.title} onClose=${() => emit("close")}>
      ${() => html`<form onSubmit=${confirmed}>
        ${slots.default()}
        <${FailureNotice} failure=${props.failure} />
        <${TextField}
          label=${`Type ${props.name} to confirm`}
          name="confirmation"
          autofocus
          value=${typed.value}
          onChange=${(text) => (typed.value = text)}
        />
        <div class="actions">
          <button type="submit" class="danger" disabled=${!isSame.value || props.isBusy}>
            ${props.action}
          </button>
          <button type="button" class="quiet" onClick=${() => emit("close")}>Cancel</button>
        </div>
      </form>`}
    <//>`;
  },
};
