/** Who would take such a token, and by which rule not. */

import { html } from "../html.js";
import { Badge } from "./Badge.js";

function violation({ rule, sentence, why, is_binding: isBinding }) {
  return html`<li key=${rule}>
    ${isBinding ? "" : "Advice: "}${sentence} <span class="soft">Here, ${why}</span>
  </li>`;
}

export const Verdicts = {
  props: { verdicts: Array },
  setup(props) {
    const verdict = ({ preset, title, holds, violations }) => html`<li key=${preset}>
      <div>
        <strong>${title}</strong> <code class="soft">${preset}</code>
        ${violations.length > 0 && html`<ul>${violations.map(violation)}</ul>`}
      </div>
      <${Badge} tone=${holds ? "good" : "bad"}>${holds ? "would take it" : "would refuse it"}<//>
    </li>`;
    return () => html`<section class="sheet" aria-labelledby="verdicts">
      <h2 id="verdicts">Who would take it</h2>
      <p class="hint">Options of the command line (--...) are fields of the registration.</p>
      <ul class="plain rows">${props.verdicts.map(verdict)}</ul>
    </section>`;
  },
};
