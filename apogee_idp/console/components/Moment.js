/** A time (Unix seconds; 0 is none), as far from now as it is; the moment itself is in its title. */

import { html } from "../html.js";
import { moment, relative, timestamp } from "../logic/format.js";
import { now } from "../session.js";

export const Moment = {
  props: { at: Number, never: { type: String, default: "never" } },
  setup(props) {
    return () => {
      if (!props.at) return html`<span class="soft">${props.never}</span>`;
      return html`<time datetime=${timestamp(props.at)} title=${moment(props.at)}>
        ${relative(props.at, now())}
      </time>`;
    };
  },
};
