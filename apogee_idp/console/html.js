/** Vue and htm, as all components use them: html`<p>${text}</p>` makes virtual nodes. */

import htm from "./vendor/htm.module.js";
import { h } from "./vendor/vue.runtime.esm-browser.prod.js";

export const html = htm.bind(h);
export {
  computed,
  createApp,
  inject,
  nextTick,
  onBeforeUnmount,
  onMounted,
  provide,
  reactive,
  ref,
  shallowReactive,
  shallowRef,
  Teleport,
  toRaw,
  useId,
  watch,
} from "./vendor/vue.runtime.esm-browser.prod.js";
