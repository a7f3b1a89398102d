/** For an address that is no page. */

import { html } from "../html.js";
import { Page } from "../components/Page.js";
import { address } from "../router.js";

export const NoSuchPage = {
  setup() {
    return () => html`<${Page} title="There is no such page">
      ${() => html`<p><a href=${address("/")}>To the overview</a></p>`}
    <//>`;
  },
};
