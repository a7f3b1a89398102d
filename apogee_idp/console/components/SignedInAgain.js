/** Where a sign-in in a second tab ends: it tells the first one. */

import { html, onMounted } from "../html.js";
import { address } from "../router.js";
import { whoIsHere } from "../session.js";

export const CHANNEL = "apogee-console";

export const SignedInAgain = {
  setup() {
    onMounted(() => {
      const channel = new BroadcastChannel(CHANNEL);
      channel.postMessage("signed in");
      channel.close();
    });
    return () => html`<main class="door">
      <h1>You are signed in</h1>
      <p>As <strong>${whoIsHere()}</strong>. Close this tab, and go on in the other one.</p>
      <p><a href=${address("/")}>Or begin at the overview</a></p>
    </main>`;
  },
};
