/** All scopes, and the APIs behind them. */

import { html } from "../html.js";
import { DataTable } from "../components/DataTable.js";
import { ListFoot } from "../components/ListFoot.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { useListing } from "../listing.js";
import { shown } from "../logic/format.js";
import { address, pathOf } from "../router.js";

const COLUMNS = [
  {
    title: "Scope",
    isHeading: true,
    cell: (scope) =>
      html`<a href=${address(pathOf("/scopes/", scope.name))}><code>${scope.name}</code></a>`,
  },
  { title: "Name", cell: (scope) => shown(scope.display_name) },
  { title: "Description", cell: (scope) => shown(scope.description) },
  { title: "Resources", cell: (scope) => shown(scope.resources) },
];

export const ScopeList = {
  setup() {
    const list = useListing("scopes", () => ({ limit: 50 }));
    const create = html`<a class="button" href=${address("/new-scope")}>Create a scope</a>`;
    const rows = (scopes) =>
      scopes.length === 0
        ? html`<p class="sheet">There is no scope yet. Clients can be allowed what stands here.</p>`
        : html`<${DataTable} caption="Scopes" columns=${COLUMNS} rows=${scopes} keyOf=${(s) => s.name} />
            <${ListFoot} list=${list} one="scope" />`;
    return () => html`<${Page} title="Scopes" lead="What clients may ask for." actions=${[create]}>
      ${() => html`<${Loaded} from=${list}>${rows}<//>`}
    <//>`;
  },
};
