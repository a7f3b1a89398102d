/** The frame of all pages of one client; `client` may still be on its way. */

import { html } from "../html.js";
import { pathOf } from "../router.js";
import { titleOfFlow } from "../logic/registration.js";
import { Page } from "./Page.js";

export const ClientPage = {
  props: { clientId: String, client: Object },
  setup(props, { slots }) {
    return () => {
      const { client, clientId } = props;
      const tabs = [
        [pathOf("/clients/", clientId), "Registration"],
        [pathOf("/clients/", clientId, "/secrets"), "Secrets"],
        [pathOf("/clients/", clientId, "/preview"), "Token preview"],
      ];
      const state = client && !client.enabled ? ", disabled" : "";
      return html`<${Page}
        title=${client?.display_name || clientId}
        lead=${client && `${clientId} · ${titleOfFlow(client.flow_type)}${state}`}
        trail=${[["/clients", "Clients"]]}
        tabs=${tabs}
      >
        ${() => slots.default()}
      <//>`;
    };
  },
};
