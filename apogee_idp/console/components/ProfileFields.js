/** The finer parts of a token profile. Emits `change` with the members that change. */

import { html } from "../html.js";
import { session } from "../session.js";
import { CheckField } from "./CheckField.js";
import { JsonField } from "./JsonField.js";
import { ListField } from "./ListField.js";
import { SelectField } from "./SelectField.js";

const TYPS = [
  ["at+jwt", "at+jwt (RFC 9068)"],
  ["JWT", "JWT"],
];
const TARGETS = [
  ["server", "This server: APIs introspect"],
  ["resource", "The key of the API"],
];
const SHAPES = [
  ["compact", "One as text, several as array"],
  ["array", "Always an array"],
  ["single", "Exactly one"],
];

export const ProfileFields = {
  props: { profile: Object },
  emits: ["change"],
  setup(props, { emit }) {
    const set = (name) => (value) => emit("change", { [name]: value });
    const select = (name, label, options, hint) => html`<${SelectField}
      label=${label}
      hint=${hint}
      name=${name}
      pointer=${`/token_profile/${name}`}
      options=${options}
      value=${props.profile[name]}
      onChange=${set(name)}
    />`;
    const json = (name, label, hint) => html`<${JsonField}
      label=${label}
      hint=${hint}
      name=${name}
      pointer=${`/token_profile/${name}`}
      empty=${{}}
      value=${props.profile[name]}
      onChange=${set(name)}
    />`;
    return () => {
      const { profile } = props;
      const algorithms = new Set([...session.facts.signing_algorithms, profile.signing_algorithm]);
      return html`<div>
        <div class="pair">
          ${select(
            "signing_algorithm",
            "Signing algorithm",
            [...algorithms].map((name) => [name, name]),
          )}
          ${select("typ", "Type (typ)", TYPS)}
          ${select("audience_shape", "Audience (aud)", SHAPES)}
          ${select("encrypt_to", "Encrypted to", TARGETS)}
        </div>
        <${CheckField}
          label="Opaque tokens"
          hint="The client gets a reference; APIs introspect it, and revoking it works at once."
          pointer="/token_profile/reference"
          value=${profile.reference}
          onChange=${set("reference")}
        />
        ${json("claims", "Claims of its own", "A JSON object of what every token says besides.")}
        ${json("session_tags", "Session tags", 'For AWS STS: {"team": "billing"}')}
        <${ListField}
          label="Transitive tags"
          item="tag"
          pointer="/token_profile/transitive_tags"
          value=${profile.transitive_tags}
          onChange=${set("transitive_tags")}
        />
      </div>`;
    };
  },
};
