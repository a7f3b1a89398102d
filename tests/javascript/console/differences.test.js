import assert from "node:assert/strict";
import test from "node:test";

import {
  bothChanges,
  differences,
  reapplied,
  same,
} from "../../../apogee_idp/console/logic/differences.js";

test("the order of members says nothing, that of lists does", () => {
  assert.ok(same({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }));
  assert.ok(!same([1, 2], [2, 1]));
  assert.ok(!same({ a: undefined }, { b: 1 }));
  assert.ok(!same(null, {}));
  assert.ok(!same([], {}));
});

test("differences are found in nested members, whatever is missing on a side", () => {
  const before = { name: "a", profile: { typ: "JWT", tags: [1] }, gone: 1 };
  const after = { name: "b", profile: { typ: "JWT", tags: [2] } };
  assert.deepEqual(differences(before, after), [
    { name: "name", before: "a", after: "b" },
    { name: "profile.tags", before: [1], after: [2] },
    { name: "gone", before: 1, after: null },
  ]);
  assert.deepEqual(differences(null, { a: 1 }), [{ name: "a", before: null, after: 1 }]);
  assert.deepEqual(differences(before, before), []);
});

const BASE = { a: 1, b: 1, c: 1, d: 1 };
const MINE = { a: 2, b: 1, c: 2, d: 2 };
const THEIRS = { a: 1, b: 3, c: 3, d: 2 };

test("contested is what both have changed to something else", () => {
  const changes = bothChanges(BASE, MINE, THEIRS);
  assert.deepEqual(
    changes.map(({ name, isMine, isTheirs, isContested }) => [name, isMine, isTheirs, isContested]),
    [
      ["a", true, false, false],
      ["b", false, true, false],
      ["c", true, true, true],
      ["d", true, true, false],
    ],
  );
});

test("mine goes on top of theirs, but where theirs was chosen", () => {
  assert.deepEqual(reapplied(BASE, MINE, THEIRS), { a: 2, b: 3, c: 2, d: 2 });
  assert.deepEqual(reapplied(BASE, MINE, THEIRS, new Set(["c"])), { a: 2, b: 3, c: 3, d: 2 });
});
