/**
 * Somebody else has changed the thing meanwhile: what was changed, on both sides, and the way on.
 * Emits `reapply` with the names (a Set) of contested members in which theirs stays.
 */

import { computed, html, onMounted, ref, useId } from "../html.js";
import { get } from "../api.js";
import { useLoaded } from "../loading.js";
import { bothChanges } from "../logic/differences.js";
import { label, shown } from "../logic/format.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

/** Who did it, as far as the audit tells. */
const LastChange = {
  props: { kind: String, name: String },
  setup(props) {
    const entries = useLoaded(() => get("audit", { kind: props.kind, key: props.name, limit: 1 }));
    return () => {
      const entry = entries.value.value?.body.items[0];
      return (
        entry &&
        html`<p>Last changed by <code>${entry.actor}</code>, <${Moment} at=${entry.at} />.</p>`
      );
    };
  },
};

export const Conflict = {
  props: { kind: String, name: String, base: Object, mine: Object, theirs: Object },
  emits: ["reapply"],
  setup(props, { emit }) {
    const kept = ref(new Set());
    const heading = ref(null);
    onMounted(() => heading.value.focus());
    const id = useId();
    const changes = computed(() => bothChanges(props.base, props.mine, props.theirs));
    const choose = (name, isTheirs) => {
      const names = new Set(kept.value);
      if (isTheirs) names.add(name);
      else names.delete(name);
      kept.value = names;
    };
    const side = (change, isTheirs) => {
      const value = isTheirs ? change.theirs : change.mine;
      if (!(isTheirs ? change.isTheirs : change.isMine))
        return html`<span class="soft">unchanged</span>`;
      if (!change.isContested) return shown(value);
      return html`<label class="check">
        <input
          type="radio"
          name=${`${id}-${change.name}`}
          checked=${kept.value.has(change.name) === isTheirs}
          onChange=${() => choose(change.name, isTheirs)}
        />
        <span>${shown(value)}</span>
      </label>`;
    };
    const columns = [
      {
        title: "Field",
        isHeading: true,
        cell: (change) => html`<strong>${label(change.name)}</strong>`,
      },
      { title: "Was", cell: (change) => shown(change.base) },
      { title: "Theirs", cell: (change) => side(change, true) },
      { title: "Yours", cell: (change) => side(change, false) },
    ];
    return () => html`<section class="sheet form" aria-labelledby=${`${id}-title`}>
      <h2 id=${`${id}-title`} ref=${heading} tabindex="-1">Somebody else was faster</h2>
      <p>Nothing of yours was saved yet, and nothing is lost. This is what both of you have changed:</p>
      <${LastChange} kind=${props.kind} name=${props.name} />
      <${DataTable} caption="Their changes and yours" columns=${columns} rows=${changes.value} keyOf=${(c) => c.name} />
      <p class="hint">Where both have changed the same, choose one.</p>
      <div class="actions">
        <button type="button" onClick=${() => emit("reapply", kept.value)}>
          Take theirs, and put my changes on top
        </button>
      </div>
    </section>`;
  },
};
