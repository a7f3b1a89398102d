/** A token, layer by layer: headers, claims, size and lifetime. */

import { html } from "../html.js";
import { duration, size } from "../logic/format.js";
import { Figure } from "./ClientCounts.js";

const FORMATS = { jws: "JWS", jwe: "JWE", opaque: "opaque" };
const MEANINGS = {
  jws: "Signed. Whoever has it can read it, and check it with the published keys.",
  jwe: "Signed, then encrypted. Only who has the key can read it.",
  opaque: "A reference. What it stands for is asked of introspection.",
};

function layerTitle({ kind, encrypted_to: target }) {
  if (kind === "jws") return "Signature (JWS)";
  return target === "resource"
    ? "Encryption (JWE), to the key of the API"
    : "Encryption (JWE), to this server";
}

function json(value) {
  return html`<pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre>`;
}

export const TokenAnatomy = {
  props: { token: Object },
  setup(props) {
    return () => {
      const { format, size: bytes, lifetime, scope, layers, claims, response } = props.token;
      return html`<section class="sheet" aria-labelledby="token">
        <h2 id="token">Its next token</h2>
        <ul class="figures">
          <${Figure} value=${FORMATS[format]} title="Format" />
          <${Figure} value=${size(bytes)} title="Size" />
          <${Figure} value=${duration(lifetime)} title="Lifetime" />
          <${Figure} value=${scope || "none"} title="Scope" />
        </ul>
        <p>${MEANINGS[format]}</p>
        ${layers.map(
          (layer) => html`<div class="layer" key=${layer.kind}>
            <h3>${layerTitle(layer)}</h3>
            ${json(layer.header)}
          </div>`,
        )}
        <div class="layer"><h3>Claims</h3>${json(claims)}</div>
        <div class="layer"><h3>Beside the token, the answer says</h3>${json(response)}</div>
      </section>`;
    };
  },
};
