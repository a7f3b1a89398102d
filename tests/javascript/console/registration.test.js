import assert from "node:assert/strict";
import test from "node:test";

import { consequences } from "../../../apogee_idp/console/logic/consequences.js";
import {
  AUTHORIZATION_CODE,
  bodyOf,
  flat,
  forcedBy,
  newRegistration,
  registrationOf,
  unflat,
  withApplicationType,
  withClientType,
  withFlow,
} from "../../../apogee_idp/console/logic/registration.js";
import { registrationProblems } from "../../../apogee_idp/console/logic/registrationProblems.js";

const MACHINE = { ...newRegistration(), client_id: "billing" };
const APP = { ...withFlow(MACHINE, AUTHORIZATION_CODE), redirect_uris: ["https://a.example/cb"] };

test("a machine's body says nothing that only people's clients have", () => {
  const body = bodyOf({ ...MACHINE, redirect_uris: ["https://left.example"] });
  for (const name of ["redirect_uris", "client_type", "require_pkce", "preset"]) {
    assert.ok(!(name in body), name);
  }
  assert.equal(body.client_id, "billing");
  assert.deepEqual(bodyOf(APP).redirect_uris, APP.redirect_uris);
});

test("a preset decides on profile and encryption", () => {
  const body = bodyOf({ ...MACHINE, preset: "aws-sts" });
  assert.equal(body.preset, "aws-sts");
  assert.ok(!("token_profile" in body) && !("skip_token_encryption" in body));
});

test("what the server adds is not written back", () => {
  const told = { ...MACHINE, secrets: [], created_at: 1, is_configured: false, permissions: [] };
  assert.deepEqual(registrationOf(told), MACHINE);
});

test("another flow begins with its own defaults", () => {
  const back = withFlow({ ...APP, client_type: "public", require_pkce: false }, AUTHORIZATION_CODE);
  assert.deepEqual(
    [back.client_type, back.require_pkce, back.redirect_uris],
    ["confidential", true, []],
  );
});

test("what runs in a browser is public, and what is public needs PKCE", () => {
  const spa = withApplicationType({ ...APP, require_pkce: false }, "spa");
  assert.deepEqual([spa.client_type, spa.require_pkce], ["public", true]);
  assert.equal(withClientType(spa, "confidential").client_type, "confidential");
});

test("a flow says what it forces", () => {
  assert.match(forcedBy(MACHINE).join(" "), /no redirect URIs, no PKCE/);
  assert.match(forcedBy({ ...APP, client_type: "public" }).join(" "), /PKCE is always required/);
});

test("members of the profile are compared one by one", () => {
  assert.equal(flat(MACHINE)["token_profile.typ"], "at+jwt");
  assert.deepEqual(unflat(flat(MACHINE)), MACHINE);
});

test("what saving will do is said beforehand", () => {
  const rows = [
    [null, MACHINE, [], /A secret is made/],
    [MACHINE, { ...MACHINE, skip_token_encryption: true }, [1], /signed only \(JWS\)/],
    [{ ...MACHINE, skip_token_encryption: true }, MACHINE, [1], /encrypted \(JWE\)/],
    [MACHINE, APP, [1], /people sign in/],
    [APP, { ...APP, client_type: "public" }, [1, 2], /2 secrets of it end/],
    [
      { ...MACHINE, scopes: ["a", "b"] },
      { ...MACHINE, scopes: ["b"] },
      [1],
      /can't ask for a any more/,
    ],
    [{ ...APP, client_type: "public" }, APP, [], /A secret is made/],
  ];
  for (const [before, after, secrets, told] of rows) {
    assert.match(consequences(before, after, secrets).join(" "), told);
  }
});

test("nothing follows from saving what is there, or where keys prove who it is", () => {
  assert.deepEqual(consequences(MACHINE, MACHINE, [1]), []);
  assert.deepEqual(consequences(null, { ...MACHINE, jwks_uri: "https://a.example/jwks" }), []);
});

test("problems stand at the pointers of their members", () => {
  const wrong = {
    ...APP,
    client_id: "x",
    redirect_uris: ["https://fine.example", "http://plain.example"],
    jwks: "{",
    token_profile: { ...APP.token_profile, lifetime: "soon" },
  };
  assert.deepEqual(
    registrationProblems(wrong).map(({ pointer }) => pointer),
    ["/client_id", "/token_profile/lifetime", "/redirect_uris/1", "/jwks"],
  );
  assert.deepEqual(registrationProblems(APP), []);
  assert.equal(registrationProblems({ ...APP, redirect_uris: [] })[0].pointer, "/redirect_uris");
  assert.deepEqual(
    registrationProblems({ ...MACHINE, redirect_uris: ["http://left.example"] }),
    [],
  );
});
