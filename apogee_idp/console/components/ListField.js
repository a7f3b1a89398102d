/**
 * Several texts, a line each; emits `change` with the list. `check` says what is wrong with one.
 * Complaints of the server about the item at place n stand beside it (pointer/n).
 */

import { computed, html, inject, nextTick, ref, useId } from "../html.js";
import { PROBLEMS } from "./Field.js";
import { FieldError } from "./FieldError.js";

export const ListField = {
  props: {
    label: String,
    hint: String,
    pointer: String,
    value: Array,
    item: String,
    placeholder: String,
    check: { type: Function, default: () => "" },
    disabled: Boolean,
  },
  emits: ["change"],
  setup(props, { emit }) {
    const id = useId();
    const list = ref(null);
    const told = inject(PROBLEMS, null);
    const own = computed(() =>
      (told?.value ?? []).filter(({ pointer }) => pointer === props.pointer),
    );
    const set = (place, text) =>
      emit(
        "change",
        props.value.map((old, n) => (n === place ? text : old)),
      );
    const remove = (place) =>
      emit(
        "change",
        props.value.filter((_, n) => n !== place),
      );
    const add = async () => {
      emit("change", [...props.value, ""]);
      await nextTick();
      [...list.value.querySelectorAll("input")].at(-1)?.focus();
    };
    const entered = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      add();
    };
    const problemsOf = (text, place) => {
      const theirs = (told?.value ?? []).filter(
        ({ pointer }) => pointer === `${props.pointer}/${place}`,
      );
      return [text && props.check(text), ...theirs.map((error) => error.detail)].filter(Boolean);
    };
    const row = (text, place) => {
      const problems = problemsOf(text, place);
      return html`<li key=${place}>
        <div class="with-button">
          <input
            type="text"
            aria-label=${`${props.item} ${place + 1}`}
            aria-invalid=${problems.length ? "true" : null}
            aria-describedby=${problems.length ? `${id}-${place}` : null}
            autocomplete="off"
            spellcheck="false"
            placeholder=${props.placeholder}
            disabled=${props.disabled}
            value=${text}
            onInput=${(event) => set(place, event.target.value)}
            onKeydown=${entered}
          />
          <button type="button" class="quiet" disabled=${props.disabled} onClick=${() => remove(place)}>
            Remove<span class="unseen"> ${props.item} ${place + 1}</span>
          </button>
        </div>
        <${FieldError} id=${`${id}-${place}`} problems=${problems} />
      </li>`;
    };
    return () => html`<fieldset class="field">
      <legend>${props.label}</legend>
      ${props.hint && html`<p class="hint">${props.hint}</p>`}
      <${FieldError} id=${`${id}-own`} problems=${own.value.map((error) => error.detail)} />
      <ul class="plain" ref=${list}>${props.value.map(row)}</ul>
      <button type="button" class="quiet" disabled=${props.disabled} onClick=${add}>
        Add ${props.item}
      </button>
    </fieldset>`;
  },
};
