/** Secrets that end soon, and those that nobody would miss. */

import { html } from "../html.js";
import { address, pathOf } from "../router.js";
import { Badge } from "./Badge.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

const SECRET = {
  title: "Secret",
  isHeading: true,
  cell: ({ client_id: id, name, id: secretId }) => html`
    <a href=${address(pathOf("/clients/", id, "/secrets"))}>${id}</a>
    <div class="soft">${name || secretId}</div>
  `,
};
const USED = {
  title: "Last used",
  cell: (secret) => html`<${Moment} at=${secret.last_used_at} />`,
};
const EXPIRING = [
  SECRET,
  {
    title: "Expires",
    cell: (secret) => html`<div class="badges">
      <${Moment} at=${secret.expires_at} />
      ${secret.is_expired && html`<${Badge} tone="bad">expired<//>`}
    </div>`,
  },
  USED,
];
const RETIRING = [
  SECRET,
  { title: "Created", cell: (secret) => html`<${Moment} at=${secret.created_at} />` },
  USED,
];

export const SecretsToSee = {
  props: { secrets: Object },
  setup(props) {
    const keyOf = (secret) => `${secret.client_id} ${secret.id}`;
    const part = (
      id,
      title,
      nothing,
      columns,
      rows,
    ) => html`<section class="block" aria-labelledby=${id}>
      <h2 id=${id}>${title}</h2>
      ${
        rows.length > 0
          ? html`<${DataTable} caption=${title} columns=${columns} rows=${rows} keyOf=${keyOf} />`
          : html`<p class="soft">${nothing}</p>`
      }
    </section>`;
    return () => {
      const { expiring, safe_to_retire: retiring } = props.secrets;
      return html`
        ${part("expiring", "Secrets near their end", "None ends within two weeks.", EXPIRING, expiring)}
        ${part("retiring", "Secrets that are safe to retire", "None is left over.", RETIRING, retiring)}
      `;
    };
  },
};
