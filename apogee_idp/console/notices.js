/** What was done, told at the foot of the page and to screen readers. */

import { reactive } from "./html.js";

const SHOWN_MILLISECONDS = 8000;
const MOST = 3;

let last = 0;

/** The notices that stand now: [{ id, text }]. */
export const notices = reactive([]);

/** Shows `text` for a while. */
export function tell(text) {
  const id = ++last;
  notices.push({ id, text });
  if (notices.length > MOST) notices.shift();
  setTimeout(() => dismiss(id), SHOWN_MILLISECONDS);
}

/** Takes a notice away. */
export function dismiss(id) {
  const place = notices.findIndex((notice) => notice.id === id);
  if (place >= 0) notices.splice(place, 1);
}
