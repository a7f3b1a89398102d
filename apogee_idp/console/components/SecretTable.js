/** Secrets with their age, their end and their use. Emits `retire` with one. */

import { html } from "../html.js";
import { Badge } from "./Badge.js";
import { DataTable } from "./DataTable.js";
import { LastUse } from "./LastUse.js";
import { Moment } from "./Moment.js";

/** Where a secret is in its life: { tone, text }. */
export function stateOf(secret) {
  if (secret.is_expired) return { tone: "bad", text: "expired" };
  if (secret.is_safe_to_retire) return { tone: "warn", text: "safe to retire" };
  return { tone: "good", text: "in use or needed" };
}

export const SecretTable = {
  props: { secrets: Array, canRetire: Boolean },
  emits: ["retire"],
  setup(props, { emit }) {
    const state = (secret) => {
      const { tone, text } = stateOf(secret);
      return html`<${Badge} tone=${tone}>${text}<//>`;
    };
    const retire = (secret) => html`<div class="actions">
      <button type="button" class="quiet" onClick=${() => emit("retire", secret)}>
        Retire ...<span class="unseen"> ${secret.id}</span>
      </button>
    </div>`;
    const columns = () => [
      {
        title: "Secret",
        isHeading: true,
        cell: (secret) =>
          html`<strong>${secret.name || "unnamed"}</strong><div><code class="soft">${secret.id}</code></div>`,
      },
      { title: "State", cell: state },
      { title: "Created", cell: (secret) => html`<${Moment} at=${secret.created_at} />` },
      { title: "Expires", cell: (secret) => html`<${Moment} at=${secret.expires_at} />` },
      { title: "Last used", cell: (secret) => html`<${LastUse} secret=${secret} />` },
      { title: "Uses", cell: (secret) => secret.uses.toLocaleString("en") },
      ...(props.canRetire ? [{ title: "Actions", isEnd: true, cell: retire }] : []),
    ];
    return () =>
      html`<${DataTable} caption="Secrets" columns=${columns()} rows=${props.secrets} keyOf=${(s) => s.id} />`;
  },
};
