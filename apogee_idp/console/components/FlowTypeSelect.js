/** Who gets tokens: the client itself, or people through it. Emits `change` with the flow type. */

import { html, useId } from "../html.js";
import { AUTHORIZATION_CODE, CLIENT_CREDENTIALS, forcedBy } from "../logic/registration.js";

const FLOWS = [
  {
    type: CLIENT_CREDENTIALS,
    title: "Client Credentials",
    note: "A service gets tokens for itself, with a secret or a key. No person is there.",
  },
  {
    type: AUTHORIZATION_CODE,
    title: "Authorization Code with PKCE",
    note: "People sign in to an application, in a browser.",
  },
];

export const FlowTypeSelect = {
  props: { registration: Object, disabled: Boolean },
  emits: ["change"],
  setup(props, { emit }) {
    const id = useId();
    const flow = ({ type, title, note }) => {
      const isChosen = props.registration.flow_type === type;
      return html`<div class=${`flow ${isChosen ? "chosen" : ""}`} key=${type}>
        <input
          type="radio"
          name=${`${id}-flow`}
          id=${`${id}-${type}`}
          value=${type}
          aria-describedby=${`${id}-${type}-note`}
          disabled=${props.disabled}
          checked=${isChosen}
          onChange=${() => emit("change", type)}
        />
        <div>
          <label for=${`${id}-${type}`}>${title}</label>
          <p class="hint" id=${`${id}-${type}-note`}>${note}</p>
        </div>
      </div>`;
    };
    return () => html`<fieldset class="field">
      <legend>OAuth flow</legend>
      <div class="flows">${FLOWS.map(flow)}</div>
      <div class="forced" aria-live="polite">
        <h3>What follows from it</h3>
        <ul>
          ${forcedBy(props.registration).map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}
        </ul>
      </div>
    </fieldset>`;
  },
};
