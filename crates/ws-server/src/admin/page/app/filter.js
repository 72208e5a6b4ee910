// Which events somebody wants to see: the same here and in the server's journal.

import { find } from "./api.js";
import { paired } from "./store.js";
import { ALL_KINDS } from "./stream.js";

/** How many events one search in the server's journal brings, and in how many requests at most. */
const MOST_FOUND = 500;
const MOST_AT_ONCE = 1_000;
const MOST_REQUESTS = 10;

const KINDS = { "": ALL_KINDS, message: ["message"], other: ALL_KINDS.filter((kind) => kind !== "message") };

/** What the fields of the form say. */
export class EventFilter {
  #said;
  #hasPath;

  /** `said`: {text, show, direction, origin, handled, path, connection}, each empty where anything will do. */
  constructor(said) {
    this.#said = { ...said, text: said.text.toLowerCase(), path: said.path.trim(), connection: said.connection.trim() };
    this.#hasPath = pathTest(this.#said.path);
  }

  get isEmpty() {
    return Object.values(this.#said).every((value) => value === "");
  }

  fits(event) {
    const { text } = this.#said;
    if (event.kind === "gap") return this.#said.show !== "other";
    return this.#fitsBesideText(event) && (!text || (event.kind === "message" && event.type === "text" && event.text.toLowerCase().includes(text)));
  }

  #fitsBesideText(event) {
    const { show, direction, origin, handled, connection } = this.#said;
    if (show && (show === "message") !== (event.kind === "message")) return false;
    // It stands in the row of its message, if that is shown.
    if (event.kind === "unmatched" && event.told && show !== "other") return false;
    if (direction && event.direction !== direction) return false;
    if (origin && event.origin !== origin) return false;
    if (handled && event.handled !== handled) return false;
    if (!this.#hasPath(event.path ?? "")) return false;
    return !connection || Boolean(event.connection?.startsWith(connection));
  }

  /** The newest events of the server's journal that fit, the oldest first, with what the journal says of the search. */
  async search() {
    const events = [];
    const seen = new Set();
    const filter = this.#asked();
    let found;
    for (let asked = 0; asked < MOST_REQUESTS; asked += 1) {
      found = await find(filter, MOST_AT_ONCE, "desc");
      const fresh = found.events.filter((event) => !seen.has(event.seq));
      for (const event of fresh) seen.add(event.seq);
      // The server has looked for the text, in whole messages.
      events.push(...fresh.filter((event) => this.#fitsBesideText(event)));
      if (!found.more || !fresh.length || events.length >= MOST_FOUND) break;
      // A time is cut to its millisecond: what was before it there comes once more.
      filter.until = new Date(Date.parse(fresh.at(-1).at) + 1).toISOString();
    }
    const more = found.more || events.length > MOST_FOUND;
    const newest = paired(events.slice(0, MOST_FOUND).reverse());
    return { ...found, more, events: newest.filter((event) => this.#fitsBesideText(event)) };
  }

  /** As much of it as the server can be asked: parts of paths and of ids are compared here. */
  #asked() {
    const { text, show, direction, origin, handled, path, connection } = this.#said;
    const filter = { kind: KINDS[show] };
    // A pattern is a regex: what was typed is meant as it stands.
    if (text) filter.pattern = `(?i)${text.replace(/[.*+?^${}()|[\]\\#&\-~]/g, "\\$&")}`;
    if (text || direction || origin || handled) filter.kind = ["message"];
    Object.assign(filter, Object.fromEntries(Object.entries({ direction, origin, handled }).filter(([, value]) => value)));
    if (isServersPattern(path)) filter.path = path;
    if (connection.length >= 32) filter.connection = connection;
    return filter;
  }
}

/** Whether the server takes this as a pattern of paths; without a star, it would take a part for the whole. */
function isServersPattern(path) {
  return /^(\/(\*|[^/*?#:{][^/*?#]*))*(\/\*\*)?$/.test(path) && path.includes("*");
}

/**
 * Whether a path fits: a text without stars is a part of it. With stars it is the whole, as the server has it: `*` is within a
 * segment, `**` at the end is all the rest.
 */
export function pathTest(text) {
  if (/^\**$/.test(text)) return () => true;
  if (!text.includes("*")) return (path) => path.includes(text);
  const literal = (part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const open = text.endsWith("/**");
  const segments = (open ? text.slice(0, -3) : text).split("/").map((segment) => (segment === "*" ? "[^/]+" : segment.split(/\*+/).map(literal).join("[^/]*")));
  const whole = new RegExp(`^${segments.join("/")}${open ? "(/.*)?" : ""}$`);
  return (path) => whole.test(path);
}
