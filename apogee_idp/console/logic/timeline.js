/** Where keys stand in time: spans between 0 and 1 of what is shown. Times are Unix seconds. */

const DAY = 86400;

/** From when until when is shown: a bit more than all known moments, and now. */
export function rangeOf(keys, now) {
  const moments = keys.flatMap((key) => [
    key.created_at,
    key.activates_at,
    key.retires_at ?? key.successor_due_at,
    key.removed_at,
  ]);
  const known = [...moments.filter((moment) => moment !== null && moment !== undefined), now];
  const [first, last] = [Math.min(...known), Math.max(...known)];
  const margin = Math.max(DAY / 24, (last - first) * 0.04);
  return { from: first - margin, until: last + margin };
}

/** The spans of a key: [{ state, from, until, isOpen }], places between 0 and 1. */
export function spansOf(key, { from, until }) {
  const place = (moment) => Math.min(1, Math.max(0, (moment - from) / (until - from)));
  const retires = key.retires_at ?? until;
  const removed = key.removed_at ?? (key.retires_at === null ? null : until);
  const spans = [
    { state: "published", from: key.created_at, until: key.activates_at },
    { state: "active", from: key.activates_at, until: retires, isOpen: key.retires_at === null },
  ];
  if (removed !== null) spans.push({ state: "retired", from: retires, until: removed });
  return spans
    .filter((span) => span.until > span.from)
    .map((span) => ({ ...span, from: place(span.from), until: place(span.until) }));
}

/** Where a moment stands. */
export function placeOf(moment, { from, until }) {
  return (moment - from) / (until - from);
}
