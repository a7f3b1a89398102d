/** All clients: found by name and id, by flow, type, state and origin, and counted. */

import { html } from "../html.js";
import { Badge } from "../components/Badge.js";
import { ClientCounts } from "../components/ClientCounts.js";
import { DataTable } from "../components/DataTable.js";
import { Filters } from "../components/Filters.js";
import { ListFoot } from "../components/ListFoot.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { useListing } from "../listing.js";
import { titleOfFlow } from "../logic/registration.js";
import { address, pathOf, route } from "../router.js";

const FILTERS = [
  [
    "flow_type",
    "Flow",
    [
      ["", "All"],
      ["client_credentials", "Client Credentials"],
      ["authorization_code", "Authorization Code"],
    ],
  ],
  [
    "client_type",
    "Type",
    [
      ["", "All"],
      ["confidential", "Confidential"],
      ["public", "Public"],
    ],
  ],
  [
    "enabled",
    "State",
    [
      ["", "All"],
      ["true", "Enabled"],
      ["false", "Disabled"],
    ],
  ],
  [
    "configured",
    "Origin",
    [
      ["", "All"],
      ["false", "The console, the API"],
      ["true", "Configuration"],
    ],
  ],
];

const COLUMNS = [
  {
    title: "Client",
    isHeading: true,
    cell: (
      client,
    ) => html`<a href=${address(pathOf("/clients/", client.client_id))}>${client.display_name}</a>
      <div><code class="soft">${client.client_id}</code></div>`,
  },
  { title: "Flow", cell: (client) => titleOfFlow(client.flow_type) },
  {
    title: "Type",
    cell: (client) => `${client.client_type}, ${client.application_type}`,
  },
  {
    title: "Tokens",
    cell: (client) =>
      client.token_profile.reference
        ? "opaque"
        : client.skip_token_encryption
          ? "signed (JWS)"
          : "encrypted (JWE)",
  },
  {
    title: "State",
    cell: (client) => html`<div class="badges">
      <${Badge} tone=${client.enabled ? "good" : "bad"}>${client.enabled ? "enabled" : "disabled"}<//>
      ${client.is_configured && html`<${Badge}>read-only: configuration<//>`}
    </div>`,
  },
];

export const ClientList = {
  setup() {
    const list = useListing("clients", () => ({ ...route.query, limit: 50 }));
    const create = html`<a class="button" href=${address("/new-client")}>Create a client</a>`;
    const isFiltered = () => Object.keys(route.query).length > 0;
    const rows = (clients) =>
      clients.length === 0
        ? html`<p class="sheet">${isFiltered() ? "No client is like that." : "There is no client yet."}</p>`
        : html`<${DataTable} caption="Clients" columns=${COLUMNS} rows=${clients} keyOf=${(c) => c.client_id} />
            <${ListFoot} list=${list} one="client" />`;
    return () => html`<${Page} title="Clients" lead="Who gets tokens here." actions=${[create]}>
      ${() => html`
        <${ClientCounts} />
        <${Filters} search="Name or id" filters=${FILTERS} />
        <${Loaded} from=${list}>${rows}<//>
      `}
    <//>`;
  },
};
