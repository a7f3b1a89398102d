/** A person: her roles, her sessions, and what ends them. */

import { html } from "../html.js";
import { get, send } from "../api.js";
import { FailureNotice } from "../components/FailureNotice.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { UserEnding } from "../components/UserEnding.js";
import { UserFacts } from "../components/UserFacts.js";
import { UserRoles } from "../components/UserRoles.js";
import { UserSessions } from "../components/UserSessions.js";
import { useAction, useLoaded } from "../loading.js";
import { tell } from "../notices.js";

export const UserEdit = {
  props: { subject: String },
  setup(props) {
    const path = `users/${encodeURIComponent(props.subject)}`;
    const loading = useLoaded(async () => {
      const [user, sessions] = await Promise.all([get(path), get(`${path}/sessions`)]);
      return { user: user.body, sessions: sessions.body.items };
    });
    const acting = useAction();
    /** Does one thing to her, and shows what came of it. */
    const act = async (method, part, told) => {
      const isDone = await acting.run(() => send(method, `${path}${part}`));
      if (isDone) tell(told);
      if (isDone || acting.failure.value?.kind === "conflict") await loading.reload();
    };
    const content = ({ user, sessions }) => html`
      <${UserFacts} user=${user} />
      <${FailureNotice} failure=${acting.failure.value} />
      <${UserRoles} user=${user} isBusy=${acting.isBusy.value} onAct=${act} />
      <${UserSessions} sessions=${sessions} isBusy=${acting.isBusy.value} onAct=${act} />
      <${UserEnding} user=${user} isBusy=${acting.isBusy.value} onAct=${act} />
    `;
    return () => {
      const user = loading.value.value?.user;
      return html`<${Page}
        title=${user ? user.name || user.email : "User"}
        lead=${user?.email}
        trail=${[["/users", "Users"]]}
      >
        ${() => html`<${Loaded} from=${loading}>${content}<//>`}
      <//>`;
    };
  },
};
