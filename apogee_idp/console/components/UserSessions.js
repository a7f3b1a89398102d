/** Where a person is signed in. Emits `act` with method, part of the address, and what to tell. */

import { html } from "../html.js";
import { shown } from "../logic/format.js";
import { DataTable } from "./DataTable.js";
import { Moment } from "./Moment.js";

export const UserSessions = {
  props: { sessions: Array, isBusy: Boolean },
  emits: ["act"],
  setup(props, { emit }) {
    const end = ({ sid }) =>
      emit("act", "DELETE", `/sessions/${encodeURIComponent(sid)}`, "The session has ended.");
    const columns = [
      {
        title: "Browser",
        isHeading: true,
        cell: (session) => html`<span>${shown(session.user_agent)}</span>
          <div class="soft">${session.source}</div>`,
      },
      { title: "Signed in", cell: (session) => html`<${Moment} at=${session.begun_at} />` },
      { title: "Last seen", cell: (session) => html`<${Moment} at=${session.seen_at} />` },
      { title: "By", cell: (session) => shown(session.methods) },
      { title: "Clients", cell: (session) => shown(session.clients) },
      {
        title: "Actions",
        isEnd: true,
        cell: (session) => html`<div class="actions">
          <button type="button" class="quiet" disabled=${props.isBusy} onClick=${() => end(session)}>End</button>
        </div>`,
      },
    ];
    return () => html`<section class="block" aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      ${
        props.sessions.length === 0
          ? html`<p class="soft">She is signed in nowhere.</p>`
          : html`<${DataTable} caption="Sessions" columns=${columns} rows=${props.sessions} keyOf=${(s) => s.sid} />`
      }
    </section>`;
  },
};
