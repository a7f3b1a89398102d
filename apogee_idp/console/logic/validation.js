/**
 * What can be said of an input before the server is asked; the server has the last word.
 * Each returns a sentence, or "" for what may be sent.
 */

const CLIENT_ID = /^[A-Za-z0-9._~-]{3,100}$/;
const SCOPE_NAME = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/;
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?([/?]|$)/;
export const MAXIMUM_NAME = 200;
export const MAXIMUM_LIFETIME = 86400;

/** Of a client's id. */
export function clientIdProblem(text) {
  if (!text) return "Give the client an id.";
  if (!CLIENT_ID.test(text)) return "An id has 3 to 100 characters of A-Z a-z 0-9 . _ ~ -";
  return text.startsWith("usr_") ? "usr_ marks people: begin with something else." : "";
}

/** Of a name that people read. */
export function nameProblem(text) {
  if ([...text].length > MAXIMUM_NAME) return `A name has at most ${MAXIMUM_NAME} characters.`;
  return /\p{C}/u.test(text) ? "A name has printable characters only." : "";
}

/** Of a redirect URI, by the type of the application. */
export function redirectUriProblem(text, applicationType) {
  if (!/^[\x21-\x7e]+$/.test(text)) return "A redirect URI has printable ASCII without spaces.";
  if (/[\\*#<>"]/.test(text)) return 'A redirect URI has no \\ * # < > or ".';
  if (/^https:\/\/[^/?]/.test(text)) return "";
  if (applicationType !== "native") return "A redirect URI begins with https://";
  if (LOOPBACK.test(text) || PRIVATE_USE_SCHEME.test(text)) return "";
  return "Use https, http://127.0.0.1, http://[::1], or a scheme like com.example.app";
}

/** Of an optional lifetime in seconds, as it was typed. */
export function lifetimeProblem(text, most = MAXIMUM_LIFETIME) {
  if (String(text ?? "").trim() === "") return "";
  const isWhole = /^[0-9]{1,9}$/.test(String(text).trim());
  if (isWhole && Number(text) >= 1 && Number(text) <= most) return "";
  return `A lifetime is 1 to ${most.toLocaleString("en")} whole seconds.`;
}

/** Of a scope's name (RFC 6749 §3.3). */
export function scopeNameProblem(text) {
  if (!text) return "Give the scope a name.";
  return SCOPE_NAME.test(text)
    ? ""
    : "A scope has printable ASCII without space, quote, backslash.";
}

/** Of a resource: an absolute URI without a fragment (RFC 8707 §2). */
export function resourceProblem(text) {
  if (!text) return "Say which API it is, by an absolute URI.";
  const isAbsolute = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(text);
  return isAbsolute && !text.includes("#") ? "" : "An absolute URI without spaces and fragment.";
}

const NO_OBJECT = "This has to be a JSON object: { ... }";

/** Of JSON that stands for an object, or for nothing. */
export function jsonObjectProblem(text) {
  if (text.trim() === "") return "";
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? "" : NO_OBJECT;
  } catch {
    return NO_OBJECT;
  }
}

/** Of what was read from such a text: it is still a text if it could not be read. */
export function notJsonProblem(value) {
  return typeof value === "string" ? NO_OBJECT : "";
}
