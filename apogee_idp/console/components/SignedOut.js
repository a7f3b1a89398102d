/**
 * The session has ended while somebody was at work. The page stays as it is behind this dialog;
 * whoever signs in again in another tab, which tells this one, goes on where she was.
 */

import { html, onBeforeUnmount, onMounted, shallowRef } from "../html.js";
import { loadSession } from "../api.js";
import { tell } from "../notices.js";
import { route } from "../router.js";
import { session, signInAddress, whoIsHere } from "../session.js";
import { CHANNEL } from "./SignedInAgain.js";
import { Dialog } from "./Dialog.js";
import { FailureNotice } from "./FailureNotice.js";

export const SignedOut = {
  setup() {
    const who = whoIsHere();
    const failure = shallowRef(null);
    const look = async () => {
      failure.value = await loadSession();
      if (session.state === "here") tell(`Signed in as ${whoIsHere()}. Go on where you were.`);
    };
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = look;
    onMounted(() => addEventListener("focus", look));
    onBeforeUnmount(() => {
      removeEventListener("focus", look);
      channel.close();
    });
    return () => html`<${Dialog} isFirm title="Your session has ended">
      ${() => html`
        <p>
          ${who} is signed out: it was too long, it was ended elsewhere, or the account was changed.
          <strong> What you typed is still here.</strong>
        </p>
        <div class="actions">
          <a class="button" target="_blank" rel="noopener" href=${signInAddress("/signed-in")}>
            Sign in, in a new tab
          </a>
          <button type="button" class="quiet" onClick=${look}>I am signed in again</button>
        </div>
        ${
          failure.value?.kind === "signed-out" &&
          html`<p role="alert" class="field-error">Nobody is signed in yet.</p>`
        }
        <${FailureNotice} failure=${failure.value} />
        <p class="soft">
          Or <a data-leaves="" href=${signInAddress(route.path + location.search)}>sign in here</a>: forms of
          clients keep what you typed, but no secret.
        </p>
      `}
    <//>`;
  },
};
