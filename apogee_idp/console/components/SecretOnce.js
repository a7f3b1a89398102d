/** A new secret, shown this once; the dialog is closed by whoever says that it is stored. */

import { html, ref } from "../html.js";
import { download } from "../downloads.js";
import { curlCommand, envFile, kubernetesSecret } from "../logic/manifests.js";
import { session } from "../session.js";
import { CopyButton } from "./CopyButton.js";
import { Dialog } from "./Dialog.js";

export const SecretOnce = {
  props: { clientId: String, secret: String },
  emits: ["close"],
  setup(props, { emit }) {
    const isShown = ref(false);
    const isStored = ref(false);
    const credentials = () => ({
      clientId: props.clientId,
      clientSecret: props.secret,
      tokenEndpoint: session.facts.endpoints.token,
    });
    const saveSecret = () =>
      download(`${props.clientId}-secret.yaml`, kubernetesSecret(credentials()));
    const saveEnv = () => download(`${props.clientId}.env`, envFile(credentials()));
    return () => html`<${Dialog} isFirm title="Store this secret now">
      ${() => html`
        <p>It is shown this once. Nobody, not even this server, can read it again.</p>
        <dl class="credentials">
          <dt>Client ID</dt>
          <dd>
            <code>${props.clientId}</code>
            <${CopyButton} text=${props.clientId} what="the client id" />
          </dd>
          <dt>Client secret</dt>
          <dd>
            <code class="secret" data-secret="">${isShown.value ? props.secret : "•".repeat(24)}</code>
            <button type="button" class="quiet" onClick=${() => (isShown.value = !isShown.value)}>
              ${isShown.value ? "Hide" : "Show"}<span class="unseen"> the secret</span>
            </button>
            <${CopyButton} text=${props.secret} what="the secret" />
          </dd>
        </dl>
        <div class="actions">
          <button type="button" class="quiet" onClick=${saveSecret}>Kubernetes Secret</button>
          <button type="button" class="quiet" onClick=${saveEnv}>.env file</button>
        </div>
        <p class="hint">To try it, with the secret in the variable CLIENT_SECRET:</p>
        <pre><code>${curlCommand(credentials())}</code></pre>
        <label class="check">
          <input
            type="checkbox"
            checked=${isStored.value}
            onChange=${(event) => (isStored.value = event.target.checked)}
          />
          <span>I have stored the secret</span>
        </label>
        <div class="actions">
          <button type="button" disabled=${!isStored.value} onClick=${() => emit("close")}>Done</button>
        </div>
      `}
    <//>`;
  },
};
