/** A Failure, for what it is: what happened, what to do, and what the server said of each member. */

import { html, nextTick, ref, watch } from "../html.js";
import { label } from "../logic/format.js";
import { whoIsHere } from "../session.js";

function memberOf(pointer) {
  return label(pointer.replace(/^\//, "").replaceAll("/", "."));
}

function advice(failure) {
  if (failure.kind === "forbidden") {
    return html`<p>You are signed in as <strong>${whoIsHere()}</strong>, whose rights don't include it.</p>`;
  }
  if (failure.isPassing) {
    const wait = failure.retryAfter;
    return html`<p>Try again${wait ? ` in ${wait} s` : ""}; what you typed stays where it is.</p>`;
  }
  return null;
}

export const FailureNotice = {
  props: { failure: Object, retry: Function },
  setup(props) {
    const box = ref(null);
    watch(
      () => props.failure,
      async (failure) => {
        await nextTick();
        if (failure) box.value?.focus();
      },
    );
    return () => {
      const { failure } = props;
      if (!failure || failure.kind === "signed-out") return null;
      return html`<div class="problem" role="alert" tabindex="-1" ref=${box}>
        <h2>${failure.title}</h2>
        <p>${failure.message}</p>
        ${advice(failure)}
        ${
          failure.errors.length > 0 &&
          html`<ul>
          ${failure.errors.map((e) => html`<li><strong>${memberOf(e.pointer)}</strong>: ${e.detail}</li>`)}
        </ul>`
        }
        ${props.retry && html`<button type="button" onClick=${props.retry}>Try again</button>`}
        ${failure.requestId && html`<p class="soft">Request <code>${failure.requestId}</code></p>`}
      </div>`;
    };
  },
};
