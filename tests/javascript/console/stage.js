/**
 * What forms need of a browser and of a server: an address, whoever is signed in, and one thing with
 * a version. The console's own modules have to be imported behind it, by import().
 */

import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** What the server has, and who is signed in; a test may change all of it. `arrived` hears requests. */
export const world = { person: "ann", session: 1, thing: {}, version: 1, arrived: () => {} };

const server = createServer(async (request, response) => {
  const body = await text(request);
  await world.arrived(request);
  const [status, answer] = answered(request, body);
  response.writeHead(status, { ETag: `"${world.version}"`, Connection: "close" });
  response.end(JSON.stringify(answer));
});
server.listen(0, "127.0.0.1").unref();
await once(server, "listening");

function answered({ method, url, headers }, body) {
  if (url === "/api/v1/session") return [200, facts()];
  if (method === "GET") return [200, world.thing];
  if (headers["x-csrf-token"] !== facts().csrf_token) return [403, { type: "urn:x:csrf" }];
  if (headers["if-match"] !== `"${world.version}"`) return [412, {}];
  changed(JSON.parse(body));
  return [200, world.thing];
}

function facts() {
  const { person, session } = world;
  return { subject: person, csrf_token: `${person}-${session}`, now: Date.now() / 1000 };
}

/** Somebody writes these members. */
export function changed(members) {
  world.thing = { ...world.thing, ...members };
  world.version += 1;
}

const element = () => ({});
globalThis.document = {
  baseURI: `http://127.0.0.1:${server.address().port}/console/`,
  createElement: element,
};

const { createRenderer } = await import(
  "../../../apogee_idp/console/vendor/vue.runtime.esm-browser.prod.js"
);
const renderer = createRenderer({ createComment: element, insert() {}, parentNode: element });

/** What `setup` brings in a component of its own. */
export function mounted(setup) {
  let brought;
  const component = {
    setup() {
      brought = setup();
      return () => null;
    },
  };
  renderer.createApp(component).mount(element());
  return brought;
}
