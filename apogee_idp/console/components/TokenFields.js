/** How a client's tokens are written. Emits `change` with the members that change. */

import { html } from "../html.js";
import { duration } from "../logic/format.js";
import { lifetimeProblem } from "../logic/validation.js";
import { session } from "../session.js";
import { CheckField } from "./CheckField.js";
import { ProfileFields } from "./ProfileFields.js";
import { SelectField } from "./SelectField.js";
import { TextField } from "./TextField.js";

const ENCRYPTED =
  "On: tokens are signed only (JWS), and whoever has one can read it. Off: they are encrypted " +
  "(JWE), and APIs ask this server what they say. AWS STS, Kubernetes and others need it on.";

/** Whole seconds as a number; whatever else was typed stays as it is, to be complained about. */
function lifetimeOf(text) {
  if (text.trim() === "") return null;
  return lifetimeProblem(text) ? text : Number(text);
}

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
    const own = (registration) => {
      const { lifetime } = registration.token_profile;
      return html`<div>
        <${CheckField}
          label="Disable Token Encryption"
          hint=${ENCRYPTED}
          name="skip_token_encryption"
          pointer="/skip_token_encryption"
          value=${registration.skip_token_encryption}
          onChange=${(isOn) => emit("change", { skip_token_encryption: isOn })}
        />
        <${TextField}
          label="Lifetime of access tokens, in seconds"
          name="lifetime"
          inputmode="numeric"
          pointer="/token_profile/lifetime"
          hint=${Number.isInteger(lifetime) ? duration(lifetime) : "Empty: as the server's settings say."}
          problem=${lifetimeProblem(lifetime)}
          value=${lifetime}
          onChange=${(text) => setProfile({ lifetime: lifetimeOf(text) })}
        />
        <details>
          <summary>Signature, audience and claims</summary>
          <${ProfileFields} profile=${registration.token_profile} onChange=${setProfile} />
        </details>
      </div>`;
    };
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
      ${props.registration.preset
        ? html`<p class="advice">
            The preset decides on encryption, type, audience and claims. Once it is saved, each can be
            changed here, and the preview says whether the other side would still take the tokens.
          </p>`
        : own(props.registration)}
    </div>`;
  },
};
