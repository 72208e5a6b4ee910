// The open connections, and one of them: its facts, its messages, and what can be done to it.

import { access, act, find, journal, read, testLookedAt } from "./api.js";
import { composer } from "./composer.js";
import { byId, el, facts, foreign, say, setText } from "./dom.js";
import { FollowUp } from "./follow_up.js";
import { polling } from "./polling.js";
import { Side } from "./side.js";
import { Store } from "./store.js";
import { ALL_KINDS } from "./stream.js";
import { Timeline } from "./timeline.js";
import { VirtualList } from "./virtual_list.js";
import * as words from "./words.js";

const MOST_LISTED = 1_000;
const FAULTS = [
  ["reset", "Reset", "A TCP reset ends it"],
  ["half_open", "Go silent", "It stays open, and the server neither reads nor answers"],
];

export class Connections {
  #all = [];
  #total = 0;
  #problem = "";
  #list;
  #filter = byId("connections-filter");
  #polling = null;
  #one = null;
  #side = new Side(byId("connection-pane"), () => {
    location.hash = "connections";
    this.#list.focus();
  });

  constructor() {
    this.#list = new VirtualList(byId("connections-list"), { name: "Connections", row: connectionRow, keyOf: (it) => it.id, label });
    this.#list.addEventListener("select", ({ detail }) => (location.hash = `connections/${encodeURIComponent(detail.id)}`));
    this.#filter.addEventListener("input", () => this.#show());
    byId("connections-say").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sayToAll(event.target.elements.namedItem("text").value);
    });
    access.addEventListener("changed", () => this.#polling && this.#ask().catch(() => {}));
    this.#select("");
  }

  /** The view is shown, with this connection, or without one. */
  open(id) {
    this.#polling ??= polling(2_000, () => this.#ask());
    if (id !== (this.#one?.id ?? "")) this.#select(id);
    this.#one?.open();
    if (this.#all.length) this.#tellOne();
  }

  close() {
    this.#polling?.stop();
    this.#polling = null;
    this.#one?.close();
  }

  pause() {
    this.#one?.timeline.pause();
  }

  #select(id) {
    this.#one?.close();
    this.#list.mark(id || null);
    if (id) {
      this.#one = new One(byId("connection"), id);
      this.#side.open();
    } else {
      this.#one = null;
      this.#side.close();
      byId("connection").replaceChildren();
    }
  }

  async #ask() {
    try {
      const { connections, total } = await read("connections", { limit: MOST_LISTED }, testLookedAt());
      this.#all = connections;
      this.#total = total;
      this.#problem = "";
    } catch (problem) {
      this.#problem = problem.message;
    }
    this.#show();
    if (!this.#problem) await this.#tellOne();
  }

  /** The one that is looked at stands in the list, unless that is cut: only then it is asked for alone. */
  async #tellOne() {
    const one = this.#one;
    if (!one) return;
    const listed = this.#all.find((it) => it.id === one.id);
    if (listed || this.#total <= this.#all.length) return one.take(listed ?? null);
    try {
      one.take(await read(`connections/${encodeURIComponent(one.id)}`));
    } catch (problem) {
      if (problem.status === 404) one.take(null);
    }
  }

  #show() {
    const text = this.#filter.value.trim().toLowerCase();
    const fits = (it) => [it.path, it.id, it.peer, it.test, it.subprotocol, ...it.rooms].some((part) => part?.toLowerCase().includes(text));
    const shown = text ? this.#all.filter(fits) : this.#all;
    this.#list.emptyText = this.#problem || (this.#all.length ? "No connection fits the filter." : "No client is connected.");
    this.#list.show(shown);
    const of = this.#total > this.#all.length ? `the first ${words.count(this.#all.length)} of ${words.count(this.#total)}` : words.count(this.#total);
    setText(byId("connections-count"), this.#problem ? "" : text ? `${words.count(shown.length)} of ${of}` : of);
  }

  async #sayToAll(text) {
    const groups = Map.groupBy(this.#list.items, (it) => it.test ?? "");
    const sum = { sent: 0, full: 0, closed: 0 };
    try {
      for (const [test, members] of groups) {
        const body = JSON.stringify({ filter: { ids: members.map((it) => it.id) }, message: { text } });
        const done = await act("POST", "connections/send", { body, of: test });
        for (const name of Object.keys(sum)) sum[name] += done[name];
      }
      say(sentInWords(sum));
    } catch (problem) {
      say(`Not sent to all: ${problem.message}`, "bad");
    }
  }
}

/** What became of a message to several. */
export function sentInWords({ sent, full, closed }) {
  const parts = [`Queued for ${words.several(sent, "connection")}`];
  if (full) parts.push(`${words.count(full)} read too slowly to take it`);
  if (closed) parts.push(`${words.count(closed)} had closed`);
  return `${parts.join("; ")}.`;
}

/** One connection, open or not. */
class One {
  #facts = el("dl", { class: "facts" });
  #actions;
  /** What works only while the server reads and answers. */
  #talking;
  #polling = null;
  #store = new Store();
  #followUp;
  #seen = null;
  #known = null;
  #ended = false;

  constructor(host, id) {
    this.id = id;
    this.#followUp = new FollowUp(this.#store, { connection: id });
    const messages = el("div", { class: "of-connection" });
    const detail = el("div", { class: "event-of-connection", role: "region", "aria-label": "The selected event" });
    this.#talking = el("fieldset", { class: "talking" }, this.#sendForm(), this.#closeForm());
    this.#actions = el("fieldset", { class: "actions", "aria-label": "What to do to it" }, this.#talking, this.#faults());
    host.replaceChildren(el("h3", {}, "Connection ", foreign(words.shortId(id))), this.#facts, this.#actions, messages, detail);
    host.parentElement.scrollTop = 0;
    this.timeline = new Timeline(messages, this.#store, { detail });
  }

  open() {
    this.#polling ??= polling(1_000, () => this.#ask());
  }

  close() {
    this.#polling?.stop();
    this.#polling = null;
  }

  async #ask() {
    if (journal.isOff) return this.timeline.refresh();
    const filter = { connection: this.id, kind: ALL_KINDS };
    const events = this.#seen === null
      ? (await find(filter, 200, "desc")).events.toReversed()
      : (await find({ ...filter, since: this.#seen }, 500, "asc")).events;
    this.#seen = events.at(-1)?.seq ?? this.#seen ?? 0;
    this.#store.add(events);
    await this.#followUp.ask();
    this.timeline.note();
    if (events.some((event) => event.kind === "end")) this.take(null);
    else if (events.length) this.#draw();
  }

  /** What is known of it now; nothing, if it is no longer open. */
  take(known) {
    // An answer that was on its way when it ended does not open it again.
    if (this.#ended) return;
    this.#known = known ?? this.#known;
    this.#ended = known === null;
    this.#draw();
  }

  get #isSilent() {
    return this.#known?.state === "half_open" || this.#store.events.some((event) => event.kind === "fault" && event.name === "half_open");
  }

  /** What passed in one direction: as the server said last, and what the journal knows of since then. */
  #passed(known, direction) {
    const since = this.#store.events.filter((event) => event.kind === "message" && event.direction === direction && event.number > known.frames);
    const frames = Math.max(known.frames, ...since.map((event) => event.number));
    const size = since.reduce((sum, event) => sum + event.size, known.bytes);
    return `${words.several(frames, "message")}, ${words.bytes(size)}`;
  }

  #draw() {
    const it = this.#known;
    const isSilent = this.#isSilent;
    const isClosing = it?.state === "closing";
    const end = ["State", this.#ended ? "ended" : isSilent ? "silent: the server neither reads nor answers" : isClosing ? "closing" : "open"];
    this.#actions.disabled = this.#ended;
    this.#talking.disabled = isSilent || isClosing;
    for (const button of this.#actions.querySelectorAll("[data-fault]")) button.disabled = isSilent || isClosing;
    if (!it) {
      this.#facts.replaceChildren(...facts([["Id", this.id], end]));
      return;
    }
    const rooms = it.rooms.length ? it.rooms.flatMap((room, n) => [n ? ", " : "", foreign(words.oneLine(room))]) : "none";
    const all = facts([
      ["Id", it.id],
      end,
      ["Path", foreign(words.oneLine(it.path))],
      ["Test", it.test],
      ["Rules", it.managed !== false ? null : "its scope was chosen by a program: uploads do not reach it"],
      ["Client", it.peer],
      ["Subprotocol", it.subprotocol],
      ["Opened", words.timeOfDay(it.opened_at)],
      ["Received", this.#passed(it.received, "inbound")],
      ["Sent", this.#passed(it.sent, "outbound")],
    ]);
    all.push(el("div", {}, el("dt", {}, "Rooms"), el("dd", {}, rooms)));
    // Only what is another is exchanged, so that text in it can be selected.
    const now = el("dl", {}, all);
    if (now.textContent !== this.#facts.textContent) this.#facts.replaceChildren(...now.childNodes);
  }

  async #do(what, done, path, method = "POST", body = undefined) {
    try {
      await act(method, `connections/${encodeURIComponent(this.id)}${path}`, { body });
      say(done);
    } catch (problem) {
      say(`${what} failed: ${problem.message}`, "bad");
    }
  }

  #sendForm() {
    return composer((body) => this.#do("Sending", "Queued for this client.", "/send", "POST", body));
  }

  #closeForm() {
    const code = el("input", { name: "code", type: "number", min: 1000, max: 4999, value: 1000, required: true });
    const reason = el("input", { name: "reason", type: "text", maxlength: 123, autocomplete: "off" });
    const written = (more) => JSON.stringify({ ...more, code: Number(code.value), reason: reason.value });
    const atOnce = () => form.reportValidity() && this.#do("Closing", `Closed with ${code.value}.`, "/fault", "POST", written({ fault: "close" }));
    const form = el("form", { class: "inline" },
      el("label", {}, "Code ", code),
      el("label", { class: "grow" }, "Reason ", reason),
      el("button", { type: "submit", title: "Behind what waits to be sent" }, "Close"),
      el("button", { type: "button", title: "Ahead of what waits to be sent", click: atOnce }, "Close at once"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do("Closing", `Closing with ${code.value}.`, "/close", "POST", written());
    });
    return form;
  }

  #faults() {
    const buttons = FAULTS.map(([fault, name, title]) =>
      el("button", { type: "button", title, "data-fault": fault, click: () => this.#do(name, `${name}: done.`, "/fault", "POST", JSON.stringify({ fault })) }, name),
    );
    const cut = () => this.#do("Cutting it off", "Cut off.", "", "DELETE");
    buttons.push(el("button", { type: "button", title: "Its TCP connection ends without a Close frame, also while it is silent or closing", click: cut }, "Cut off"));
    return el("div", { class: "buttons", role: "group", "aria-label": "Break it" }, el("span", { class: "note" }, "Break it:"), ...buttons);
  }
}

function connectionRow(element) {
  const names = ["id", "path", "test", "peer", "in", "out", "rooms"];
  const cells = Object.fromEntries(names.map((name) => [name, el("bdi", { class: `cell-${name}` })]));
  element.append(...Object.values(cells));
  return (it) => {
    setText(cells.id, words.shortId(it.id));
    setText(cells.path, words.oneLine(it.path) + stateInWords(it));
    setText(cells.test, it.test ?? "");
    setText(cells.peer, it.peer ?? "");
    setText(cells.in, `→ ${words.count(it.received.frames)}`);
    setText(cells.out, `← ${words.count(it.sent.frames)}`);
    setText(cells.rooms, it.rooms.map((room) => words.oneLine(room)).join(", "));
  };
}

const stateInWords = (it) => ({ closing: " (closing)", half_open: " (silent)" })[it.state] ?? "";

function label(it) {
  const parts = [words.oneLine(it.path) + stateInWords(it), it.test ? `test ${it.test}` : "", `id ${words.shortId(it.id)}`, `${words.count(it.received.frames)} received`, `${words.count(it.sent.frames)} sent`];
  return parts.filter(Boolean).join(", ");
}
