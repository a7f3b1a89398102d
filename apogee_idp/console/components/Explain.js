/** Each handler in its order: how long it took, what it changed, and where a refusal came from. */

import { computed, html, ref } from "../html.js";
import { shown } from "../logic/format.js";
import { Badge } from "./Badge.js";
import { CheckField } from "./CheckField.js";

const TONES = { done: "good", skipped: "", refused: "bad", failed: "bad" };

function milliseconds(microseconds) {
  return microseconds === null ? "–" : `${(microseconds / 1000).toFixed(2)} ms`;
}

function change({ field, before, after }) {
  return html`<li key=${field}><code>${field}</code>: ${shown(before)} → ${shown(after)}</li>`;
}

export const Explain = {
  props: { handlers: Array },
  setup(props) {
    const isWhole = ref(false);
    const visible = computed(() =>
      props.handlers.filter((handler) => isWhole.value || handler.outcome !== "skipped"),
    );
    const longest = computed(() =>
      Math.max(1, ...props.handlers.map((handler) => handler.microseconds ?? 0)),
    );
    const row = (
      handler,
      place,
    ) => html`<li key=${place} class=${`step depth-${Math.min(handler.depth, 3)}`}>
      <div class="step-head">
        <strong>${handler.name}</strong>
        <${Badge} tone=${TONES[handler.outcome]}>${handler.outcome}<//>
        <span class="soft">${milliseconds(handler.microseconds)}</span>
        <progress
          max=${longest.value}
          value=${handler.microseconds ?? 0}
          aria-label=${`Time of ${handler.name}`}
        ></progress>
      </div>
      <p class="hint">
        ${handler.event} ${handler.order}, of ${handler.distribution || handler.plugin}
        ${handler.filter === "always" ? "" : `, when ${handler.filter}`}
      </p>
      ${handler.changes.length > 0 && html`<ul class="changes">${handler.changes.map(change)}</ul>`}
    </li>`;
    return () => html`<section class="sheet" aria-labelledby="explain">
      <h2 id="explain">How it came about</h2>
      <${CheckField}
        label="Show handlers that were skipped"
        hint="Their filter said that the request is none of theirs."
        value=${isWhole.value}
        onChange=${(isOn) => (isWhole.value = isOn)}
      />
      <ol class="plain steps">${visible.value.map(row)}</ol>
    </section>`;
  },
};
