/** Keys with their states and dates. Emits `revoke` with one. */

import { html } from "../html.js";
import { Badge } from "./Badge.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

const TONES = { active: "good", published: "", retired: "warn" };

export const KeyTable = {
  props: { caption: String, keys: Array },
  emits: ["revoke"],
  setup(props, { emit }) {
    const revoke = (key) => html`<div class="actions">
      <button type="button" class="quiet" onClick=${() => emit("revoke", key)}>
        Revoke ...<span class="unseen"> ${key.kid}</span>
      </button>
    </div>`;
    const columns = [
      {
        title: "Key",
        isHeading: true,
        cell: (key) => html`<code>${key.kid}</code>
          ${key.source !== "store" && html`<div class="soft">from ${key.source}</div>`}`,
      },
      { title: "State", cell: (key) => html`<${Badge} tone=${TONES[key.state]}>${key.state}<//>` },
      { title: "Published", cell: (key) => html`<${Moment} at=${key.created_at} />` },
      { title: "Signs from", cell: (key) => html`<${Moment} at=${key.activates_at} />` },
      {
        title: "Until",
        cell: (key) =>
          key.retires_at === null && key.successor_due_at
            ? html`<span>next one <${Moment} at=${key.successor_due_at} /></span>`
            : html`<${Moment} at=${key.retires_at} never="its successor is there" />`,
      },
      {
        title: "Gone",
        cell: (key) => html`<${Moment} at=${key.removed_at} never="not yet known" />`,
      },
      { title: "Actions", isEnd: true, cell: revoke },
    ];
    return () =>
      html`<${DataTable} caption=${props.caption} columns=${columns} rows=${props.keys} keyOf=${(k) => k.kid} />`;
  },
};
