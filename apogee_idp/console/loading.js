/** Asking the server: what was loaded, what went wrong, what is in progress. */

import { onBeforeUnmount, onMounted, ref, shallowRef } from "./html.js";
import { Failure } from "./failures.js";

const PERIOD_MILLISECONDS = 5000;
const WATCHED_MILLISECONDS = 10 * 60_000;

/** The failure in `error`; whatever else was thrown is a mistake of ours, and goes on. */
function failureIn(error) {
  if (error instanceof Failure) return error;
  throw error;
}

/**
 * What `load` brings, from when the component is there: { value, failure, isBusy, reload }.
 * Of several that are under way, the last one counts.
 */
export function useLoaded(load) {
  const value = shallowRef(null);
  const failure = shallowRef(null);
  const isBusy = ref(false);
  let latest = 0;
  const reload = async () => {
    const mine = ++latest;
    isBusy.value = true;
    try {
      const loaded = await load();
      if (mine === latest) [value.value, failure.value] = [loaded, null];
    } catch (error) {
      if (mine === latest) failure.value = failureIn(error);
    } finally {
      if (mine === latest) isBusy.value = false;
    }
  };
  onMounted(reload);
  return { value, failure, isBusy, reload };
}

/** One action at a time: { run, failure, isBusy }; `run` brings true if it was done. */
export function useAction() {
  const failure = shallowRef(null);
  const isBusy = ref(false);
  const run = async (action) => {
    if (isBusy.value) return false;
    isBusy.value = true;
    failure.value = null;
    try {
      await action();
      return true;
    } catch (error) {
      failure.value = failureIn(error);
      return false;
    } finally {
      isBusy.value = false;
    }
  };
  return { run, failure, isBusy };
}

/**
 * Reloads `loading` (of useLoaded) every five seconds while somebody sees the page, for ten minutes:
 * a page that nobody looks after must not keep a session alive. { isOver, again }
 */
export function useWatching(loading) {
  const isOver = ref(false);
  let end = Date.now() + WATCHED_MILLISECONDS;
  const look = () => {
    isOver.value = Date.now() >= end;
    if (isOver.value || loading.isBusy.value || document.visibilityState !== "visible") return;
    loading.reload();
  };
  const again = () => {
    end = Date.now() + WATCHED_MILLISECONDS;
    look();
  };
  const timer = setInterval(look, PERIOD_MILLISECONDS);
  onBeforeUnmount(() => clearInterval(timer));
  return { isOver, again };
}
