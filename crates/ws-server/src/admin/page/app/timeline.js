// Events as they come: filter, follow, pause, and the one that is chosen beside them. It reads a store, and keeps a
// list of what fits; it never asks the server on its own account.

import { find } from "./api.js";
import { el, fromTemplate, say, setText } from "./dom.js";
import { EventDetail } from "./event_detail.js";
import { MOST_EVENTS } from "./store.js";
import { ALL_KINDS } from "./stream.js";
import { VirtualList } from "./virtual_list.js";
import * as words from "./words.js";

/** How many events one search in the server's journal brings. */
const MOST_FOUND = 500;

export class Timeline {
  paused = false;
  /** What the server's journal has let go, in all: told by who hears it. */
  evicted = 0;
  #store;
  #list;
  #detail;
  #form;
  #parts;
  #rows = [];
  #filter = {};
  #waiting = 0;
  #found = null;

  /** `ofOne`: the events are those of one connection, which needs no columns and filters for it. */
  constructor(host, store, { ofOne = false, detail } = {}) {
    const root = fromTemplate("timeline-template");
    const part = (role) => root.querySelector(`[data-role="${role}"]`);
    this.#store = store;
    this.#form = root.querySelector("form");
    this.#parts = { note: part("note"), ask: part("ask"), live: part("live"), newest: part("newest"), pause: part("pause") };
    const box = root.querySelector(".list");
    if (ofOne) {
      root.classList.add("of-one");
      this.#parts.ask.hidden = true;
    }
    const detailHost = detail ?? part("detail");
    if (detail) part("detail").remove();
    this.#detail = new EventDetail(detailHost, store);
    this.#list = new VirtualList(box, { name: "Events", row: eventRow, keyOf: (event) => event.seq, label });
    this.#list.follow(true);
    this.#list.addEventListener("select", ({ detail: event }) => {
      if (event !== this.#rows.at(-1)) this.#follow(false);
      this.#detail.show(event);
    });
    this.#list.addEventListener("scrolled", ({ detail: { atEnd } }) => this.#follow(atEnd));
    this.#form.addEventListener("input", () => this.#soonRefilter());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#parts.pause.addEventListener("click", () => this.pause());
    this.#parts.newest.addEventListener("click", () => this.#follow(true));
    this.#parts.ask.addEventListener("click", () => this.#ask());
    this.#parts.live.addEventListener("click", () => this.#live());
    store.addEventListener("added", ({ detail: events }) => this.#onAdded(events));
    store.addEventListener("dropped", ({ detail: seq }) => this.#onDropped(seq));
    store.addEventListener("changed", () => this.#list.refresh());
    store.addEventListener("cleared", () => this.#refilter());
    host.replaceChildren(root);
    this.#refilter();
  }

  get search() {
    return this.#form.elements.namedItem("text");
  }

  /** Stops, or goes on. What comes meanwhile is kept, as far as there is room. */
  pause() {
    this.paused = !this.paused;
    this.#parts.pause.setAttribute("aria-pressed", String(this.paused));
    setText(this.#parts.pause, this.paused ? "Go on" : "Pause");
    if (this.paused) {
      this.#waiting = 0;
    } else {
      this.#refilter();
    }
    this.note();
    say(this.paused ? "Paused." : "Going on.");
  }

  /** Shows only this connection, or with an empty id all. */
  only({ connection = "", handled = "" }) {
    this.#form.elements.namedItem("connection").value = connection;
    this.#form.elements.namedItem("handled").value = handled;
    this.#refilter();
  }

  /** Says below the list what it shows and what it does not. */
  note() {
    const { note, newest } = this.#parts;
    newest.hidden = this.#list.following || this.#found !== null;
    if (this.#found) {
      const { events, more, evicted, undecided, at } = this.#found;
      setText(note, [
        `Server's journal at ${at}: ${events.length ? `the newest ${words.several(events.length, "event")} that fit` : "nothing that fits"}${more ? ", and there are more" : ""}`,
        evicted ? `the journal has let go ${words.several(evicted, "older event")}` : null,
        undecided ? `${words.several(undecided, "long message")} could not be searched` : null,
      ].filter(Boolean).join("; "));
      return;
    }
    const { events, missing, dropped } = this.#store;
    setText(note, [
      this.paused ? `Paused; ${words.several(this.#waiting, "event")} since` : null,
      this.#isFiltering() ? `${words.count(this.#rows.length)} of ${words.several(events.length, "event")} fit` : words.several(events.length, "event"),
      missing ? `${words.count(missing)} came too fast to be sent here` : null,
      dropped ? `${words.count(dropped)} older left out (the page keeps ${words.count(MOST_EVENTS)})` : null,
      this.evicted ? `the server's journal has let go ${words.count(this.evicted)}` : null,
    ].filter(Boolean).join("; "));
  }

  #follow(on) {
    if (this.#list.following !== on) this.#list.follow(on);
    this.note();
  }

  #soon;
  #soonRefilter() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#refilter(), 120);
  }

  #isFiltering() {
    return Object.values(this.#filter).some((value) => value !== "");
  }

  #refilter() {
    const data = new FormData(this.#form);
    this.#filter = Object.fromEntries(data);
    this.#filter.text = this.#filter.text.toLowerCase();
    this.#found = null;
    this.#rows = [];
    this.#waiting = 0;
    this.#parts.live.hidden = true;
    this.#take(this.#store.events);
    this.#list.emptyText = this.#store.events.length ? "Nothing here fits the filter." : "Nothing has happened yet. Connect a client, and its messages are here.";
    this.#list.show(this.#rows);
    this.note();
  }

  #take(events) {
    for (const event of events) {
      const last = this.#rows.at(-1);
      if (event.kind === "gap" && last?.kind === "gap" && last.lost === event.lost) {
        this.#rows[this.#rows.length - 1] = { ...last, count: last.count + event.count };
      } else if (fits(event, this.#filter)) {
        this.#rows.push(event);
      }
    }
  }

  #onAdded(events) {
    if (this.paused) {
      this.#waiting += events.reduce((sum, event) => sum + (event.kind === "gap" ? event.count : 1), 0);
      return;
    }
    this.#take(events);
    if (!this.#found) this.#list.show(this.#rows);
  }

  #onDropped(seq) {
    if (this.paused) return;
    const gone = this.#rows.findIndex((row) => row.seq >= seq);
    const count = gone < 0 ? this.#rows.length : gone;
    if (!count) return;
    this.#rows.splice(0, count);
    if (!this.#found) this.#list.show(this.#rows, count);
  }

  async #ask() {
    const { text, show, direction, origin, handled, path, connection } = this.#filter;
    const filter = { kind: KINDS[show] };
    // A pattern is a regex: what was typed is meant as it stands.
    if (text) filter.pattern = `(?i)${text.replace(/[.*+?^${}()|[\]\\#&\-~]/g, "\\$&")}`;
    if (text || direction || origin || handled) filter.kind = ["message"];
    Object.assign(filter, Object.fromEntries(Object.entries({ direction, origin, handled }).filter(([, value]) => value)));
    // These two are wholes there and parts here: what is no whole is compared here.
    if (path.startsWith("/")) filter.path = path;
    if (connection.length >= 32) filter.connection = connection;
    this.#parts.ask.disabled = true;
    try {
      const found = await find(filter, MOST_FOUND, "desc");
      const events = found.events.toReversed().filter((event) => fits(event, { ...this.#filter, text: "" }));
      this.#found = { ...found, events, at: words.timeOfDay(Date.now()) };
      this.#parts.live.hidden = false;
      this.#list.emptyText = "Nothing in the server's journal fits.";
      this.#list.follow(true);
      this.#list.show(events);
      this.note();
      say(`${words.several(events.length, "event")} found in the server's journal.`);
    } catch (problem) {
      say(`The journal cannot be searched: ${problem.message}`, "bad");
    } finally {
      this.#parts.ask.disabled = false;
    }
  }

  #live() {
    this.#refilter();
    this.#follow(true);
  }
}

const KINDS = { "": ALL_KINDS, message: ["message"], other: ALL_KINDS.filter((kind) => kind !== "message") };

function fits(event, filter) {
  const { text, show, direction, origin, handled, path, connection } = filter;
  if (event.kind === "gap") return show !== "other";
  if (show && (show === "message") !== (event.kind === "message")) return false;
  if (direction && event.direction !== direction) return false;
  if (origin && event.origin !== origin) return false;
  if (handled && event.handled !== handled) return false;
  if (path && !event.path?.includes(path)) return false;
  if (connection && !event.connection?.startsWith(connection)) return false;
  return !text || searched(event).includes(text);
}

/** What a search in the page looks at. */
function searched(event) {
  if (event.kind === "message" && event.type === "text") return event.text.toLowerCase();
  return `${words.inWords(event).what} ${event.text ?? ""}`.toLowerCase();
}

/** The cells of a row, and how they are filled. */
function eventRow(element) {
  const names = ["time", "sign", "who", "what", "path", "id", "handled", "size"];
  const cells = Object.fromEntries(names.map((name) => [name, el(name === "what" || name === "path" ? "bdi" : "span", { class: `cell-${name}` })]));
  element.append(...Object.values(cells));
  return (event) => {
    const { sign, who, what, tone } = words.inWords(event);
    const [handled, handledTone] = words.handled(event);
    element.dataset.kind = event.kind;
    element.dataset.tone = tone;
    setText(cells.time, event.at ? words.timeOfDay(event.at) : "");
    setText(cells.sign, sign);
    setText(cells.who, who);
    setText(cells.what, what);
    setText(cells.path, event.path ? words.oneLine(event.path) : "");
    setText(cells.id, event.connection ? words.shortId(event.connection) : "");
    setText(cells.handled, event.kind === "unmatched" ? "" : handled);
    cells.handled.dataset.tone = handledTone;
    setText(cells.size, event.kind === "message" ? words.bytes(event.size) : "");
  };
}

function label(event) {
  const { who, what } = words.inWords(event);
  if (event.kind === "gap") return what;
  const way = event.kind === "message" ? (event.direction === "inbound" ? "from client" : `to client, by ${who}`) : who;
  const [handled] = words.handled(event);
  return [way, what, handled && event.kind === "message" ? handled : "", event.path ? `path ${words.oneLine(event.path)}` : "", words.timeOfDay(event.at)].filter(Boolean).join(", ");
}
