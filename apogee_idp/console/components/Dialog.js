/**
 * A modal dialog (native <dialog>: it keeps the focus inside and gives it back). It is open as long
 * as it is there; emits `close` when it is dismissed, which `isFirm` forbids to Escape.
 */

import { html, onBeforeUnmount, onMounted, ref, useId } from "../html.js";

export const Dialog = {
  props: { title: String, isFirm: Boolean, isWide: Boolean },
  emits: ["close"],
  setup(props, { slots, emit }) {
    const dialog = ref(null);
    const id = useId();
    const cancelled = (event) => {
      event.preventDefault();
      if (!props.isFirm) emit("close");
    };
    const before = document.activeElement;
    onMounted(() => dialog.value.showModal());
    onBeforeUnmount(() => {
      dialog.value.close();
      if (before?.isConnected) before.focus();
    });
    return () => html`<dialog
      ref=${dialog}
      class=${props.isWide ? "wide" : ""}
      aria-labelledby=${id}
      onCancel=${cancelled}
    >
      <h2 id=${id}>${props.title}</h2>
      ${slots.default()}
    </dialog>`;
  },
};
