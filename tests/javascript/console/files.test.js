import assert from "node:assert/strict";
import test from "node:test";

import { errorsAt, failureOf, unreachable } from "../../../apogee_idp/console/failures.js";
import { secondsOf, timeInput } from "../../../apogee_idp/console/logic/dates.js";
import {
  curlCommand,
  envFile,
  kubernetesSecret,
  resourceName,
} from "../../../apogee_idp/console/logic/manifests.js";
import { placeOf, rangeOf, spansOf } from "../../../apogee_idp/console/logic/timeline.js";

const CREDENTIALS = {
  clientId: "My_Client",
  clientSecret: "s3cret",
  tokenEndpoint: "https://idp.example/connect/token",
};

test("names that Kubernetes takes", () => {
  const rows = [
    ["billing", "billing"],
    ["My_Client~2", "my-client-2"],
    ["-a.-b-", "a.b"],
    ["___", "client"],
  ];
  for (const [id, name] of rows) assert.equal(resourceName(id), name);
});

test("a Secret, a .env file and a command say the same", () => {
  const secret = kubernetesSecret(CREDENTIALS);
  assert.match(secret, /name: "my-client-credentials"/);
  assert.match(secret, /CLIENT_SECRET: "s3cret"/);
  assert.match(envFile(CREDENTIALS), /^CLIENT_ID='My_Client'\nCLIENT_SECRET='s3cret'\n/);
  assert.ok(!curlCommand(CREDENTIALS).includes("s3cret"));
});

test("times of inputs are the reader's own", () => {
  assert.equal(secondsOf(timeInput("1800000000")), "1800000000");
  assert.equal(timeInput("x"), "");
  assert.equal(secondsOf(""), "");
});

test("a key's spans follow each other", () => {
  const day = 86_400;
  const key = {
    created_at: 0,
    activates_at: day,
    retires_at: 10 * day,
    successor_due_at: null,
    removed_at: 12 * day,
  };
  const range = rangeOf([key], 5 * day);
  const spans = spansOf(key, range);
  assert.deepEqual(
    spans.map(({ state }) => state),
    ["published", "active", "retired"],
  );
  assert.equal(spans[0].until, spans[1].from);
  assert.ok(placeOf(5 * day, range) > spans[1].from && placeOf(5 * day, range) < spans[1].until);
});

test("a key without a successor is open to the right", () => {
  const key = {
    created_at: 0,
    activates_at: 0,
    retires_at: null,
    successor_due_at: 100,
    removed_at: null,
  };
  const [active, ...rest] = spansOf(key, rangeOf([key], 50));
  assert.deepEqual([active.state, active.isOpen, active.until, rest], ["active", true, 1, []]);
});

test("answers are failures of their kinds", async () => {
  const rows = [
    [401, "signed-out"],
    [403, "forbidden"],
    [412, "conflict"],
    [422, "invalid"],
    [503, "unavailable"],
    [500, "fault"],
    [418, "fault"],
  ];
  for (const [status, kind] of rows) {
    const failure = await failureOf(new Response("<html>", { status }));
    assert.equal(failure.kind, kind);
  }
  assert.ok(unreachable().isPassing);
});

test("a problem document is read whole", async () => {
  const errors = [{ pointer: "/scopes/0", detail: "there is no such scope." }];
  const body = JSON.stringify({
    type: "urn:apogee-idp:problem:refused",
    detail: "No.",
    errors,
    request_id: "r",
  });
  const failure = await failureOf(
    new Response(body, { status: 503, headers: { "Retry-After": "7" } }),
  );
  assert.deepEqual(
    [failure.type, failure.message, failure.requestId, failure.retryAfter, failure.isPassing],
    ["refused", "No.", "r", 7, true],
  );
  assert.deepEqual(errorsAt(failure.errors, "/scopes"), errors);
  assert.deepEqual(errorsAt(failure.errors, "/scope"), []);
});
