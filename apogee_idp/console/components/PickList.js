/**
 * Some of `choices` ([{ value, title, note }]); emits `change` with the values.
 * What was picked and isn't a choice any more is still shown, so that nothing is lost unseen.
 */

import { computed, html, ref, useId } from "../html.js";
import { Field } from "./Field.js";

const MANY = 8;

export const PickList = {
  props: {
    label: String,
    hint: String,
    pointer: String,
    value: Array,
    choices: Array,
    nothing: String,
    disabled: Boolean,
  },
  emits: ["change"],
  setup(props, { emit }) {
    const sought = ref("");
    const id = useId();
    const all = computed(() => {
      const known = new Set(props.choices.map((choice) => choice.value));
      const gone = props.value.filter((value) => !known.has(value));
      return [
        ...props.choices,
        ...gone.map((value) => ({ value, title: value, note: "not in the list any more" })),
      ];
    });
    const visible = computed(() => {
      const text = sought.value.toLowerCase();
      return all.value.filter((choice) =>
        `${choice.value} ${choice.title}`.toLowerCase().includes(text),
      );
    });
    const toggle = (value, isOn) =>
      emit(
        "change",
        isOn ? [...props.value, value] : props.value.filter((other) => other !== value),
      );
    const choice = ({ value, title, note }, place) => html`<li class="check" key=${value}>
      <input
        type="checkbox"
        id=${`${id}-${place}`}
        disabled=${props.disabled}
        checked=${props.value.includes(value)}
        onChange=${(event) => toggle(value, event.target.checked)}
      />
      <label for=${`${id}-${place}`}>
        <code>${title}</code> ${note && html`<span class="soft">${note}</span>`}
      </label>
    </li>`;
    return () => html`<${Field} isGroup label=${props.label} hint=${props.hint} pointer=${props.pointer}>
      ${() => html`<div>
        ${
          all.value.length > MANY &&
          html`<input
          type="search"
          class="narrow"
          aria-label=${`Find in ${props.label}`}
          placeholder="Find ..."
          value=${sought.value}
          onInput=${(event) => (sought.value = event.target.value)}
        />`
        }
        ${all.value.length === 0 && html`<p class="soft">${props.nothing}</p>`}
        <ul class="plain picks">${visible.value.map(choice)}</ul>
      </div>`}
    <//>`;
  },
};
