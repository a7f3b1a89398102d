/** What only an application has that people sign in to. Emits `change` with the members that change. */

import { html } from "../html.js";
import { withApplicationType, withClientType } from "../logic/registration.js";
import { redirectUriProblem } from "../logic/validation.js";
import { CheckField } from "./CheckField.js";
import { ListField } from "./ListField.js";
import { SelectField } from "./SelectField.js";
import { TextField } from "./TextField.js";

const APPLICATION_TYPES = [
  ["web", "Web: runs on a server"],
  ["spa", "SPA: runs in a browser"],
  ["native", "Native: runs on a device"],
];
const CLIENT_TYPES = [
  ["confidential", "Confidential: keeps a secret"],
  ["public", "Public: can't keep one"],
];

const AFTER_LOGOUT = "Where they may go after signing out.";
const ALWAYS = "A public client always needs it.";
const PKCE = "Leave it on, unless the application can't.";
const OFFLINE = "Refresh tokens, for whoever allows it.";
const SECOND_FACTOR = "Nobody comes here by a password alone.";
const PUSHED = "RFC 9126: the request goes to /connect/par first.";

export const CodeFlowFields = {
  props: { registration: Object },
  emits: ["change"],
  setup(props, { emit }) {
    const set = (name) => (value) => emit("change", { [name]: value });
    const check = (name, label, hint, disabled = false) => html`<${CheckField}
      label=${label}
      hint=${hint}
      name=${name}
      pointer=${`/${name}`}
      disabled=${disabled}
      value=${props.registration[name]}
      onChange=${set(name)}
    />`;
    const uris = (name, label, hint) => html`<${ListField}
      label=${label}
      hint=${hint}
      item="URI"
      pointer=${`/${name}`}
      placeholder="https://"
      check=${(uri) => redirectUriProblem(uri, props.registration.application_type)}
      value=${props.registration[name]}
      onChange=${set(name)}
    />`;
    return () => {
      const { registration } = props;
      const isSpa = registration.application_type === "spa";
      const isPublic = registration.client_type === "public";
      return html`<div>
        <div class="pair">
          <${SelectField}
            label="Application type"
            name="application_type"
            pointer="/application_type"
            hint="Decides which redirect URIs are taken."
            options=${APPLICATION_TYPES}
            value=${registration.application_type}
            onChange=${(type) => emit("change", withApplicationType(registration, type))}
          />
          <${SelectField}
            label="Client type"
            name="client_type"
            pointer="/client_type"
            hint=${isSpa ? "What runs in browsers is public." : "Whether it can keep a secret."}
            options=${CLIENT_TYPES}
            disabled=${isSpa}
            value=${registration.client_type}
            onChange=${(type) => emit("change", withClientType(registration, type))}
          />
        </div>
        ${uris("redirect_uris", "Redirect URIs", "Where people come back to, to the letter.")}
        ${uris("post_logout_redirect_uris", "Post-logout redirect URIs", AFTER_LOGOUT)}
        ${check("require_pkce", "Require PKCE", isPublic ? ALWAYS : PKCE, isPublic)}
        ${check("allow_offline_access", "Allow offline access", OFFLINE)}
        ${check("require_second_factor", "Require a second factor", SECOND_FACTOR)}
        ${check("require_pushed_authorization_requests", "Require pushed requests", PUSHED)}
        <${TextField}
          label="Back-channel logout URI"
          name="backchannel_logout_uri"
          pointer="/backchannel_logout_uri"
          hint="Is told when a session ends."
          value=${registration.backchannel_logout_uri}
          onChange=${(text) => emit("change", { backchannel_logout_uri: text || null })}
        />
      </div>`;
    };
  },
};
