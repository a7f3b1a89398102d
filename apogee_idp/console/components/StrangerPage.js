/** For somebody who is signed in and no administrator: who she is, and why not. */

import { html } from "../html.js";
import { signOut } from "../api.js";
import { useAction } from "../loading.js";
import { route } from "../router.js";
import { session, signInAddress, whoIsHere } from "../session.js";
import { FailureNotice } from "./FailureNotice.js";

export const StrangerPage = {
  setup() {
    const leaving = useAction();
    return () => {
      const { email, roles, account_url: account } = session.facts;
      return html`<main class="door">
        <h1>This needs an administrator</h1>
        <p>
          You are signed in as <strong>${whoIsHere()}</strong> (${email}), who may not manage this
          identity provider: the role <code>idp-admin</code> is missing.
        </p>
        <p class="soft">Your roles: ${roles.length ? roles.join(", ") : "none"}. An administrator can grant it.</p>
        <${FailureNotice} failure=${leaving.failure.value} />
        <div class="actions">
          <a class="button" data-leaves="" href=${signInAddress(route.path, true)}>Use another account</a>
          <button type="button" class="quiet" onClick=${() => leaving.run(signOut)}>Sign out</button>
          ${account && html`<a href=${account}>Your account</a>`}
        </div>
      </main>`;
    };
  },
};
