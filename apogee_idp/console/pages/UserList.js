/** People with accounts. */

import { html } from "../html.js";
import { Badge } from "../components/Badge.js";
import { DataTable } from "../components/DataTable.js";
import { Filters } from "../components/Filters.js";
import { ListFoot } from "../components/ListFoot.js";
import { Loaded } from "../components/Loaded.js";
import { Moment } from "../components/Moment.js";
import { Page } from "../components/Page.js";
import { useListing } from "../listing.js";
import { shown } from "../logic/format.js";
import { address, pathOf, route } from "../router.js";

const FILTERS = [
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
    "role",
    "Role",
    [
      ["", "All"],
      ["idp-admin", "Administrators"],
    ],
  ],
];

const COLUMNS = [
  {
    title: "Person",
    isHeading: true,
    cell: ({ subject, name, email }) => html`
      <a href=${address(pathOf("/users/", subject))}>${name || email}</a>
      <div class="soft">${email}</div>
    `,
  },
  { title: "Roles", cell: (user) => shown(user.roles) },
  { title: "Second factor", cell: (user) => shown(user.has_second_factor) },
  { title: "Since", cell: (user) => html`<${Moment} at=${user.created_at} />` },
  {
    title: "State",
    cell: (user) => html`<div class="badges">
      <${Badge} tone=${user.enabled ? "good" : "bad"}>${user.enabled ? "enabled" : "disabled"}<//>
      ${user.is_administrator && html`<${Badge}>administrator<//>`}
    </div>`,
  },
];

export const UserList = {
  setup() {
    const list = useListing("users", () => ({ ...route.query, limit: 50 }));
    const rows = (users) =>
      users.length === 0
        ? html`<p class="sheet">Nobody is like that.</p>`
        : html`<${DataTable} caption="Users" columns=${COLUMNS} rows=${users} keyOf=${(u) => u.subject} />
            <${ListFoot} list=${list} one="person" many="people" />`;
    const lead = "Who can sign in. Accounts are made at the shell, or by signing in elsewhere.";
    return () => html`<${Page} title="Users" lead=${lead}>
      ${() => html`
        <${Filters} search="Name, e-mail or subject" filters=${FILTERS} />
        <${Loaded} from=${list}>${rows}<//>
      `}
    <//>`;
  },
};
