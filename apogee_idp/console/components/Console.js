/** The whole: a page for whoever may not come in, and the shell for whoever may. */

import { html } from "../html.js";
import { loadSession } from "../api.js";
import { route } from "../router.js";
import { session } from "../session.js";
import { FailureNotice } from "./FailureNotice.js";
import { Shell } from "./Shell.js";
import { SignedOut } from "./SignedOut.js";
import { SignInPage } from "./SignInPage.js";
import { StrangerPage } from "./StrangerPage.js";
import { SignedInAgain } from "./SignedInAgain.js";

const Failed = {
  setup() {
    return () => html`<main class="door">
      <h1>Apogee IdP</h1>
      <${FailureNotice} failure=${session.failure} retry=${loadSession} />
    </main>`;
  },
};

export const Console = {
  setup() {
    return () => {
      if (session.state === "loading")
        return html`<p class="door soft" aria-live="polite">Loading ...</p>`;
      if (session.state === "nobody") return html`<${SignInPage} />`;
      if (session.state === "stranger") return html`<${StrangerPage} />`;
      if (session.state === "failed") return html`<${Failed} />`;
      if (route.path === "/signed-in") return html`<${SignedInAgain} />`;
      return html`<div>
        <${Shell} />
        ${session.state === "ended" && html`<${SignedOut} />`}
      </div>`;
    };
  },
};
