import assert from "node:assert/strict";
import test from "node:test";

import {
  clientIdProblem,
  jsonObjectProblem,
  lifetimeProblem,
  nameProblem,
  redirectUriProblem,
  resourceProblem,
  scopeNameProblem,
} from "../../../apogee_idp/console/logic/validation.js";

function check(problem, fine, wrong) {
  for (const args of fine) assert.equal(problem(...args), "", JSON.stringify(args));
  for (const args of wrong) assert.notEqual(problem(...args), "", JSON.stringify(args));
}

test("client ids", () => {
  check(
    clientIdProblem,
    [["abc"], ["a.b_c~d-9"]],
    [[""], ["ab"], ["a b c"], ["usr_x"], ["ä".repeat(4)], ["x".repeat(101)]],
  );
});

test("names", () => {
  check(nameProblem, [[""], ["Bücher & <b>"]], [["x".repeat(201)], ["a\u0000"], ["a\u202e"]]);
});

test("redirect URIs, by what kind of application it is", () => {
  const fine = [
    ["https://a.example/cb?x=1", "web"],
    ["http://127.0.0.1:8080/cb", "native"],
    ["http://[::1]/", "native"],
    ["com.example.app:/cb", "native"],
  ];
  const wrong = [
    ["", "web"],
    ["http://a.example", "web"],
    ["http://127.0.0.1/", "web"],
    ["https://", "web"],
    ["https://a.example/*", "web"],
    ["https://a.example/#x", "web"],
    ["javascript:alert(1)", "native"],
    ["http://127.0.0.1.evil.example/", "native"],
  ];
  check(redirectUriProblem, fine, wrong);
});

test("lifetimes", () => {
  check(
    lifetimeProblem,
    [[null], [""], [300], ["86400"]],
    [["0"], ["86401"], ["1.5"], ["soon"], [-1]],
  );
});

test("scopes and resources", () => {
  check(scopeNameProblem, [["a.read"], ["https://a/b"]], [[""], ["a b"], ['"'], ["\\"]]);
  check(
    resourceProblem,
    [["https://a.example"], ["urn:a:b"]],
    [[""], ["a.example"], ["https://a/#b"], ["https://a b"]],
  );
});

test("JSON objects", () => {
  check(jsonObjectProblem, [[""], ["{}"], ['{"a": [1]}']], [["["], ["[]"], ["1"], ["null"]]);
});
