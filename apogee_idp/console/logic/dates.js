/** Between Unix seconds and what <input type="datetime-local"> has, in the reader's own time. */

/** The text of an input for Unix seconds, given as text; "" for none. */
export function timeInput(seconds) {
  if (!seconds) return "";
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return "";
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** Unix seconds, as text, for the text of an input; "" for none. */
export function secondsOf(text) {
  const time = new Date(text).getTime();
  return text && !Number.isNaN(time) ? String(Math.floor(time / 1000)) : "";
}
