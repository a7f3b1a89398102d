/** Which entries of the audit are shown; the choice lives in the address. */

import { html } from "../html.js";
import { secondsOf, timeInput } from "../logic/dates.js";
import { route, setQuery } from "../router.js";
import { SearchField } from "./SearchField.js";
import { SelectField } from "./SelectField.js";
import { TextField } from "./TextField.js";

const KINDS = [
  ...["client", "scope", "resource", "user", "session", "key_ring"],
  ...["token", "opaque_token", "authorization"],
];

export const AuditFilters = {
  setup() {
    const set = (name, value) => setQuery({ ...route.query, [name]: value });
    const search = (name, label) => html`<${SearchField}
      name=${name}
      label=${label}
      value=${route.query[name] ?? ""}
      onChange=${(text) => set(name, text)}
    />`;
    const time = (name, label) => html`<${TextField}
      type="datetime-local"
      name=${name}
      label=${label}
      value=${timeInput(route.query[name])}
      onChange=${(text) => set(name, secondsOf(text))}
    />`;
    return () => html`<form class="filters even" role="search" onSubmit=${(event) => event.preventDefault()}>
      ${search("actor", "Who")} ${search("action", "What")}
      <${SelectField}
        label="Kind"
        name="kind"
        options=${[["", "All"], ...KINDS.map((kind) => [kind, kind])]}
        value=${route.query.kind ?? ""}
        onChange=${(kind) => set("kind", kind)}
      />
      ${search("key", "Of which one")} ${time("since", "Since")} ${time("until", "Before")}
    </form>`;
  },
};
