/** All registered APIs. */

import { html } from "../html.js";
import { DataTable } from "../components/DataTable.js";
import { ListFoot } from "../components/ListFoot.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { useListing } from "../listing.js";
import { duration, shown } from "../logic/format.js";
import { address, pathOf } from "../router.js";

const COLUMNS = [
  {
    title: "Resource",
    isHeading: true,
    cell: ({ identifier, display_name: name }) => html`
      <a href=${address(pathOf("/resources/", identifier))}>${name || identifier}</a>
      <div><code class="soft">${identifier}</code></div>
    `,
  },
  {
    title: "Token lifetime",
    cell: ({ access_token_lifetime: lifetime }) =>
      lifetime ? `${duration(lifetime)} at most` : "–",
  },
  { title: "Introspection", cell: (resource) => shown(resource.introspection_clients) },
  { title: "Own key", cell: (resource) => shown(resource.jwks !== null) },
];

export const ResourceList = {
  setup() {
    const list = useListing("resources", () => ({ limit: 50 }));
    const create = html`<a class="button" href=${address("/new-resource")}>Register an API</a>`;
    const rows = (resources) =>
      resources.length === 0
        ? html`<p class="sheet">No API is registered. Scopes may name resources all the same.</p>`
        : html`<${DataTable} caption="Resources" columns=${COLUMNS} rows=${resources} keyOf=${(r) => r.identifier} />
            <${ListFoot} list=${list} one="resource" />`;
    return () => html`<${Page} title="Resources" lead="The APIs that take the tokens." actions=${[create]}>
      ${() => html`<${Loaded} from=${list}>${rows}<//>`}
    <//>`;
  },
};
