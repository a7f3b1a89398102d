/**
 * Rows as a table on a desk, as cards on a phone.
 * `columns` are { title, cell, isHeading, isEnd }: `cell` makes nodes of a row; `keyOf` names one.
 */

import { html } from "../html.js";

export const DataTable = {
  props: { caption: String, columns: Array, rows: Array, keyOf: Function },
  setup(props) {
    const cell = (column, row) => html`<td
      role=${column.isHeading ? "rowheader" : "cell"}
      class=${column.isEnd ? "end" : column.isHeading ? "heading" : ""}
    >
      <span class="column" aria-hidden="true">${column.title}</span>
      <div>${column.cell(row)}</div>
    </td>`;
    return () => html`<table role="table" class="data">
      <caption class="unseen">${props.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${props.columns.map((column) => html`<th role="columnheader" scope="col">${column.title}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${props.rows.map(
          (row) => html`<tr role="row" key=${props.keyOf(row)}>
            ${props.columns.map((column) => cell(column, row))}
          </tr>`,
        )}
      </tbody>
    </table>`;
  },
};
