/** Lists that come in pages. */

import { computed, ref, shallowRef, watch } from "./html.js";
import { get } from "./api.js";
import { useAction, useLoaded } from "./loading.js";

const EMPTY_PAGES = 10;

/** One page with something in it, unless the list ends first: { items, unreadable, next }. */
async function page(path, query, cursor) {
  const unreadable = [];
  for (let turn = 0; turn < EMPTY_PAGES; turn++) {
    const { body } = await get(path, { ...query, cursor });
    unreadable.push(...(body.unreadable ?? []));
    cursor = body.next_cursor ?? null;
    if (body.items.length > 0 || cursor === null)
      return { items: body.items, unreadable, next: cursor };
  }
  return { items: [], unreadable, next: cursor };
}

/** All items of a list, which is known to be short enough. */
export async function all(path) {
  const items = [];
  let cursor = null;
  do {
    const found = await page(path, { limit: 100 }, cursor);
    items.push(...found.items);
    cursor = found.next;
  } while (cursor !== null);
  return items;
}

/**
 * The list at `path` by the filters that `query()` returns, read anew when they change:
 * { items, unreadable, hasMore, more, failure, isBusy, reload, following }; the last is the action of
 * reading on.
 */
export function useListing(path, query) {
  const items = shallowRef(null);
  const unreadable = shallowRef([]);
  const next = ref(null);
  let asked = query();
  const { failure, isBusy, reload } = useLoaded(async () => {
    const mine = (asked = query());
    const found = await page(path, mine, null);
    if (mine !== asked) return;
    [items.value, unreadable.value, next.value] = [found.items, found.unreadable, found.next];
  });
  const following = useAction();
  const more = () =>
    following.run(async () => {
      const mine = asked;
      const found = await page(path, mine, next.value);
      if (mine !== asked) return;
      items.value = [...items.value, ...found.items];
      unreadable.value = [...unreadable.value, ...found.unreadable];
      next.value = found.next;
    });
  watch(query, reload);
  const hasMore = computed(() => next.value !== null);
  return { items, unreadable, hasMore, more, failure, isBusy, reload, following };
}
