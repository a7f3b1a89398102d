/**
 * A page: its heading, which has the focus when one comes here, what leads back, and what can be
 * done. `trail` is [[path, title], ...]; the slot `actions` stands beside the heading.
 */

import { html, onMounted, ref, watch } from "../html.js";
import { address, route } from "../router.js";

let isFirst = true;

export const Page = {
  props: {
    title: String,
    lead: String,
    trail: { type: Array, default: () => [] },
    actions: Array,
    tabs: Array,
  },
  setup(props, { slots }) {
    const heading = ref(null);
    watch(
      () => props.title,
      (title) => (document.title = `${title} · Apogee IdP`),
      { immediate: true },
    );
    onMounted(() => {
      if (!isFirst) heading.value.focus();
      isFirst = false;
    });
    const tab = ([path, title]) => html`<a
      href=${address(path)}
      aria-current=${route.path === path ? "page" : null}
      key=${path}
    >
      ${title}
    </a>`;
    return () => html`<div>
      <div class="page-head">
        <div>
          ${
            props.trail.length > 0 &&
            html`<nav class="trail" aria-label="Back">
            ${props.trail.map(([path, title]) => html`<a href=${address(path)}>${title}</a>`)}
          </nav>`
          }
          <h1 tabindex="-1" ref=${heading}>${props.title}</h1>
          ${props.lead && html`<p>${props.lead}</p>`}
        </div>
        ${props.actions && html`<div class="actions">${props.actions}</div>`}
      </div>
      ${
        props.tabs &&
        html`<nav class="tabs" aria-label=${`Parts of ${props.title}`}>${props.tabs.map(tab)}</nav>`
      }
      ${slots.default()}
    </div>`;
  },
};
