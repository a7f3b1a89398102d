/** A scope, new or known. */

import { html } from "../html.js";
import { Creator } from "../components/Creator.js";
import { Editor } from "../components/Editor.js";
import { ListField } from "../components/ListField.js";
import { Loaded } from "../components/Loaded.js";
import { Page } from "../components/Page.js";
import { TextField } from "../components/TextField.js";
import { useEditing } from "../editing.js";
import { resourceProblem, scopeNameProblem } from "../logic/validation.js";
import { tell } from "../notices.js";
import { go, pathOf } from "../router.js";

const TRAIL = [["/scopes", "Scopes"]];
const ENDING = "Clients that have it can't get it any more. Tokens that say it stay as they are.";

function problemsOf({ name, resources }) {
  const ofResources = resources.map((resource, place) => ({
    pointer: `/resources/${place}`,
    detail: resourceProblem(resource),
  }));
  const ofName = name === undefined ? [] : [{ pointer: "/name", detail: scopeNameProblem(name) }];
  return [...ofName, ...ofResources].filter(({ detail }) => detail);
}

function fields(scope, change) {
  const text = (member, label, hint) => html`<${TextField}
    label=${label}
    hint=${hint}
    name=${member}
    pointer=${`/${member}`}
    value=${scope[member]}
    onChange=${(value) => change({ [member]: value })}
  />`;
  return html`
    ${text("display_name", "Display name", "What people are asked to allow.")}
    ${text("description", "Description")}
    <${ListField}
      label="Resources"
      item="resource"
      hint="The APIs it is for: they become the audience of its tokens."
      placeholder="https://"
      pointer="/resources"
      check=${resourceProblem}
      value=${scope.resources}
      onChange=${(resources) => change({ resources })}
    />
  `;
}

export const ScopeCreate = {
  setup() {
    const empty = { name: "", display_name: "", description: "", resources: [] };
    const made = ({ name }) => {
      tell(`The scope ${name} is there.`);
      go(pathOf("/scopes/", name));
    };
    const all = (scope, change) => html`
      <${TextField}
        label="Name"
        name="name"
        class="code"
        hint="What programs ask for. It can't be changed later."
        pointer="/name"
        value=${scope.name}
        onChange=${(name) => change({ name })}
      />
      ${fields(scope, change)}
    `;
    return () => html`<${Page} title="New scope" trail=${TRAIL}>
      ${() => html`<${Creator}
        path="scopes"
        draft="new-scope"
        empty=${empty}
        problems=${problemsOf}
        action="Create the scope"
        back="/scopes"
        onMade=${made}
      >
        ${all}
      <//>`}
    <//>`;
  },
};

export const ScopeEdit = {
  props: { name: String },
  setup(props) {
    const path = `scopes/${encodeURIComponent(props.name)}`;
    const draft = `scope:${props.name}`;
    const read = ({ display_name, description, resources }) => ({
      display_name,
      description,
      resources,
    });
    const editing = useEditing(path, {
      draft,
      read,
      write: (typed) => typed,
      problems: problemsOf,
    });
    const deleted = () => {
      tell(`The scope ${props.name} is deleted.`);
      go("/scopes");
    };
    const form = () => html`<${Editor}
      ...${{ editing, path, draft, kind: "scope", name: props.name, ending: ENDING }}
      onSaved=${() => tell(`The scope ${props.name} is saved.`)}
      onDeleted=${deleted}
    >
      ${(typed) => fields(typed, editing.change)}
    <//>`;
    return () => html`<${Page} title=${props.name} lead="Scope" trail=${TRAIL}>
      ${() => html`<${Loaded} from=${editing.loading}>${form}<//>`}
    <//>`;
  },
};
