/** Below a list (of useListing): how much is shown, what is damaged, and the way on. */

import { html } from "../html.js";
import { count } from "../logic/format.js";
import { FailureNotice } from "./FailureNotice.js";

export const ListFoot = {
  props: { list: Object, one: String, many: String },
  setup(props) {
    return () => {
      const { items, unreadable, hasMore, more, following } = props.list;
      const shown = count(items.value.length, props.one, props.many);
      return html`<div>
        ${
          unreadable.value.length > 0 &&
          html`<p class="field-error">Damaged in the store: ${unreadable.value.join(", ")}</p>`
        }
        <${FailureNotice} failure=${following.failure.value} />
        <div class="foot">
          <span aria-live="polite">${hasMore.value ? `The first ${shown}` : shown}</span>
          ${
            hasMore.value &&
            html`<button type="button" class="quiet" disabled=${following.isBusy.value} onClick=${more}>
            Show more
          </button>`
          }
        </div>
      </div>`;
    };
  },
};
