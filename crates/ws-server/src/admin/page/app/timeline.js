// Events as they come: filter, follow, pause, and the one that is chosen beside them. It reads a store, and keeps a
// list of what fits; it never asks the server on its own account.

import { journal, testLookedAt } from "./api.js";
import { el, fromTemplate, say, setText } from "./dom.js";
import { EventDetail } from "./event_detail.js";
import { EventFilter } from "./filter.js";
import { Side } from "./side.js";
import { MOST_EVENTS } from "./store.js";
import { VirtualList } from "./virtual_list.js";
import * as words from "./words.js";

export class Timeline {
  paused = false;
  /** What the server's journal has let go, in all: told by who hears it. */
  evicted = 0;
  #store;
  #gaps;
  #root = fromTemplate("timeline-template");
  #list;
  #detail;
  #side = null;
  #form = this.#root.querySelector("form");
  #parts;
  #rows = [];
  #filter;
  #waiting = 0;
  #found = null;

  /**
   * `gaps` fetches what was not sent here. With a `detail`, the event that is chosen is shown there, and the events are
   * those of one connection, which needs no columns and filters for it.
   */
  constructor(host, store, { gaps = null, detail = null } = {}) {
    const part = (role) => this.#root.querySelector(`[data-role="${role}"]`);
    this.#store = store;
    this.#gaps = gaps;
    this.#parts = { note: part("note"), ask: part("ask"), live: part("live"), newest: part("newest"), pause: part("pause"), filters: part("filters") };
    if (detail) {
      this.#root.classList.add("of-one");
      this.#parts.ask.hidden = true;
      part("detail").remove();
    } else {
      this.#side = new Side(part("detail"), () => this.#unselect());
    }
    this.#detail = new EventDetail(detail ?? part("detail-content"), store);
    this.#list = new VirtualList(this.#root.querySelector(".list"), { name: "Events", row: eventRow, keyOf: (event) => event.seq, label });
    this.#list.follow(true);
    this.#list.addEventListener("select", ({ detail: event }) => this.#select(event));
    this.#list.addEventListener("activate", ({ detail: event }) => event.kind === "gap" && this.#fill(event));
    this.#list.addEventListener("scrolled", ({ detail: { atEnd } }) => this.#follow(atEnd));
    this.#form.addEventListener("input", () => this.#soonRefilter());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#parts.filters.addEventListener("click", () => this.#unfold());
    this.#parts.pause.addEventListener("click", () => this.pause());
    this.#parts.newest.addEventListener("click", () => this.#follow(true));
    this.#parts.ask.addEventListener("click", () => this.#ask());
    this.#parts.live.addEventListener("click", () => this.#live());
    store.addEventListener("added", ({ detail: events }) => this.#onAdded(events));
    store.addEventListener("filled", () => this.#onFilled());
    store.addEventListener("dropped", ({ detail: seq }) => this.#onDropped(seq));
    store.addEventListener("changed", ({ detail: event }) => this.#onChanged(event));
    store.addEventListener("cleared", () => this.#onCleared());
    host.replaceChildren(this.#root);
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

  /** It may be known only now whether there is a journal. */
  refresh() {
    if (!this.#found) this.#refilter();
  }

  /** Says below the list what it shows and what it does not. */
  note() {
    const { note, newest } = this.#parts;
    newest.hidden = this.#list.following || this.#found !== null;
    if (this.#found) {
      const { events, more, evicted, undecided, at } = this.#found;
      const back = more && events.length ? `, back to ${words.timeOfDay(events[0].at)}; there may be older ones` : "";
      setText(note, [
        `Server's journal at ${at}: ${events.length ? `the newest ${words.several(events.length, "event")} that fit` : "nothing that fits"}${back}`,
        evicted ? `the journal has let go ${words.several(evicted, "older event")}` : null,
        undecided ? `${words.several(undecided, "long message")} could not be searched` : null,
      ].filter(Boolean).join("; "));
      return;
    }
    const { kept, missing, dropped } = this.#store;
    if (journal.isOff) return setText(note, "The server keeps no journal.");
    setText(note, [
      this.paused ? `Paused; ${words.several(this.#waiting, "event")} since` : null,
      !this.#filter.isEmpty ? `${words.count(this.#rows.length)} of ${words.several(kept, "event")} fit` : words.several(kept, "event"),
      missing ? `${words.count(missing)} came too fast to be sent here: rows in the list load them` : null,
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

  #unfold() {
    const open = this.#parts.filters.getAttribute("aria-expanded") !== "true";
    this.#parts.filters.setAttribute("aria-expanded", String(open));
  }

  #select(event) {
    if (event !== this.#list.items.at(-1)) this.#follow(false);
    // A gap has nothing to be read: it is loaded, if somebody wants it.
    if (event.kind === "gap") return;
    this.#side?.open();
    this.#detail.show(event);
  }

  #unselect() {
    this.#list.mark(null);
    this.#list.focus();
  }

  #refilter() {
    this.#filter = new EventFilter(Object.fromEntries(new FormData(this.#form)));
    this.#found = null;
    this.#waiting = 0;
    this.#parts.live.hidden = true;
    this.#retake();
    this.#list.show(this.#rows);
    this.note();
  }

  /** The rows anew, of all that is in the store. */
  #retake() {
    this.#rows = [];
    this.#take(this.#store.events);
    this.#list.emptyText = journal.isOff
      ? "This server keeps no journal (websocket.journal.enabled is false): messages are not kept, and not shown."
      : this.#store.events.length ? "Nothing here fits the filter." : "Nothing has happened yet. Connect a client, and its messages are here.";
    const isOfSeveral = testLookedAt() === "*" && this.#store.events.some((event) => event.test);
    this.#root.classList.toggle("with-tests", isOfSeveral);
    this.#parts.ask.disabled = journal.isOff;
  }

  #take(events) {
    for (const event of events) {
      const last = this.#rows.at(-1);
      if (event.kind === "gap" && last?.kind === "gap" && last.lost === event.lost && last.gone === event.gone) {
        // What was between them does not fit.
        this.#rows[this.#rows.length - 1] = { ...last, count: last.count + event.count, parts: [...partsOf(last), event] };
      } else if (this.#filter.fits(event)) {
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
    if (testLookedAt() === "*" && events.some((event) => event.test)) this.#root.classList.add("with-tests");
    if (!this.#found) this.#list.show(this.#rows);
    this.note();
  }

  #onFilled() {
    if (this.paused) return;
    this.#retake();
    if (!this.#found) this.#list.exchange(this.#rows);
    this.note();
  }

  /** A row that says more now; or one less, where what it said is in another row. */
  #onChanged(event) {
    const told = event.miss && !this.paused ? this.#rows.findLastIndex((row) => row === event.miss) : -1;
    if (told >= 0 && !this.#filter.fits(event.miss)) this.#rows.splice(told, 1);
    this.#list.refresh();
  }

  #onCleared() {
    this.#side?.close();
    this.#list.mark(null);
    this.#detail.clear();
    this.#refilter();
    // Another journal is read from its newest event.
    this.#follow(true);
  }

  async #fill(row) {
    try {
      for (const gap of partsOf(row)) {
        if (gap.gone) continue;
        const came = (await this.#gaps?.fill(gap)) ?? 0;
        say(came ? `${words.several(came, "event")} loaded.` : "There is nothing more to load, or no room for it here.");
        // A long one is loaded piece by piece.
        if (came < gap.count) break;
      }
    } catch (problem) {
      say(`Not loaded: ${problem.message}`, "bad");
    }
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
    this.#parts.ask.disabled = true;
    try {
      const found = await this.#filter.search();
      this.#found = { ...found, at: words.timeOfDay(Date.now()) };
      this.#parts.live.hidden = false;
      this.#list.emptyText = "Nothing in the server's journal fits.";
      this.#list.follow(true);
      this.#list.show(this.#found.events);
      this.note();
      say(`${words.several(found.events.length, "event")} found in the server's journal.`);
    } catch (problem) {
      say(`The journal cannot be searched: ${problem.message}`, "bad");
    } finally {
      this.#parts.ask.disabled = journal.isOff;
    }
  }

  #live() {
    this.#refilter();
    this.#follow(true);
    say("");
  }
}

/** The gaps that a row stands for. */
const partsOf = (row) => row.parts ?? [row];

/** The cells of a row, and how they are filled. */
function eventRow(element) {
  const names = ["time", "sign", "who", "test", "path", "id", "handled", "size"];
  const cells = Object.fromEntries(names.map((name) => [name, el(name === "path" ? "bdi" : "span", { class: `cell-${name}` })]));
  const hour = el("span", { class: "hour" });
  const time = el("span");
  cells.time.append(hour, time);
  const what = el("bdi", { class: "said" });
  const why = el("bdi", { class: "why" });
  const cell = el("span", { class: "cell-what" }, what, why);
  element.append(cells.time, cells.sign, cells.who, cell, cells.test, cells.path, cells.id, cells.handled, cells.size);
  return (event) => {
    const said = words.inWords(event);
    const [handled, handledTone] = words.handled(event);
    const at = event.at && event.kind !== "gap" ? words.timeOfDay(event.at) : "";
    element.dataset.kind = event.kind;
    element.dataset.tone = said.tone;
    setText(hour, at.slice(0, 3));
    setText(time, at.slice(3));
    setText(cells.sign, said.sign);
    setText(cells.who, said.who);
    setText(what, said.what);
    setText(why, whyOf(event));
    setText(cells.test, event.test ?? "");
    setText(cells.path, event.path ? words.oneLine(event.path) : "");
    setText(cells.id, event.connection ? words.shortId(event.connection) : "");
    setText(cells.handled, event.kind === "unmatched" ? "" : handled);
    cells.handled.dataset.tone = handledTone;
    setText(cells.size, event.kind === "message" ? words.bytes(event.size) : "");
  };
}

/** Why nobody took a message, if that is known. */
const whyOf = (event) => (event.kind === "message" && event.miss ? words.inWords(event.miss).what : "");

function label(event) {
  const { who, what } = words.inWords(event);
  if (event.kind === "gap") return `${what}${event.gone ? "" : ": press Enter to load"}`;
  const way = event.kind === "message" ? (event.direction === "inbound" ? "from client" : `to client, by ${who}`) : who;
  const [handled] = words.handled(event);
  const parts = [way, what, event.kind === "message" ? handled : "", whyOf(event), event.test ? `test ${event.test}` : ""];
  return [...parts, event.path ? `path ${words.oneLine(event.path)}` : "", words.timeOfDay(event.at)].filter(Boolean).join(", ");
}
