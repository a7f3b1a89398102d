/** Selects that narrow a list and live in the address: `filters` are [[name, label, options], ...]. */

import { html } from "../html.js";
import { route, setQuery } from "../router.js";
import { SearchField } from "./SearchField.js";
import { SelectField } from "./SelectField.js";

export const Filters = {
  props: { search: String, filters: { type: Array, default: () => [] } },
  setup(props) {
    const set = (name, value) => setQuery({ ...route.query, [name]: value });
    const select = ([name, label, options]) => html`<${SelectField}
      key=${name}
      name=${name}
      label=${label}
      options=${options}
      value=${route.query[name] ?? ""}
      onChange=${(value) => set(name, value)}
    />`;
    return () => html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      ${
        props.search &&
        html`<${SearchField}
        name="search"
        label=${props.search}
        value=${route.query.search ?? ""}
        onChange=${(text) => set("search", text)}
      />`
      }
      ${props.filters.map(select)}
    </form>`;
  },
};
