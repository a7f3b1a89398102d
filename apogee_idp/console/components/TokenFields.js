/** How a client's tokens are written. Emits `change` with the members that change. */

import { html } from "../html.js";
import { session } from "../session.js";
import { CheckField } from "./CheckField.js";
import { LifetimeField } from "./LifetimeField.js";
import { ProfileFields } from "./ProfileFields.js";
import { SelectField } from "./SelectField.js";

const ENCRYPTED =
  "On: tokens are signed only (JWS), and whoever has one can read it. Off: they are encrypted " +
  "(JWE), and APIs ask this server what they say. AWS STS, Kubernetes and others need it on.";

export const TokenFields = {
  props: { registration: Object, isNew: Boolean },
  emits: ["change"],
  setup(props, { emit }) {
    const setProfile = (changes) =>
      emit("change", { token_profile: { ...props.registration.token_profile, ...changes } });
    const presets = () => [
      ["", props.isNew ? "None: as chosen below" : "Leave as it is"],
      ...session.facts.presets.map(({ name, title }) => [name, `${name}: ${title}`]),
    ];
    const own = (registration) => html`<div>
        <${CheckField}
          label="Disable Token Encryption"
          hint=${ENCRYPTED}
          name="skip_token_encryption"
          pointer="/skip_token_encryption"
          value=${registration.skip_token_encryption}
          onChange=${(isOn) => emit("change", { skip_token_encryption: isOn })}
        />
        <${LifetimeField}
          label="Lifetime of access tokens, in seconds"
          name="lifetime"
          pointer="/token_profile/lifetime"
          empty="as the server's settings say"
          value=${registration.token_profile.lifetime}
          onChange=${(lifetime) => setProfile({ lifetime })}
        />
        <details>
          <summary>Signature, audience and claims</summary>
          <${ProfileFields} profile=${registration.token_profile} onChange=${setProfile} />
        </details>
      </div>`;
    return () => html`<div>
      <${SelectField}
        label="Preset"
        name="preset"
        pointer="/preset"
        hint="Writes tokens as the other side wants them."
        options=${presets()}
        value=${props.registration.preset}
        onChange=${(name) => emit("change", { preset: name })}
      />
      ${
        props.registration.preset
          ? html`<p class="advice">
            The preset decides on encryption, type, audience and claims. Once it is saved, each can be
            changed here, and the preview says whether the other side would still take the tokens.
          </p>`
          : own(props.registration)
      }
    </div>`;
  },
};
