/** How many clients there are, by flow and state; each count leads to its list. */

import { html } from "../html.js";
import { get } from "../api.js";
import { useLoaded } from "../loading.js";
import { address } from "../router.js";

export const Figure = {
  props: { value: [Number, String], title: String, path: String },
  setup(props) {
    return () => {
      const told = [html`<strong>${props.value}</strong>`, html`<span>${props.title}</span>`];
      return html`<li>
        ${props.path ? html`<a href=${address(props.path)}>${told}</a>` : html`<div>${told}</div>`}
      </li>`;
    };
  },
};

export const ClientFigures = {
  props: { clients: Object },
  setup(props) {
    return () => {
      const { total, enabled, disabled, configured, flows, unreadable, is_complete } =
        props.clients;
      const least = (number) => (is_complete ? number : `${number} +`);
      return html`<ul class="figures">
        <${Figure} value=${least(total)} title="Clients" path="/clients" />
        <${Figure}
          value=${flows.client_credentials}
          title="Client Credentials"
          path="/clients?flow_type=client_credentials"
        />
        <${Figure}
          value=${flows.authorization_code}
          title="Authorization Code"
          path="/clients?flow_type=authorization_code"
        />
        <${Figure} value=${enabled} title="Enabled" path="/clients?enabled=true" />
        <${Figure} value=${disabled} title="Disabled" path="/clients?enabled=false" />
        <${Figure} value=${configured} title="From configuration" path="/clients?configured=true" />
        ${unreadable > 0 && html`<${Figure} value=${unreadable} title="Damaged" />`}
      </ul>`;
    };
  },
};

export const ClientCounts = {
  setup() {
    const overview = useLoaded(async () => (await get("overview")).body);
    return () =>
      overview.value.value && html`<${ClientFigures} clients=${overview.value.value.clients} />`;
  },
};
