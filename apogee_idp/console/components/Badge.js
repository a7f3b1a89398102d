/** A word on the state of something; `tone` is "good", "warn", "bad" or nothing. */

import { html } from "../html.js";

export const Badge = {
  props: { tone: String },
  setup(props, { slots }) {
    return () => html`<span class=${`badge ${props.tone ?? ""}`}>${slots.default()}</span>`;
  },
};
