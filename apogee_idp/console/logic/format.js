/** How times, sizes and numbers are written for people. Times are Unix seconds. */

const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** "1 client", "3 clients"; `many` is given where an s does not do. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A span in its two largest steps: "1 day 2 hours"; zero is "0 seconds". */
export function duration(seconds) {
  const parts = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [name, size] of STEPS) {
    const whole = Math.floor(rest / size);
    if (whole > 0) parts.push(count(whole, name));
    rest -= whole * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 seconds";
}

/** How far `seconds` is from `now`, in one step: "3 minutes ago", "in 5 days", "just now". */
export function relative(seconds, now) {
  const distance = Math.abs(seconds - now);
  if (distance < 5) return "just now";
  const [name, size] = STEPS.find(([, size]) => distance >= size);
  const told = count(Math.floor(distance / size), name);
  return seconds < now ? `${told} ago` : `in ${told}`;
}

/** A moment in the reader's own time: "29 Nov 2026, 06:45". */
export function moment(seconds, timeZone = undefined) {
  const options = { dateStyle: "medium", timeStyle: "short", timeZone };
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(seconds * 1000));
}

/** The same for programs: 2026-11-29T06:45:00Z. */
export function timestamp(seconds) {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** A size in bytes: "800 bytes", "1.9 KB". */
export function size(bytes) {
  return bytes < 1000 ? count(bytes, "byte") : `${(bytes / 1000).toFixed(1)} KB`;
}

/** A member's name as a label: `skip_token_encryption` is "Skip token encryption". */
export function label(name) {
  const words = name.replaceAll("_", " ").replaceAll(".", " › ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Any JSON value as one line: what is absent is a dash, an empty list is "none". */
export function shown(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (value === true || value === false) return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(shown).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
