/** What can go wrong between the console and the server, each for what it is. */

import { same } from "./logic/differences.js";

const KINDS = {
  400: "invalid",
  401: "signed-out",
  403: "forbidden",
  404: "missing",
  409: "refused",
  412: "conflict",
  422: "invalid",
  428: "conflict",
  429: "busy",
  503: "unavailable",
};

const TITLES = {
  "signed-out": "You are signed out",
  forbidden: "You may not do this",
  missing: "This isn't there (any more)",
  refused: "This can't be done as things stand",
  conflict: "Somebody else was faster",
  invalid: "Something needs another look",
  busy: "Too many requests at once",
  unavailable: "The server can't answer at the moment",
  unreachable: "The server can't be reached",
  fault: "The server has failed",
};

/**
 * An answer that is no success, or none at all.
 * `kind` says what it is, `errors` are [{ pointer, detail }], `retryAfter` is in seconds or null,
 * `type` ends the problem's URN, `session` is who is signed in without being an administrator.
 */
export class Failure extends Error {
  constructor(kind, detail, facts = {}) {
    super(detail);
    this.kind = kind;
    this.title = TITLES[kind];
    this.errors = facts.errors ?? [];
    this.requestId = facts.requestId ?? "";
    this.retryAfter = facts.retryAfter ?? null;
    this.type = facts.type ?? "";
    this.session = facts.session ?? null;
  }

  /** Whether it tells people the same as `other`, if there is one. */
  saysTheSame(other) {
    const told = ({ kind, message, errors }) => [kind, message, errors];
    return same(told(this), other && told(other));
  }

  /** Whether the same request may do better later. */
  get isPassing() {
    return ["unavailable", "unreachable", "busy"].includes(this.kind);
  }
}

/** The failure in a response: a problem document (RFC 9457), or whatever a proxy had to say. */
export async function failureOf(response) {
  const problem = await response.json().catch(() => ({}));
  const kind = KINDS[response.status] ?? "fault";
  const wait = Number(response.headers.get("Retry-After"));
  return new Failure(kind, problem.detail ?? `The server answered ${response.status}.`, {
    errors: problem.errors ?? [],
    requestId: problem.request_id ?? response.headers.get("X-Request-Id") ?? "",
    retryAfter: wait > 0 ? wait : null,
    type: (problem.type ?? "").split(":").at(-1),
    session: problem.session,
  });
}

/** The failure of a request that nobody answered. */
export function unreachable() {
  return new Failure(
    "unreachable",
    "Nobody answered: the server may be down, or the network gone. Nothing you typed is lost.",
  );
}

/** What is wrong with the member at `pointer`, or with what is in it. */
export function errorsAt(errors, pointer) {
  return errors.filter(
    (error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`),
  );
}
