/** When a secret was used last, and the address of who did. */

import { html } from "../html.js";
import { Moment } from "./Moment.js";

export const LastUse = {
  props: { secret: Object },
  setup(props) {
    return () => {
      const { last_used_at: at, last_used_from: from } = props.secret;
      return html`<span>
        <${Moment} at=${at} />${from && html` <span class="soft">by ${from}</span>`}
      </span>`;
    };
  },
};
