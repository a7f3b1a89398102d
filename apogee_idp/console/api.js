/** The management API: each function brings what the server answers, or throws a Failure. */

import { Failure, failureOf, unreachable } from "./failures.js";
import { adopt, session, whoIsHere } from "./session.js";

const API = new URL("../api/v1/", document.baseURI);
const TIMEOUT_MILLISECONDS = 20_000;

/** GETs `path`: { body, version }; `query` may have empty members, which are left out. */
export function get(path, query = {}) {
  return call("GET", path, { query });
}

/**
 * Any other request: { body, version, isReplay }. `version` goes into If-Match, `key` is new.
 * It is done in the name of whoever was here when it was asked for, or not at all.
 */
export async function send(method, path, options = {}) {
  const subject = session.facts?.subject;
  try {
    return await call(method, path, options);
  } catch (error) {
    if (error.type !== "csrf") throw error;
  }
  const failure = await loadSession(); // signed in anew in another tab
  if (failure) throw failure;
  if (session.facts.subject !== subject) throw somebodyElse();
  return call(method, path, options);
}

function somebodyElse() {
  return new Failure(
    "refused",
    `You are signed in as ${whoIsHere()} now, and nothing was done: look, then do it again.`,
  );
}

/**
 * Asks who is signed in; what comes of it is in `session`. Brings the Failure that left it open, or
 * null; as long as it is open, whoever was here keeps the page.
 */
export async function loadSession() {
  try {
    adopt((await call("GET", "session")).body, "here");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (!error.session) return leftOpen(error);
    adopt(error.session, "stranger");
  }
  return null;
}

function leftOpen(failure) {
  if (session.facts === null && failure.kind !== "signed-out")
    Object.assign(session, { failure, state: "failed" });
  return failure;
}

/** Ends the session, here and on the server. */
export async function signOut() {
  await send("DELETE", "session");
  Object.assign(session, { facts: null, state: "nobody" });
}

async function call(method, path, { query = {}, body, version, key } = {}) {
  const url = new URL(path, API);
  for (const [name, value] of Object.entries(query)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = session.facts?.csrf_token ?? "";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = version;
  if (key) headers["Idempotency-Key"] = key;
  return answered(await fetched(url, { method, headers, body: JSON.stringify(body) }));
}

async function fetched(url, options) {
  const limits = { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS), cache: "no-store" };
  try {
    return await fetch(url, { ...options, ...limits });
  } catch {
    throw unreachable();
  }
}

async function answered(response) {
  if (!response.ok) {
    const failure = await failureOf(response);
    if (failure.kind === "signed-out") session.state = session.facts ? "ended" : "nobody";
    throw failure;
  }
  return {
    body:
      response.status === 204
        ? null
        : await response.json().catch(() => Promise.reject(unreachable())),
    version: response.headers.get("ETag"),
    isReplay: response.headers.get("Idempotency-Replayed") === "true",
  };
}
