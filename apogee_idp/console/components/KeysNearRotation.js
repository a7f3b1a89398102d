/** The keys in use, and when each is followed by the next. */

import { html } from "../html.js";
import { address } from "../router.js";
import { Badge } from "./Badge.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

const COLUMNS = [
  {
    title: "Algorithm",
    isHeading: true,
    cell: (key) =>
      html`<a href=${address("/keys")}>${key.algorithm}</a> <div><code class="soft">${key.kid}</code></div>`,
  },
  {
    title: "State",
    cell: (key) => html`<${Badge} tone=${key.state === "active" ? "good" : ""}>${key.state}<//>`,
  },
  { title: "Signs from", cell: (key) => html`<${Moment} at=${key.activates_at} />` },
  {
    title: "Next key",
    cell: (key) => html`<${Moment} at=${key.retires_at ?? key.successor_due_at} never="–" />`,
  },
];

export const KeysNearRotation = {
  props: { keys: Array },
  setup(props) {
    return () => {
      const rows = props.keys.filter((key) => key.state !== "retired");
      return html`<section class="block" aria-labelledby="rotation">
        <h2 id="rotation">Keys</h2>
        <${DataTable} caption="Keys that sign or will" columns=${COLUMNS} rows=${rows} keyOf=${(key) => key.kid} />
      </section>`;
    };
  },
};
