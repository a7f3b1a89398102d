/** What an administrator should know first: how many there are, and what needs her. */

import { html } from "../html.js";
import { get } from "../api.js";
import { ClientFigures } from "../components/ClientCounts.js";
import { FailingClients } from "../components/FailingClients.js";
import { KeysNearRotation } from "../components/KeysNearRotation.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { SecretsToSee } from "../components/SecretsToSee.js";
import { useLoaded } from "../loading.js";
import { address } from "../router.js";

export const Overview = {
  setup() {
    const loading = useLoaded(async () => (await get("overview")).body);
    const refresh = html`<button type="button" class="quiet" onClick=${() => loading.reload()}>Refresh</button>`;
    const first = () => html`<p class="advice">
      No client yet. <a href=${address("/new-client")}>Create the first one</a>: it takes a name, and its
      secret is shown once.
    </p>`;
    const content = ({ clients, keys, secrets, failing }) => html`
      ${clients.total === 0 && first()}
      <${ClientFigures} clients=${clients} />
      <${FailingClients} failing=${failing} />
      <${SecretsToSee} secrets=${secrets} />
      ${keys && html`<${KeysNearRotation} keys=${keys} />`}
    `;
    return () => html`<${Page} title="Overview" lead="What there is, and what needs you." actions=${[refresh]}>
      ${() => html`<${Loaded} from=${loading}>${content}<//>`}
    <//>`;
  },
};
