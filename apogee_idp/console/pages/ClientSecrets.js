/** The secrets of a client: which there are, who uses them, and how one is replaced by another. */

import { html, ref, shallowRef } from "../html.js";
import { AddSecret } from "../components/AddSecret.js";
import { ClientPage } from "../components/ClientPage.js";
import { Loaded } from "../components/Loaded.js";
import { RetireSecret } from "../components/RetireSecret.js";
import { RotateSecret } from "../components/RotateSecret.js";
import { SecretOnce } from "../components/SecretOnce.js";
import { SecretTable } from "../components/SecretTable.js";
import { get } from "../api.js";
import { useLoaded } from "../loading.js";
import { tell } from "../notices.js";

function whyNone(client) {
  if (client.client_type === "public")
    return "A public client has no secret: none would be safe with it.";
  if (client.is_configured)
    return "This client stands in a configuration file: its secret is changed there.";
  return "";
}

export const ClientSecrets = {
  props: { clientId: String },
  setup(props) {
    const path = `clients/${encodeURIComponent(props.clientId)}`;
    const loading = useLoaded(async () => {
      const [client, secrets] = await Promise.all([get(path), get(`${path}/secrets`)]);
      return { client: client.body, secrets: secrets.body.items };
    });
    const open = ref("");
    const retiring = shallowRef(null);
    const made = ref(null);
    const close = () => {
      [open.value, retiring.value, made.value] = ["", null, null];
      loading.reload();
    };
    const show = (secret) => {
      open.value = "";
      if (secret === null)
        tell(
          "It was made by the first attempt, whose answer was lost. Retire it, and add another.",
        );
      made.value = secret;
      loading.reload();
    };
    const buttons = () => html`<div class="actions">
      <button type="button" onClick=${() => (open.value = "rotate")}>Rotate ...</button>
      <button type="button" class="quiet" onClick=${() => (open.value = "add")}>Add a secret ...</button>
    </div>`;
    const content = ({ client, secrets }) => {
      const why = whyNone(client);
      return html`
        ${why && html`<p class="advice">${why}</p>`}
        ${
          secrets.length > 0
            ? html`<${SecretTable}
              secrets=${secrets}
              canRetire=${!client.is_configured}
              onRetire=${(secret) => (retiring.value = secret)}
            />`
            : html`<p class="sheet">It has no secret.</p>`
        }
        ${!why && buttons()}
      `;
    };
    const dialogs = ({ secrets }) => html`
      ${
        open.value === "rotate" &&
        html`<${RotateSecret} clientId=${props.clientId} secrets=${secrets} onClose=${close} />`
      }
      ${
        open.value === "add" &&
        html`<${AddSecret} clientId=${props.clientId} onMade=${show} onClose=${close} />`
      }
      ${
        retiring.value &&
        html`<${RetireSecret} clientId=${props.clientId} secret=${retiring.value} onClose=${close} />`
      }
      ${
        made.value &&
        html`<${SecretOnce} clientId=${props.clientId} secret=${made.value} onClose=${close} />`
      }
    `;
    return () => html`<${ClientPage} clientId=${props.clientId} client=${loading.value.value?.client}>
      ${() => html`
        <${Loaded} from=${loading}>${content}<//>
        ${loading.value.value && dialogs(loading.value.value)}
      `}
    <//>`;
  },
};
