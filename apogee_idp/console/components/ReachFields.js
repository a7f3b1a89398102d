/** What a client may ask for, and where. Emits `change` with the members that change. */

import { computed, html } from "../html.js";
import { all } from "../listing.js";
import { useLoaded } from "../loading.js";
import { session } from "../session.js";
import { FailureNotice } from "./FailureNotice.js";
import { ListField } from "./ListField.js";
import { PickList } from "./PickList.js";
import { TextField } from "./TextField.js";

const ROLES = "roles";
const ENDPOINTS = [
  { value: "introspection", title: "introspection", note: "ask what a token says" },
  { value: "revocation", title: "revocation", note: "end a token" },
];

export const ReachFields = {
  props: { registration: Object },
  emits: ["change"],
  setup(props, { emit }) {
    const scopes = useLoaded(() => all("scopes"));
    const choices = computed(() => [
      ...(scopes.value.value ?? []).map(({ name, resources }) => ({
        value: name,
        title: name,
        note: resources.length ? `for ${resources.join(", ")}` : "for no API in particular",
      })),
      ...session.facts.scopes.map((name) => ({
        value: name,
        title: name,
        note: "to manage this server",
      })),
    ]);
    const picked = (names) => {
      const isKept = (name) => name === ROLES || names.includes(name);
      const kept = props.registration.default_scopes.filter(isKept);
      emit("change", { scopes: names, default_scopes: kept });
    };
    const set = (name) => (value) => emit("change", { [name]: value });
    return () => {
      const { registration } = props;
      return html`<div>
        <${FailureNotice} failure=${scopes.failure.value} retry=${scopes.reload} />
        <${PickList}
          label="Scopes"
          hint="What it may ask for. The resources behind them become the audience of its tokens."
          pointer="/scopes"
          nothing="There are no scopes yet."
          choices=${choices.value}
          value=${registration.scopes}
          onChange=${picked}
        />
        <${PickList}
          label="Default scopes"
          hint="What it gets if it asks for nothing."
          pointer="/default_scopes"
          choices=${[...new Set([...registration.scopes, ROLES])].map((name) => ({ value: name, title: name }))}
          value=${registration.default_scopes}
          onChange=${set("default_scopes")}
        />
        <${TextField}
          label="Default audience"
          name="default_audience"
          pointer="/default_audience"
          class="code"
          hint="For tokens whose scopes belong to no resource; without it, the client id."
          value=${registration.default_audience}
          onChange=${(text) => emit("change", { default_audience: text || null })}
        />
        <${ListField}
          label="Roles"
          item="role"
          hint="The claim role of its tokens, if the scope roles is asked for."
          pointer="/roles"
          value=${registration.roles}
          onChange=${set("roles")}
        />
        <${PickList}
          label="Other endpoints"
          pointer="/endpoints"
          choices=${ENDPOINTS}
          value=${registration.endpoints}
          onChange=${set("endpoints")}
        />
      </div>`;
    };
  },
};
