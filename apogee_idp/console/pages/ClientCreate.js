/** A new client. */

import { html, shallowRef, watch } from "../html.js";
import { ClientForm } from "../components/ClientForm.js";
import { DraftNotice } from "../components/DraftNotice.js";
import { Page } from "../components/Page.js";
import { SecretOnce } from "../components/SecretOnce.js";
import { useCreation } from "../creation.js";
import { draftOf, dropDraft, keepDraft } from "../drafts.js";
import { checkLocally } from "../editing.js";
import { useAction } from "../loading.js";
import { bodyOf, newRegistration } from "../logic/registration.js";
import { registrationProblems } from "../logic/registrationProblems.js";
import { tell } from "../notices.js";
import { address, go, pathOf } from "../router.js";

const DRAFT = "new-client";

export const ClientCreate = {
  setup() {
    const draft = draftOf(DRAFT);
    const registration = shallowRef(draft ?? newRegistration());
    const made = shallowRef(null);
    const saving = useAction();
    const create = useCreation();
    watch(registration, () => keepDraft(DRAFT, registration.value));
    const change = (members) => (registration.value = { ...registration.value, ...members });
    const save = () =>
      saving.run(async () => {
        checkLocally(registrationProblems(registration.value));
        const { body, isReplay } = await create("clients", bodyOf(registration.value));
        dropDraft(DRAFT);
        if (body.client_secret) made.value = body;
        else done(body, isReplay);
      });
    const done = (client, isReplay = false) => {
      made.value = null;
      tell(
        isReplay
          ? `${client.display_name} was made by the first attempt, whose answer was lost. ` +
              "Rotate its secret to get one."
          : `${client.display_name} is registered.`,
      );
      go(pathOf("/clients/", client.client_id, isReplay ? "/secrets" : ""));
    };
    return () => html`<${Page} title="New client" trail=${[["/clients", "Clients"]]}>
      ${() => html`
        <${DraftNotice} isRestored=${Boolean(draft)} />
        <${ClientForm}
          registration=${registration.value}
          before=${null}
          isBusy=${saving.isBusy.value}
          failure=${saving.failure.value}
          action="Create the client"
          onChange=${change}
          onSave=${save}
        >
          <a class="button quiet" href=${address("/clients")} onClick=${() => dropDraft(DRAFT)}>Cancel</a>
        <//>
        ${
          made.value &&
          html`<${SecretOnce}
          clientId=${made.value.client_id}
          secret=${made.value.client_secret}
          onClose=${() => done(made.value)}
        />`
        }
      `}
    <//>`;
  },
};
