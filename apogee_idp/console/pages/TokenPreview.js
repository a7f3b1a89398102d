/** What a client's next token will look like, who would take it, and how it came about. */

import { computed, html, provide, shallowRef, watch } from "../html.js";
import { get, send } from "../api.js";
import { all } from "../listing.js";
import { useAction, useLoaded } from "../loading.js";
import { CLIENT_CREDENTIALS } from "../logic/registration.js";
import { ClientPage } from "../components/ClientPage.js";
import { Explain } from "../components/Explain.js";
import { FailureNotice } from "../components/FailureNotice.js";
import { PROBLEMS } from "../components/Field.js";
import { Loaded } from "../components/Loaded.js";
import { PickList } from "../components/PickList.js";
import { Refusals } from "../components/Refusals.js";
import { TokenAnatomy } from "../components/TokenAnatomy.js";
import { Verdicts } from "../components/Verdicts.js";

function choicesOf(names) {
  return names.map((name) => ({ value: name, title: name }));
}

/** What the pipeline said no with, and where. */
function refused({ error, description, reason, handler, event }) {
  return html`<div class="problem" role="alert">
    <h2>It would get no token: <code>${error}</code></h2>
    <p>${description}${reason && html`<span> For you alone: ${reason}.</span>`}</p>
    <p class="soft">Refused by <code>${handler}</code> of ${event}.</p>
  </div>`;
}

export const TokenPreview = {
  props: { clientId: String },
  setup(props) {
    const path = `clients/${encodeURIComponent(props.clientId)}`;
    const loading = useLoaded(async () => {
      const [client, resources] = await Promise.all([get(path), all("resources")]);
      return { client: client.body, resources: resources.map((resource) => resource.identifier) };
    });
    const scopes = shallowRef([]);
    const resources = shallowRef([]);
    const preview = shallowRef(null);
    const previewing = useAction();
    provide(
      PROBLEMS,
      computed(() => previewing.failure.value?.errors ?? []),
    );
    const look = () =>
      previewing.run(async () => {
        const body = { scopes: scopes.value, resources: resources.value };
        preview.value = (await send("POST", `${path}/preview`, { body })).body;
      });
    watch(loading.value, ({ client }) => client.flow_type === CLIENT_CREDENTIALS && look());
    const asked = (event) => {
      event.preventDefault();
      look();
    };
    const form = ({ client, resources: known }) =>
      client.flow_type === CLIENT_CREDENTIALS
        ? question(client, known)
        : html`<p class="advice">
            Previewed can be what a client gets for itself. The tokens of this one come from people who
            sign in to it.
          </p>`;
    const question = (client, known) => html`<form class="sheet" onSubmit=${asked}>
      <h2>If it asks for</h2>
      <div class="pair">
        <${PickList}
          label="Scopes"
          hint="None: its default scopes."
          pointer="/scopes"
          nothing="It has no scopes."
          choices=${choicesOf(client.scopes)}
          value=${scopes.value}
          onChange=${(names) => (scopes.value = names)}
        />
        <${PickList}
          label="Resources"
          hint="None: all that its scopes belong to."
          pointer="/resources"
          nothing="No API is registered."
          choices=${choicesOf(known)}
          value=${resources.value}
          onChange=${(names) => (resources.value = names)}
        />
      </div>
      <div class="actions">
        <button type="submit" disabled=${previewing.isBusy.value}>Preview</button>
        <span class="soft">Nothing is issued, stored or counted.</span>
      </div>
    </form>`;
    const result = ({ token, refusal, verdicts, handlers }) => html`
      ${refusal && refused(refusal)}
      ${token && html`<${TokenAnatomy} token=${token} />`}
      ${verdicts.length > 0 && html`<${Verdicts} verdicts=${verdicts} />`}
      <${Explain} handlers=${handlers} />
    `;
    return () => html`<${ClientPage} clientId=${props.clientId} client=${loading.value.value?.client}>
      ${() => html`
        <${Loaded} from=${loading}>${form}<//>
        <${FailureNotice} failure=${previewing.failure.value} retry=${look} />
        <div aria-live="polite" aria-busy=${previewing.isBusy.value ? "true" : "false"}>
          ${preview.value && result(preview.value)}
        </div>
        <${Refusals} clientId=${props.clientId} />
      `}
    <//>`;
  },
};
