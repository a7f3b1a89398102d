/** What was changed: who, what, when, and what was before and after. */

import { html } from "../html.js";
import { AuditEntry } from "../components/AuditEntry.js";
import { AuditFilters } from "../components/AuditFilters.js";
import { ListFoot } from "../components/ListFoot.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { useListing } from "../listing.js";
import { route } from "../router.js";

export const AuditTrail = {
  setup() {
    const list = useListing("audit", () => ({ ...route.query, limit: 30 }));
    const rows = (entries) =>
      entries.length === 0
        ? html`<p class="sheet">No entry is like that.</p>`
        : html`
            <ol class="plain entries">
              ${entries.map((entry) => html`<${AuditEntry} key=${entry.id} entry=${entry} />`)}
            </ol>
            <${ListFoot} list=${list} one="entry" many="entries" />
          `;
    return () => html`<${Page} title="Audit" lead="Every change, newest first. Nobody can alter it here.">
      ${() => html`
        <${AuditFilters} />
        <${Loaded} from=${list}>${rows}<//>
      `}
    <//>`;
  },
};
