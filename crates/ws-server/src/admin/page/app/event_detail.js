// Everything about one event of the timeline. It is drawn anew only when the event is another, or has changed.

import { find } from "./api.js";
import { bodyView } from "./body_view.js";
import { el, facts, foreign, say } from "./dom.js";
import * as words from "./words.js";

/** Draws into `host`. `store` is asked for the reasons of a miss, and takes what was cut and came whole later. */
export class EventDetail {
  #host;
  #store;
  #hint;
  #event = null;

  constructor(host, store, { hint = "Choose a line to read it here." } = {}) {
    this.#host = host;
    this.#store = store;
    this.#hint = hint;
    this.clear();
    store?.addEventListener("changed", ({ detail }) => detail === this.#event && this.#draw());
  }

  /** Nothing is chosen. */
  clear() {
    this.#event = null;
    this.#host.replaceChildren(el("p", { class: "hint" }, this.#hint));
  }

  async show(event) {
    this.#event = event;
    this.#draw();
    if (this.#host.parentElement.matches(".detail")) this.#host.parentElement.scrollTop = 0;
    await this.#askWhole(event);
    await this.#askMiss(event);
  }

  async #askWhole(event) {
    if (!event.cut || event.asked) return;
    try {
      const { events } = await find({ since: event.seq - 1, kind: [event.kind] }, 1, "asc");
      event.asked = true;
      const whole = events[0]?.seq === event.seq ? events[0] : null;
      if (whole) {
        Object.assign(event, whole);
        this.#store?.update(event);
      } else {
        event.gone = true;
      }
      if (this.#event === event) this.#draw();
    } catch (problem) {
      say(`The whole message cannot be had: ${problem.message}`, "bad");
    }
  }

  /** A message that was found alone says that nobody took it, and not why. */
  async #askMiss(event) {
    if (event.kind !== "message" || event.handled !== "unmatched" || event.miss || event.askedWhy) return;
    event.askedWhy = true;
    try {
      const { events } = await find({ since: event.seq, kind: ["unmatched"], connection: event.connection }, 20, "asc");
      event.miss = events.find((it) => it.number === event.number);
      if (event.miss && this.#event === event) this.#draw();
    } catch (problem) {
      say(`The reason cannot be had: ${problem.message}`, "bad");
    }
  }

  #draw() {
    const event = this.#event;
    const body = event.kind === "message" || event.kind === "unmatched" ? event : null;
    const parts = [el("h3", {}, title(event)), el("dl", { class: "facts" }, facts(factsOf(event)))];
    if (event.text && event.kind === "error") parts.push(el("pre", {}, words.manyLines(event.text)));
    if (event.errors?.length) parts.push(el("ul", { class: "mistakes" }, event.errors.map((it) => el("li", {}, words.manyLines(String(it))))));
    if (event.headers) parts.push(headers(event.headers));
    if (body?.type === "close") {
      parts.push(el("dl", { class: "facts" }, facts([["Code", body.code ?? "none"], ["Reason", body.reason ? foreign(words.oneLine(body.reason)) : "none"]])));
    } else if (body) {
      if (body.cut) parts.push(el("p", { class: "note" }, cutInWords(event)));
      parts.push(...bodyView(body));
      if (body.type === "text") parts.push(el("p", { class: "buttons" }, el("button", { type: "button", click: () => copy(body.text) }, "Copy")));
    }
    parts.push(nearMisses(event.kind === "unmatched" ? event.near_misses : event.miss?.near_misses));
    this.#host.replaceChildren(...parts.filter((part) => part !== null));
  }
}

function title(event) {
  if (event.kind === "message") return event.direction === "inbound" ? "From the client" : `To the client, by ${words.origin(event.origin)}`;
  const names = { open: "Opened", refused: "Handshake refused", end: "Ended", play: "Script started", fault: "Fault", error: "Error", skipped: "Left out", reload: "Reload", unmatched: "Taken by nobody" };
  return names[event.kind] ?? words.oneLine(event.kind);
}

function factsOf(event) {
  const { what } = words.inWords(event);
  const [handled] = words.handled(event);
  const isMessage = event.kind === "message";
  return [
    isMessage || event.kind === "unmatched" ? null : ["What", foreign(what)],
    event.at ? ["Time", el("time", { datetime: event.at, title: event.at }, words.timeOfDay(event.at))] : null,
    Number.isInteger(event.seq) ? ["Event", `#${event.seq}${event.number ? `, frame ${event.number} of its direction` : ""}`] : null,
    event.path ? ["Path", foreign(words.oneLine(event.path))] : null,
    event.connection ? ["Connection", el("a", { href: `#connections/${encodeURIComponent(event.connection)}` }, event.connection)] : null,
    event.test ? ["Test", event.test] : null,
    event.trace_id ? ["Trace", event.trace_id] : null,
    event.peer ? ["Client", event.peer] : null,
    event.query ? ["Query", foreign(words.oneLine(event.query))] : null,
    event.type && event.type !== "close" ? ["Size", `${words.bytes(event.size)} of ${event.type}`] : null,
    isMessage && handled
      ? ["Handled", [handled, event.matched_by ? ` by ${words.oneLine(event.matched_by)}` : "", event.handled_us !== null && event.handled_us !== undefined ? `, within ${words.micros(event.handled_us)}` : ""].join("")]
      : null,
  ].filter((it) => it !== null);
}

function cutInWords(event) {
  if (event.gone) return "This is the beginning: the server's journal has let the message go.";
  return event.asked
    ? `This is the beginning: of ${words.bytes(event.size)} the journal keeps so much.`
    : `This is the beginning of ${words.bytes(event.size)}; the whole is asked for.`;
}

function headers(list) {
  const pairs = Array.isArray(list) ? list.map((it) => (Array.isArray(it) ? it : [it.name, it.value])) : Object.entries(list);
  if (!pairs.length) return null;
  return el("details", {}, el("summary", {}, "Headers of the handshake"), el("dl", { class: "facts" }, facts(pairs.map(([name, value]) => [name, foreign(words.oneLine(String(value)))]))));
}

/** Who would have taken a message, and what was different. */
export function nearMisses(misses) {
  if (!misses) return null;
  if (!misses.length) return el("p", { class: "note" }, "There is no rule, wait or route to compare it with.");
  return el(
    "section",
    { class: "near", "aria-label": "What came nearest" },
    el("h4", {}, "What came nearest"),
    el("ol", {}, misses.map((miss) =>
      el("li", {},
        el("p", {}, el("strong", {}, foreign(words.oneLine(miss.expected_by))), ` ${Math.round(miss.closeness * 100)}% alike`),
        el("pre", {}, foreign(words.manyLines(miss.difference))),
      ),
    )),
  );
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser does not let this page copy.", "bad");
  }
}
