/** What differs between versions of a thing, member by member. */

/** Whether two JSON values say the same; the order of members does not matter, that of lists does. */
export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]))
  );
}

function isMapping(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each member that differs, nested ones by path: [{ name: "token_profile.lifetime", before, after }]. */
export function differences(before, after, prefix = "") {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names].flatMap((name) => {
    const was = before?.[name] ?? null;
    const is = after?.[name] ?? null;
    if (same(was, is)) return [];
    if (isMapping(was) && isMapping(is)) return differences(was, is, `${prefix}${name}.`);
    return [{ name: prefix + name, before: was, after: is }];
  });
}

/**
 * Both sides' changes to `base`: [{ name, base, mine, theirs, isContested }].
 * Contested is what both have changed, and not to the same.
 */
export function bothChanges(base, mine, theirs) {
  return Object.keys({ ...base, ...theirs, ...mine })
    .filter((name) => !same(base[name], mine[name]) || !same(base[name], theirs[name]))
    .map((name) => ({
      name,
      base: base[name],
      mine: mine[name],
      theirs: theirs[name],
      isMine: !same(base[name], mine[name]),
      isTheirs: !same(base[name], theirs[name]),
      isContested:
        !same(base[name], mine[name]) &&
        !same(base[name], theirs[name]) &&
        !same(mine[name], theirs[name]),
    }));
}

/** `theirs` with my changes on top; of what is contested, those that `kept` names stay theirs. */
export function reapplied(base, mine, theirs, kept = new Set()) {
  const result = { ...theirs };
  for (const change of bothChanges(base, mine, theirs)) {
    if (change.isMine && !(change.isContested && kept.has(change.name))) {
      result[change.name] = change.mine;
    }
  }
  return result;
}
