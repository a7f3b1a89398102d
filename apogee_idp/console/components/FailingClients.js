/** Clients that were refused within a day, and why. */

import { html } from "../html.js";
import { address, pathOf } from "../router.js";
import { count } from "../logic/format.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

const COLUMNS = [
  {
    title: "Client",
    isHeading: true,
    cell: ({ client_id: id }) =>
      html`<a href=${address(pathOf("/clients/", id, "/preview"))}>${id}</a>`,
  },
  {
    title: "Why",
    cell: ({ refusals }) => html`<ul class="plain">
      ${refusals.map(
        (refusal) =>
          html`<li>
            <code>${refusal.error}</code> ${count(refusal.count, "time")}
            <span class="soft"> ${refusal.reason}</span>
          </li>`,
      )}
    </ul>`,
  },
  { title: "Last refused", cell: (client) => html`<${Moment} at=${client.last_refused_at} />` },
  { title: "Last success", cell: (client) => html`<${Moment} at=${client.last_used_at} />` },
];

export const FailingClients = {
  props: { failing: Array },
  setup(props) {
    return () => html`<section class="block" aria-labelledby="failing">
      <h2 id="failing">Failing clients</h2>
      ${
        props.failing.length > 0
          ? html`<${DataTable}
            caption="Clients that were refused within a day"
            columns=${COLUMNS}
            rows=${props.failing}
            keyOf=${(client) => client.client_id}
          />`
          : html`<p class="soft">No client was refused within a day.</p>`
      }
    </section>`;
  },
};
