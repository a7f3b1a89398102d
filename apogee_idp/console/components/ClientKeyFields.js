/** Keys of a client's own (private_key_jwt, RFC 7523). Emits `change` with the members that change. */

import { html } from "../html.js";
import { CheckField } from "./CheckField.js";
import { JsonField } from "./JsonField.js";
import { TextField } from "./TextField.js";

export const ClientKeyFields = {
  props: { registration: Object },
  emits: ["change"],
  setup(props, { emit }) {
    return () => {
      const { jwks, jwks_uri: uri, accepts_token_endpoint_audience: accepts } = props.registration;
      return html`<details open=${Boolean(jwks || uri)}>
        <summary>Keys of its own, instead of a secret</summary>
        <${JsonField}
          label="Public keys (JWK Set)"
          name="jwks"
          hint="The client signs with the private half, which nobody else ever sees."
          pointer="/jwks"
          value=${jwks}
          onChange=${(value) => emit("change", { jwks: value })}
        />
        <${TextField}
          label="Or where they stand (JWK Set URI)"
          name="jwks_uri"
          pointer="/jwks_uri"
          class="code"
          value=${uri}
          onChange=${(text) => emit("change", { jwks_uri: text || null })}
        />
        <${CheckField}
          label="Accept the token endpoint as audience"
          hint="For libraries that know no better."
          pointer="/accepts_token_endpoint_audience"
          value=${accepts}
          onChange=${(isOn) => emit("change", { accepts_token_endpoint_audience: isOn })}
        />
      </details>`;
    };
  },
};
