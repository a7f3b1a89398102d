import assert from "node:assert/strict";
import test from "node:test";

import {
  count,
  duration,
  label,
  moment,
  relative,
  shown,
  size,
  timestamp,
} from "../../../apogee_idp/console/logic/format.js";

const NOW = 1_800_000_000;

test("times are told by their largest step", () => {
  const rows = [
    [0, "just now"],
    [-4, "just now"],
    [-59, "59 seconds ago"],
    [-60, "1 minute ago"],
    [-3 * 3600, "3 hours ago"],
    [86_400 * 5, "in 5 days"],
  ];
  for (const [distance, told] of rows) assert.equal(relative(NOW + distance, NOW), told);
});

test("spans are told by their two largest steps", () => {
  const rows = [
    [0, "0 seconds"],
    [1, "1 second"],
    [900, "15 minutes"],
    [93_600, "1 day 2 hours"],
    [93_661, "1 day 2 hours"],
  ];
  for (const [seconds, told] of rows) assert.equal(duration(seconds), told);
});

test("moments are written for people and for programs", () => {
  assert.equal(moment(NOW, "UTC"), "15 Jan 2027, 08:00");
  assert.equal(timestamp(NOW), "2027-01-15T08:00:00Z");
});

test("numbers, sizes and names", () => {
  assert.equal(count(1, "client"), "1 client");
  assert.equal(count(1200, "client"), "1,200 clients");
  assert.equal(count(2, "entry", "entries"), "2 entries");
  assert.equal(size(1234), "1.2 KB");
  assert.equal(size(999), "999 bytes");
  assert.equal(label("token_profile.lifetime"), "Token profile › lifetime");
});

test("any JSON value is one line", () => {
  const rows = [
    [null, "–"],
    ["", "–"],
    [true, "yes"],
    [[], "none"],
    [["a", "b"], "a, b"],
    [{ a: 1 }, '{"a":1}'],
    [0, "0"],
  ];
  for (const [value, told] of rows) assert.equal(shown(value), told);
});
