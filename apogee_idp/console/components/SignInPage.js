/** For somebody who is not signed in. */

import { html } from "../html.js";
import { route } from "../router.js";
import { signInAddress } from "../session.js";

export const SignInPage = {
  setup() {
    return () => {
      const here = route.path + location.search;
      return html`<main class="door">
        <h1>Apogee IdP</h1>
        <p>The console is for administrators of this identity provider.</p>
        <p><a class="button" data-leaves="" href=${signInAddress(here)}>Sign in</a></p>
      </main>`;
    };
  },
};
