/** One entry of the audit, with what was before and after, member by member. */

import { html } from "../html.js";
import { differences } from "../logic/differences.js";
import { label, moment, shown } from "../logic/format.js";
import { address, pathOf } from "../router.js";
import { Badge } from "./Badge.js";
import { Moment } from "./Moment.js";

const TONES = { done: "good", refused: "warn", pending: "", unknown: "bad", unreadable: "bad" };
const PLACES = { client: "/clients/", scope: "/scopes/", resource: "/resources/", user: "/users/" };

function subjectOf({ kind, key, after }) {
  const place = after && PLACES[kind];
  return place
    ? html`<a href=${address(pathOf(place, key))}>${key}</a>`
    : html`<span>${key}</span>`;
}

export const AuditEntry = {
  props: { entry: Object },
  setup(props) {
    const difference = ({ name, before, after }) => html`<tr key=${name}>
      <th scope="row">${label(name)}</th>
      <td><span class="unseen">before: </span>${shown(before)}</td>
      <td><span class="unseen">after: </span>${shown(after)}</td>
    </tr>`;
    return () => {
      const { entry } = props;
      const changed = differences(entry.before, entry.after);
      return html`<li class="sheet entry">
        <div class="step-head">
          <strong>${label(entry.action || "unreadable")}</strong>
          <span>${entry.kind} ${subjectOf(entry)}</span>
          <${Badge} tone=${TONES[entry.outcome]}>${entry.outcome}<//>
        </div>
        <p class="hint">
          <${Moment} at=${entry.at} />, ${moment(entry.at)}, by <code>${entry.actor || "nobody knows whom"}</code>
        </p>
        ${
          changed.length > 0 &&
          html`<details>
          <summary>What it changed</summary>
          <table class="sides">
            <thead>
              <tr>
                <th scope="col">Member</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>${changed.map(difference)}</tbody>
          </table>
          <p class="hint">Request <code>${entry.request_id || "none"}</code>, entry <code>${entry.id}</code></p>
        </details>`
        }
      </li>`;
    };
  },
};
