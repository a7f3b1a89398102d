/** What is known of a person. */

import { html } from "../html.js";
import { shown } from "../logic/format.js";
import { Moment } from "./Moment.js";

function identity({ provider, email }) {
  return `${provider} (${email})`;
}

export const UserFacts = {
  props: { user: Object },
  setup(props) {
    const fact = (title, value) => html`<dt>${title}</dt>
      <dd>${value}</dd>`;
    return () => {
      const { user } = props;
      const verified = user.email_verified ? "verified" : "not verified";
      return html`<section class="sheet form" aria-labelledby="account">
        <h2 id="account">Account</h2>
        <dl class="facts">
          ${fact("Subject", html`<code>${user.subject}</code>`)} ${fact("E-mail", `${user.email}, ${verified}`)}
          ${fact("State", user.enabled ? "enabled" : "disabled")}
          ${fact("Created", html`<${Moment} at=${user.created_at} />`)}
          ${fact(
            "Password",
            user.has_password
              ? html`<span>changed <${Moment} at=${user.password_changed_at} /></span>`
              : "none",
          )}
          ${fact("Second factor", shown(user.has_second_factor))}
          ${fact("Signs in elsewhere at", shown(user.identities.map(identity)))}
          ${user.administrator_by && fact("Administrator by", html`<code>${user.administrator_by}</code>`)}
        </dl>
      </section>`;
    };
  },
};
