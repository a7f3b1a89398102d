/**
 * What was typed and not saved, kept in this tab until it is: leaving a page, a reload or a new
 * sign-in loses nothing. Secrets never come here.
 */

const PREFIX = "apogee-console:draft:";

/** Keeps `draft` (JSON) under a name. */
export function keepDraft(name, draft) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // Full, or forbidden by the browser: the form itself still has it.
  }
}

/** The draft of this name, or null. */
export function draftOf(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Forgets it. */
export function dropDraft(name) {
  try {
    sessionStorage.removeItem(PREFIX + name);
  } catch {
    // Then there was none.
  }
}
