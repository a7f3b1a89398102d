/** Which page the address names. Paths are those below the console: "/clients/billing". */

import { shallowReactive } from "./html.js";

export const BASE = new URL(document.baseURI).pathname.replace(/\/$/, "");

/** The address as it is now: { path, query }, both of which components may watch. */
export const route = shallowReactive({ path: "/", query: {} });

/** The address of a path, for links. */
export function address(path) {
  return BASE + path;
}

/** `path` with its names filled in, each as one segment: pathOf("/clients/", id). */
export function pathOf(...parts) {
  return parts.map((part, place) => (place % 2 ? encodeURIComponent(part) : part)).join("");
}

/** Goes to a path. */
export function go(path) {
  history.pushState(null, "", address(path));
  read();
}

/** Writes filters into the address, without a step to go back; what is empty is left out. */
export function setQuery(query) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null);
  const text = new URLSearchParams(kept).toString();
  history.replaceState(null, "", address(route.path) + (text && `?${text}`));
  read();
}

/** The first of `routes` ([pattern, page]) that fits, with its names: { page, names }, or null. */
export function match(routes, path) {
  for (const [pattern, page] of routes) {
    const found = new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, "([^/]+)")}$`).exec(path);
    if (found) return { page, names: namesIn(pattern, found) };
  }
  return null;
}

function namesIn(pattern, found) {
  const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return Object.fromEntries(names.map((name, place) => [name, decoded(found[place + 1])]));
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function read() {
  route.path = location.pathname.slice(BASE.length).replace(/(.)\/$/, "$1") || "/";
  route.query = Object.fromEntries(new URLSearchParams(location.search));
}

/** Links of the console change the page without leaving it; all others do what links do. */
function follow(event) {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey);
  if (!link || !isPlain || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  const isOurs = url.origin === location.origin && `${url.pathname}/`.startsWith(`${BASE}/`);
  if (!isOurs || url.hash || link.dataset.leaves !== undefined) return;
  event.preventDefault();
  history.pushState(null, "", url);
  read();
}

/** Begins to listen. */
export function startRouter() {
  addEventListener("popstate", read);
  document.addEventListener("click", follow);
  read();
}
