/** The frame: where one can go, who is here, and the page that the address names. */

import { html, ref } from "../html.js";
import { signOut } from "../api.js";
import { useAction } from "../loading.js";
import { pageOf } from "../pages.js";
import { address, route } from "../router.js";
import { session, whoIsHere } from "../session.js";
import { FailureNotice } from "./FailureNotice.js";
import { Notices } from "./Notices.js";

const PLACES = [
  ["/", "Overview"],
  ["/clients", "Clients"],
  ["/scopes", "Scopes"],
  ["/resources", "Resources"],
  ["/keys", "Keys"],
  ["/users", "Users"],
  ["/audit", "Audit"],
];

/** Whether the page belongs to a place; new things do to where they will be listed. */
function isAt(path) {
  if (path === "/") return route.path === "/";
  return (
    `${route.path}/`.startsWith(`${path}/`) || route.path === path.replace(/^\/(.*)s$/, "/new-$1")
  );
}

export const Shell = {
  setup() {
    const main = ref(null);
    const leaving = useAction();
    const skip = (event) => {
      event.preventDefault();
      main.value.focus();
    };
    const place = ([path, title]) => html`<li key=${path}>
      <a href=${address(path)} aria-current=${isAt(path) ? "page" : null}>${title}</a>
    </li>`;
    return () => {
      const { page, names } = pageOf(route.path);
      const { issuer, account_url: account } = session.facts;
      return html`<div class="shell">
        <a class="skip" href="#main" onClick=${skip}>Skip to the page</a>
        <header class="side"><div class="side-inner">
          <div class="brand">Apogee IdP <span>${issuer.replace("https://", "")}</span></div>
          <nav class="places" aria-label="Console">
            <ul class="plain">${PLACES.map(place)}</ul>
          </nav>
          <div class="who">
            <strong>${whoIsHere()}</strong>
            ${account && html`<a href=${account}>Account</a>${" · "}`}
            <button type="button" class="plain-button" onClick=${() => leaving.run(signOut)}>Sign out</button>
            <${FailureNotice} failure=${leaving.failure.value} />
          </div>
        </div></header>
        <main id="main" tabindex="-1" ref=${main}>
          <${page} key=${route.path} ...${names} />
        </main>
        <${Notices} />
      </div>`;
    };
  },
};
