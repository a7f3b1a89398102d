/**
 * Who is signed in, as the server last told it.
 * `state` is "loading", "nobody", "stranger" (no administrator), "here", "ended" or "failed";
 * `facts` is what GET /session answers.
 */

import { shallowReactive } from "./html.js";

export const session = shallowReactive({ state: "loading", facts: null, failure: null, skew: 0 });

/** Takes over what the server told of the session. */
export function adopt(facts, state) {
  session.facts = facts;
  session.skew = facts.now - Date.now() / 1000;
  session.failure = null;
  session.state = state;
}

/** What to call whoever is signed in. */
export function whoIsHere() {
  return session.facts?.name || session.facts?.email || session.facts?.subject || "";
}

/** Unix seconds by the server's clock. */
export function now() {
  return Math.floor(Date.now() / 1000 + session.skew);
}

/** Where a sign-in leads back to `path` of the console; `again` asks for another account. */
export function signInAddress(path, again = false) {
  const query = new URLSearchParams(again ? { again: "1", to: path } : { to: path });
  return `sign-in?${query}`;
}
