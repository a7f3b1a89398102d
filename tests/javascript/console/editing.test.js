import assert from "node:assert/strict";
import test from "node:test";

import { changed, mounted, world } from "./stage.js";

const { loadSession, send } = await import("../../../apogee_idp/console/api.js");
const { useEditing } = await import("../../../apogee_idp/console/editing.js");

const KIND = { draft: "thing", read: (body) => body, write: (typed) => typed, problems: () => [] };

/** The form of a thing that Ann has before her. */
async function opened() {
  Object.assign(world, { person: "ann", thing: { name: "Stored", uris: ["a"], note: "" } });
  await loadSession();
  const form = mounted(() => useEditing("thing", KIND));
  await form.loading.reload();
  return form;
}

test("what is typed while a save is under way stays, on top of the answer", async () => {
  const form = await opened();
  form.change({ name: "Sent" });
  world.arrived = ({ method }) => {
    if (method === "PUT") form.change({ note: "typed since" });
  };
  assert.ok(await form.save());
  world.arrived = () => {};
  assert.deepEqual(world.thing, { name: "Sent", uris: ["a"], note: "" });
  assert.deepEqual(form.typed.value, { name: "Sent", uris: ["a"], note: "typed since" });
  assert.ok(form.isChanged());
  await form.save();
  assert.equal(world.thing.note, "typed since");
  assert.ok(!form.isChanged());
});

test("what somebody else has changed too is shown after a change beside the form", async () => {
  const form = await opened();
  form.change({ uris: ["mine"] });
  changed({ uris: ["theirs"], enabled: false });
  await form.rebase();
  assert.deepEqual(form.theirs.value.base.uris, ["theirs"]);
  assert.equal(form.stored.value.body.enabled, false);
  assert.equal(await form.save(), null);
  assert.deepEqual(world.thing.uris, ["theirs"]);
  form.reapply(new Set(["uris"]));
  assert.deepEqual(form.typed.value.uris, ["theirs"]);
});

test("what nobody else has changed goes on after a change beside the form", async () => {
  const form = await opened();
  form.change({ name: "Mine" });
  changed({ note: "theirs" });
  await form.rebase();
  assert.equal(form.theirs.value, null);
  await form.save();
  assert.deepEqual(world.thing, { name: "Mine", uris: ["a"], note: "theirs" });
});

test("nothing is done in the name of somebody who has signed in meanwhile", async () => {
  const form = await opened();
  form.change({ name: "By Ann" });
  world.person = "bob";
  assert.equal(await form.save(), null);
  assert.match(form.saving.failure.value.message, /signed in as bob now/);
  assert.equal(world.thing.name, "Stored");
  await form.save();
  assert.equal(world.thing.name, "By Ann");
});

test("another session of the same person is not noticed", async () => {
  await opened();
  const version = `"${world.version}"`;
  world.session += 1;
  await send("PUT", "thing", { body: { name: "Again" }, version });
  assert.equal(world.thing.name, "Again");
});
