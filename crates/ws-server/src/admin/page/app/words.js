// How things are called and shown: times, sizes, and events in one line. Pure functions of what the server said.

const two = (number) => String(number).padStart(2, "0");

/** The time of day with milliseconds, in the reader's time zone. */
export function timeOfDay(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** A number of bytes. */
export function bytes(count) {
  if (count < 1024) return `${Math.round(count)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = -1;
  do {
    count /= 1024;
    unit += 1;
  } while (count >= 1024 && unit < units.length - 1);
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

/** A whole or large number, with separators. */
export function count(number) {
  return Math.round(number).toLocaleString("en");
}

/** `1 room`, `2 rooms`. */
export function several(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A span of microseconds. */
export function micros(number) {
  if (number < 1000) return `${Math.round(number)} µs`;
  if (number < 1_000_000) return `${(number / 1000).toFixed(number < 10_000 ? 1 : 0)} ms`;
  return `${(number / 1_000_000).toFixed(1)} s`;
}

/** A span of milliseconds. */
export function millis(number) {
  return micros(number * 1000);
}

/** The beginning of an id, which is enough to tell two apart. */
export function shortId(id) {
  return id.slice(0, 8);
}

/** Whose connections a test's id, the empty text or `*` means. */
export function scope(test) {
  return test === "*" ? "all connections" : test ? `test ${test}` : "connections of no test";
}

// What cannot be seen, or changes how other text is seen: controls, zero-width characters, marks of direction.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const HIDDEN_BUT_LAYOUT = new RegExp(HIDDEN.source.replace("\\u0000-\\u001f", "\\u0000-\\u0008\\u000b-\\u001f"), "g");

const escaped = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;

const KNOWN = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text in one line, with everything in it to be seen. */
export function oneLine(text, limit = 400) {
  const start = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return start.replace(HIDDEN, (character) => KNOWN[character] ?? escaped(character));
}

/** Text with its own lines and tabs, and everything else in it to be seen. */
export function manyLines(text) {
  return text.replace(HIDDEN_BUT_LAYOUT, escaped);
}

/** The bytes of base64; none, if it is no base64. */
export function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** Bytes as hexadecimal pairs. */
export function hexPairs(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** The body of a message in one line. */
export function bodyInOneLine(body) {
  switch (body.type) {
    case "text":
      return oneLine(body.text ?? "");
    case "close":
      return `close ${body.code ?? "without a code"}${body.reason ? ` ${oneLine(body.reason)}` : ""}`;
    default: {
      const start = hexPairs(fromBase64((body.base64 ?? "").slice(0, 64)));
      return start ? `${body.type}: ${start}` : body.type;
    }
  }
}

const ORIGINS = { ai: "AI", session: "server" };

/** Who wrote a message. */
export function origin(name) {
  return ORIGINS[name] ?? name;
}

const HANDLED = {
  matched: ["matched", "good"],
  answered: ["answered", "good"],
  unmatched: ["unmatched", "bad"],
  ignored: ["ignored", "quiet"],
};

/** What became of a message from a client: a word and its tone. */
export function handled(event) {
  if (event.kind === "unmatched") return HANDLED.unmatched;
  if (event.kind !== "message" || event.direction !== "inbound") return ["", "quiet"];
  if (event.handled) return HANDLED[event.handled] ?? [event.handled, "quiet"];
  // Control frames never come to a handler.
  return event.type === "text" || event.type === "binary" ? ["not yet", "quiet"] : ["", "quiet"];
}

const STATUS = {
  normal: "the server closed it",
  client_close: "the client closed it",
  error: "the client was gone, or broke a limit",
  handler_error: "a handler failed",
  send_error: "it could not be written to",
  proxy_error: "the real server failed",
  slow_consumer: "the client read too slowly",
  shutdown: "the server shut down",
};

/** An event: `direction` is a sign for eyes, `who` and `what` are words; `tone` is good, bad, warn or quiet. */
export function inWords(event) {
  switch (event.kind) {
    case "message": {
      const inbound = event.direction === "inbound";
      return { sign: inbound ? "→" : "←", who: origin(event.origin), what: bodyInOneLine(event), tone: event.direction };
    }
    case "unmatched": {
      const nearest = event.near_misses?.[0];
      const why = nearest ? `nearest: ${oneLine(nearest.expected_by.replace(/^.*[/\\]/, ""))}: ${oneLine(nearest.difference)}` : "nothing to compare it with";
      return { sign: "?", who: "unmatched", what: why, tone: "warn" };
    }
    case "open":
      return { sign: "+", who: "opened", what: `from ${event.peer ?? "somewhere"}${event.subprotocol ? `, ${oneLine(event.subprotocol)}` : ""}`, tone: "quiet" };
    case "refused":
      return { sign: "×", who: "refused", what: event.status ? `HTTP ${event.status}` : "dropped without an answer", tone: "bad" };
    case "end": {
      const code = event.code ? `, ${event.code}${event.reason ? ` ${oneLine(event.reason)}` : ""}` : "";
      return { sign: "−", who: "ended", what: `${STATUS[event.status] ?? event.status}${code}, after ${millis(event.duration_ms ?? 0)}`, tone: "quiet" };
    }
    case "play":
      return { sign: "▸", who: "play", what: `a script of ${several(event.entries ?? 0, "line")} was started`, tone: "quiet" };
    case "fault":
      return { sign: "!", who: "fault", what: oneLine(event.name ?? ""), tone: "warn" };
    case "error":
      return { sign: "!", who: "error", what: oneLine(event.text ?? ""), tone: "bad" };
    case "skipped":
      return { sign: "!", who: "left out", what: `${several(event.count, "message")}: the client reads too slowly`, tone: "warn" };
    case "reload":
      return { sign: "↻", who: "reload", what: reloadInWords(event), tone: event.errors?.length ? "bad" : "quiet" };
    case "gap":
      return { sign: "⋯", who: "", what: gapInWords(event), tone: "quiet" };
    default:
      return { sign: "·", who: oneLine(event.kind), what: "", tone: "quiet" };
  }
}

function gapInWords(gap) {
  if (gap.gone) return `${several(gap.count, "more event")}: the server's journal has let them go`;
  return gap.lost
    ? `${several(gap.count, "event")} came while this page was not connected: load`
    : `${several(gap.count, "more event")} here, too fast to be shown at once: load`;
}

/** How a reload went. */
export function reloadInWords(reload) {
  if (reload.errors?.length) return `failed with ${several(reload.errors.length, "mistake")}; the old version keeps serving`;
  const changed = reload.changed?.length ? `took up ${reload.changed.map((name) => oneLine(name)).join(", ")}` : "found nothing changed";
  const restart = reload.needs_restart?.length ? `; a restart is needed for ${reload.needs_restart.join(", ")}` : "";
  return changed + restart;
}
