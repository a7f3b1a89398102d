/**
 * A Failure, for what it is: what happened, what to do, and what the server said of each member.
 * One that says the same as the one before changes nothing: nobody hears it twice, or loses the focus.
 */

import { html, nextTick, ref, shallowRef, watch } from "../html.js";
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
    const told = shallowRef(props.failure);
    watch(
      () => props.failure,
      async (failure) => {
        if (failure?.saysTheSame(told.value)) return;
        told.value = failure;
        await nextTick();
        if (failure) box.value?.focus();
      },
    );
    return () => {
      const failure = told.value;
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
