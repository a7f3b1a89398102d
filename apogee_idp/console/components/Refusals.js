/** What a client was refused lately, and why. */

import { html } from "../html.js";
import { get } from "../api.js";
import { useLoaded } from "../loading.js";
import { DataTable } from "./DataTable.js";
import { FailureNotice } from "./FailureNotice.js";
import { Moment } from "./Moment.js";

const COLUMNS = [
  { title: "Error", isHeading: true, cell: (refusal) => html`<code>${refusal.error}</code>` },
  { title: "Reason", cell: (refusal) => refusal.reason || "–" },
  { title: "Times", cell: (refusal) => refusal.count.toLocaleString("en") },
  { title: "Last", cell: (refusal) => html`<${Moment} at=${refusal.last_at} />` },
];

export const Refusals = {
  props: { clientId: String },
  setup(props) {
    const path = `clients/${encodeURIComponent(props.clientId)}/refusals`;
    const loading = useLoaded(async () => (await get(path)).body.items);
    return () => {
      const refusals = loading.value.value ?? [];
      return html`<section class="block" aria-labelledby="refusals">
        <h2 id="refusals">Refused lately</h2>
        <${FailureNotice} failure=${loading.failure.value} retry=${loading.reload} />
        ${
          refusals.length > 0
            ? html`<${DataTable}
              caption="Refusals of the last 30 days"
              columns=${COLUMNS}
              rows=${refusals}
              keyOf=${(refusal) => refusal.error + refusal.reason}
            />`
            : !loading.failure.value && html`<p class="soft">Nothing, in 30 days.</p>`
        }
      </section>`;
    };
  },
};
