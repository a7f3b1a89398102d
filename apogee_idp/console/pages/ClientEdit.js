/** A client's registration, to be read and changed. */

import { html, shallowRef } from "../html.js";
import { ClientEnding } from "../components/ClientEnding.js";
import { ClientForm } from "../components/ClientForm.js";
import { ClientPage } from "../components/ClientPage.js";
import { Conflict } from "../components/Conflict.js";
import { DraftNotice } from "../components/DraftNotice.js";
import { Loaded } from "../components/Loaded.js";
import { SecretOnce } from "../components/SecretOnce.js";
import { useEditing } from "../editing.js";
import { bodyOf, flat, registrationOf, unflat } from "../logic/registration.js";
import { registrationProblems } from "../logic/registrationProblems.js";
import { tell } from "../notices.js";

const FROM_CONFIGURATION = `This client stands in a configuration file and is read-only here: change it
  there. Its tokens can be revoked at any time.`;

function editingOf(clientId) {
  return useEditing(`clients/${encodeURIComponent(clientId)}`, {
    draft: `client:${clientId}`,
    read: registrationOf,
    write: bodyOf,
    problems: registrationProblems,
    flat,
    unflat,
    isFixed: (client) => client.is_configured,
  });
}

export const ClientEdit = {
  props: { clientId: String },
  setup(props) {
    const editing = editingOf(props.clientId);
    const { stored, typed, theirs, saving } = editing;
    const secret = shallowRef(null);
    const save = async () => {
      const client = await editing.save();
      if (client === null) return;
      secret.value = client.client_secret;
      tell(`${client.display_name} is saved.`);
    };
    const reapply = (kept) => {
      editing.reapply(kept);
      tell("Theirs is taken, your changes are on top. Look, then save.");
    };
    const form = () => {
      const { body: client, base } = stored.value;
      return html`
        ${client.is_configured && html`<p class="advice">${FROM_CONFIGURATION}</p>`}
        <${DraftNotice} isRestored=${editing.isRestored.value} />
        ${
          theirs.value &&
          html`<${Conflict}
          kind="client"
          name=${props.clientId}
          base=${flat(base)}
          mine=${flat(typed.value)}
          theirs=${flat(theirs.value.base)}
          onReapply=${reapply}
        />`
        }
        <${ClientForm}
          registration=${typed.value}
          before=${base}
          secrets=${client.secrets}
          isReadOnly=${client.is_configured}
          isBusy=${saving.isBusy.value}
          failure=${theirs.value ? null : saving.failure.value}
          action="Save"
          onChange=${editing.change}
          onSave=${save}
        >
          ${
            editing.isChanged() &&
            html`<button
              type="button"
              class="quiet"
              disabled=${saving.isBusy.value}
              onClick=${editing.discard}
            >
              Discard changes
            </button>`
          }
        <//>
        <${ClientEnding} client=${client} onChanged=${editing.rebase} />
      `;
    };
    return () => html`<${ClientPage} clientId=${props.clientId} client=${stored.value?.body}>
      ${() => html`
        <${Loaded} from=${editing.loading}>${form}<//>
        ${
          secret.value &&
          html`<${SecretOnce}
          clientId=${props.clientId}
          secret=${secret.value}
          onClose=${() => (secret.value = null)}
        />`
        }
      `}
    <//>`;
  },
};
