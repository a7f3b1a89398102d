/** What ends something of a person. Emits `act` with method, part of the address, and what to tell. */

import { html } from "../html.js";
import { session } from "../session.js";

export const UserEnding = {
  props: { user: Object, isBusy: Boolean },
  emits: ["act"],
  setup(props, { emit }) {
    const row = (title, text, button, ...act) => html`<li>
      <div><strong>${title}</strong><br /><span class="soft">${text}</span></div>
      <button type="button" class="quiet" disabled=${props.isBusy} onClick=${() => emit("act", ...act)}>
        ${button}
      </button>
    </li>`;
    return () => {
      const { user } = props;
      const isMe = user.subject === session.facts.subject;
      return html`<section class="sheet form" aria-labelledby="ending">
        <h2 id="ending">Ending</h2>
        <ul class="plain rows">
          ${row(
            "Sign out everywhere",
            "All sessions and refresh tokens end.",
            "End all sessions",
            ...["DELETE", "/sessions", "All sessions have ended."],
          )}
          ${
            user.has_second_factor &&
            row(
              "Remove the second factor",
              "For who has lost the device and the recovery codes.",
              "Remove it",
              ...["DELETE", "/second-factor", "The second factor is removed."],
            )
          }
          ${
            isMe
              ? html`<li class="soft">Your own account can't be disabled here.</li>`
              : user.enabled
                ? row(
                    "Disable the account",
                    "No sign-in any more; sessions and refresh tokens end.",
                    "Disable",
                    ...["POST", "/disable", "The account is disabled."],
                  )
                : row(
                    "Enable the account",
                    "She can sign in again.",
                    "Enable",
                    ...["POST", "/enable", "The account is enabled."],
                  )
          }
        </ul>
      </section>`;
    };
  },
};
