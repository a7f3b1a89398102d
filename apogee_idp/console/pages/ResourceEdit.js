/** An API that takes tokens, new or known. */

import { html } from "../html.js";
import { Creator } from "../components/Creator.js";
import { Editor } from "../components/Editor.js";
import { JsonField } from "../components/JsonField.js";
import { LifetimeField } from "../components/LifetimeField.js";
import { ListField } from "../components/ListField.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { TextField } from "../components/TextField.js";
import { useEditing } from "../editing.js";
import { lifetimeProblem, notJsonProblem, resourceProblem } from "../logic/validation.js";
import { tell } from "../notices.js";
import { go, pathOf } from "../router.js";

const TRAIL = [["/resources", "Resources"]];
const ENDING = `Its limits and its key count no more; scopes lose it, and tokens with them its audience.`;

function problemsOf({ identifier, access_token_lifetime: lifetime, jwks }) {
  return [
    { pointer: "/identifier", detail: identifier === undefined ? "" : resourceProblem(identifier) },
    { pointer: "/access_token_lifetime", detail: lifetimeProblem(lifetime) },
    { pointer: "/jwks", detail: notJsonProblem(jwks) },
  ].filter(({ detail }) => detail);
}

function fields(resource, change) {
  return html`
    <${TextField}
      label="Display name"
      name="display_name"
      pointer="/display_name"
      value=${resource.display_name}
      onChange=${(text) => change({ display_name: text })}
    />
    <${LifetimeField}
      label="Lifetime of its tokens at most, in seconds"
      name="access_token_lifetime"
      pointer="/access_token_lifetime"
      empty="as clients and settings say"
      value=${resource.access_token_lifetime}
      onChange=${(lifetime) => change({ access_token_lifetime: lifetime })}
    />
    <${ListField}
      label="Introspection clients"
      item="client id"
      hint="Who is told what its tokens say; they need the endpoint introspection."
      pointer="/introspection_clients"
      value=${resource.introspection_clients}
      onChange=${(clients) => change({ introspection_clients: clients })}
    />
    <${JsonField}
      label="Its public keys (JWK Set)"
      name="jwks"
      hint="For clients whose tokens are encrypted to the API itself."
      pointer="/jwks"
      value=${resource.jwks}
      onChange=${(jwks) => change({ jwks })}
    />
  `;
}

export const ResourceCreate = {
  setup() {
    const empty = {
      identifier: "",
      display_name: "",
      access_token_lifetime: null,
      introspection_clients: [],
      jwks: null,
      scopes: [],
    };
    const made = ({ identifier }) => {
      tell(`${identifier} is registered.`);
      go(pathOf("/resources/", identifier));
    };
    const all = (resource, change) => html`
      <${TextField}
        label="Identifier"
        name="identifier"
        class="code"
        hint="An absolute URI: the audience of its tokens. It can't be changed later."
        pointer="/identifier"
        value=${resource.identifier}
        onChange=${(identifier) => change({ identifier })}
      />
      ${fields(resource, change)}
      <${ListField}
        label="Scopes that lead to it"
        item="scope"
        pointer="/scopes"
        value=${resource.scopes}
        onChange=${(scopes) => change({ scopes })}
      />
    `;
    return () => html`<${Page} title="New resource" trail=${TRAIL}>
      ${() => html`<${Creator}
        path="resources"
        draft="new-resource"
        empty=${empty}
        problems=${problemsOf}
        action="Register the API"
        back="/resources"
        onMade=${made}
      >
        ${all}
      <//>`}
    <//>`;
  },
};

export const ResourceEdit = {
  props: { identifier: String },
  setup(props) {
    const path = `resources/${encodeURIComponent(props.identifier)}`;
    const draft = `resource:${props.identifier}`;
    const read = ({ identifier: _, ...members }) => members;
    const editing = useEditing(path, {
      draft,
      read,
      write: (typed) => typed,
      problems: problemsOf,
    });
    const query = { from_scopes: "true" };
    const deleted = () => {
      tell(`${props.identifier} is not registered any more.`);
      go("/resources");
    };
    const form = () => html`<${Editor}
      ...${{ editing, path, draft, query, kind: "resource", name: props.identifier, ending: ENDING }}
      onSaved=${() => tell(`${props.identifier} is saved.`)}
      onDeleted=${deleted}
    >
      ${(typed) => fields(typed, editing.change)}
    <//>`;
    return () => html`<${Page} title=${props.identifier} lead="Resource" trail=${TRAIL}>
      ${() => html`<${Loaded} from=${editing.loading}>${form}<//>`}
    <//>`;
  },
};
