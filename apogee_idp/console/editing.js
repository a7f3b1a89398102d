/** Editing a thing of the server's: what is stored, what is typed, and what becomes of both. */

import { shallowRef, watch } from "./html.js";
import { get, send } from "./api.js";
import { draftOf, dropDraft, keepDraft } from "./drafts.js";
import { Failure } from "./failures.js";
import { useAction, useLoaded } from "./loading.js";
import { bothChanges, reapplied, same } from "./logic/differences.js";

const AS_IT_IS = (members) => members;

/** Throws the Failure of a form that need not be sent; `errors` are [{ pointer, detail }]. */
export function checkLocally(errors) {
  if (errors.length)
    throw new Failure("invalid", "Mend this first; nothing was sent yet.", { errors });
}

/**
 * The state of one form, for the thing at `path`.
 *
 * `read` takes what can be written out of what the server tells, `write` makes the body of it;
 * `problems` finds what need not be sent; `flat` and `unflat` say by which members both sides'
 * changes are compared. `isFixed` tells what nobody can change here. `draft` names what was typed
 * and not saved, which is kept until it is.
 *
 * `stored` is { body, base, version }: the thing as it was last read, what the form began with, and
 * the version of that. `theirs` is the same of who was faster, until it is dealt with.
 */
export function useEditing(path, kind) {
  const {
    draft,
    read,
    write,
    problems,
    flat = AS_IT_IS,
    unflat = AS_IT_IS,
    isFixed = () => false,
  } = kind;
  const stored = shallowRef(null);
  const typed = shallowRef(null);
  const theirs = shallowRef(null);
  const isRestored = shallowRef(false);
  const saving = useAction();

  const storedOf = ({ body, version }) => ({ body, base: read(body), version });
  const begin = (fresh) => {
    [stored.value, typed.value, theirs.value, isRestored.value] = [fresh, fresh.base, null, false];
  };
  const restore = ({ registration, base, version }) => {
    stored.value = { ...stored.value, base, version };
    [typed.value, isRestored.value] = [registration, true];
  };
  const loading = useLoaded(async () => {
    begin(storedOf(await get(path)));
    const kept = isFixed(stored.value.body) ? null : draftOf(draft);
    if (kept) restore(kept);
    return stored.value.body;
  });
  const isChanged = () => stored.value !== null && !same(typed.value, stored.value.base);

  watch(typed, () => {
    if (!isChanged()) return dropDraft(draft);
    const { base, version } = stored.value;
    return keepDraft(draft, { registration: typed.value, base, version });
  });

  /** Types: `members` are those that change. */
  const change = (members) => {
    typed.value = { ...typed.value, ...members };
  };

  /** Sends what is typed; brings the server's answer, or null if it was not done. */
  const save = async () => {
    let answer = null;
    await saving.run(async () => {
      const sent = typed.value;
      checkLocally(problems(sent));
      try {
        const { version } = stored.value;
        answer = await send("PUT", path, { body: write(sent), version });
      } catch (error) {
        if (error.kind === "conflict") await readTheirs();
        throw error;
      }
      goOn(storedOf(answer), sent);
    });
    return answer?.body ?? null;
  };

  /** Goes on from `fresh`, with what was typed since `base` on top; of contested members `kept` stay. */
  const goOn = (fresh, base, kept) => {
    const merged = reapplied(flat(base), flat(typed.value), flat(fresh.base), kept);
    begin(fresh);
    typed.value = unflat(merged);
  };
  const readTheirs = async () => {
    theirs.value = storedOf(await get(path));
    stored.value = { ...stored.value, body: theirs.value.body };
  };
  const isContested = () =>
    bothChanges(flat(stored.value.base), flat(typed.value), flat(theirs.value.base)).some(
      (change) => change.isContested,
    );

  /** Goes on from theirs, with what was typed here on top; of contested members `kept` stay. */
  const reapply = (kept) => {
    goOn(theirs.value, stored.value.base, kept);
    saving.failure.value = null;
  };

  /**
   * After a change of one's own that the form has no part in: what was typed goes on from there,
   * unless somebody else has changed the same, which is for whoever typed it to decide.
   */
  const rebase = () =>
    saving.run(async () => {
      await readTheirs();
      if (!isContested()) reapply(new Set());
    });

  /** Forgets what was typed. */
  const discard = async () => {
    dropDraft(draft);
    saving.failure.value = null;
    await loading.reload();
  };

  return {
    loading,
    stored,
    typed,
    theirs,
    isRestored,
    isChanged,
    saving,
    change,
    save,
    reapply,
    rebase,
    discard,
  };
}
