/**
 * All that can be said of a client, and what saving it will do. Emits `change` with the members
 * that change, and `save`. `before` is what is stored, or null for a new client.
 */

import { computed, html, provide } from "../html.js";
import { consequences } from "../logic/consequences.js";
import { AUTHORIZATION_CODE, withFlow } from "../logic/registration.js";
import { ClientIdentity } from "./ClientIdentity.js";
import { ClientKeyFields } from "./ClientKeyFields.js";
import { CodeFlowFields } from "./CodeFlowFields.js";
import { FailureNotice } from "./FailureNotice.js";
import { PROBLEMS } from "./Field.js";
import { FlowTypeSelect } from "./FlowTypeSelect.js";
import { ReachFields } from "./ReachFields.js";
import { TokenFields } from "./TokenFields.js";

export const ClientForm = {
  props: {
    registration: Object,
    before: Object,
    secrets: { type: Array, default: () => [] },
    isReadOnly: Boolean,
    isBusy: Boolean,
    failure: Object,
    action: String,
  },
  emits: ["change", "save"],
  setup(props, { emit, slots }) {
    provide(
      PROBLEMS,
      computed(() => props.failure?.errors ?? []),
    );
    const change = (members) => emit("change", members);
    const chooseFlow = (flowType) => change(withFlow(props.registration, flowType));
    const save = (event) => {
      event.preventDefault();
      emit("save");
    };
    const sheet = (title, content) => html`<section class="sheet">
      <h2>${title}</h2>
      ${content}
    </section>`;
    const foot = (registration) => {
      const told = consequences(props.before, registration, props.secrets);
      return html`<div>
        <div aria-live="polite">
          ${
            told.length > 0 &&
            html`<div class="will">
            <h3>What saving will do</h3>
            <ul>${told.map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}</ul>
          </div>`
          }
        </div>
        <${FailureNotice} failure=${props.failure} />
        <div class="actions">
          <button type="submit" name="save" disabled=${props.isBusy}>${props.action}</button>
          ${slots.default?.()}
        </div>
      </div>`;
    };
    return () => {
      const { registration, before } = props;
      const isNew = before === null;
      const isCodeFlow = registration.flow_type === AUTHORIZATION_CODE;
      const given = { registration, onChange: change };
      return html`<form class="form" novalidate onSubmit=${save}>
        <fieldset class="field" disabled=${props.isReadOnly}>
          <legend class="unseen">The registration of the client</legend>
          ${sheet("Who gets tokens", html`<${FlowTypeSelect} registration=${registration} onChange=${chooseFlow} />`)}
          ${sheet("Names", html`<${ClientIdentity} ...${given} isNew=${isNew} />`)}
          ${isCodeFlow && sheet("The application", html`<${CodeFlowFields} ...${given} />`)}
          ${sheet("What it may ask for", html`<${ReachFields} ...${given} />`)}
          ${sheet("Its tokens", html`<${TokenFields} ...${given} isNew=${isNew} />`)}
          ${
            registration.client_type !== "public" &&
            sheet("How it proves who it is", html`<${ClientKeyFields} ...${given} />`)
          }
        </fieldset>
        ${!props.isReadOnly && foot(registration)}
      </form>`;
    };
  },
};
