// What clients said and nobody took, the newest first, with what came nearest.

import { access, journal, read, testLookedAt } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { EventDetail } from "./event_detail.js";
import { Side } from "./side.js";
import { VirtualList } from "./virtual_list.js";
import * as words from "./words.js";

const MOST = 200;

export class UnmatchedMessages {
  #list;
  #isOpen = false;
  #evicted = 0;
  #shown = 0;
  #newer = 0;
  #newest = 0;
  #problem = "";

  constructor(store) {
    const detail = new EventDetail(byId("unmatched-detail"), store, { hint: "Choose a message to see why nobody took it." });
    this.#list = new VirtualList(byId("unmatched-list"), { name: "Unmatched messages", row: unmatchedRow, keyOf: (event) => event.seq, label });
    const side = new Side(byId("unmatched-pane"), () => {
      this.#list.mark(null);
      this.#list.focus();
    });
    this.#list.addEventListener("select", ({ detail: event }) => {
      side.open();
      detail.show(event);
    });
    byId("unmatched-refresh").addEventListener("click", () => this.#ask());
    access.addEventListener("changed", () => this.#isOpen && this.#ask());
    store.addEventListener("added", ({ detail: events }) => this.#onAdded(events));
    store.addEventListener("cleared", () => {
      this.#newer = this.#newest = 0;
      this.#list.mark(null);
      side.close();
      this.#note();
    });
  }

  open() {
    this.#isOpen = true;
    this.#ask();
  }

  close() {
    this.#isOpen = false;
  }

  #onAdded(events) {
    // The list may have been faster than the stream.
    const count = events.filter((event) => event.kind === "unmatched" && event.seq > this.#newest).length;
    if (!count) return;
    this.#newer += count;
    // The first ones are shown at once; later, the list must not move below somebody's eyes.
    if (this.#isOpen && this.#shown === 0) this.#ask();
    this.#note();
  }

  async #ask() {
    if (journal.isOff) {
      this.#list.emptyText = "This server keeps no journal (websocket.journal.enabled is false): what nobody took is not kept.";
      return this.#list.show([]);
    }
    try {
      const { unmatched, evicted } = await read("unmatched", { limit: MOST }, testLookedAt());
      this.#evicted = evicted;
      this.#newer = 0;
      this.#shown = unmatched.length;
      this.#problem = "";
      const shown = unmatched.toSorted((a, b) => b.seq - a.seq);
      this.#newest = shown[0]?.seq ?? 0;
      this.#list.show(shown);
    } catch (problem) {
      this.#problem = problem.message;
      this.#list.show([]);
    }
    this.#list.emptyText = this.#problem || "Every message was taken, or nobody wanted to match any.";
    this.#note();
  }

  #note() {
    const badge = byId("unmatched-badge");
    badge.hidden = this.#newer === 0;
    setText(badge, this.#newer > 999 ? "999+" : this.#newer ? String(this.#newer) : "");
    const parts = [
      this.#shown >= MOST ? `the newest ${MOST}` : words.count(this.#shown),
      this.#newer ? `${words.count(this.#newer)} newer` : "",
      this.#evicted ? `the server's journal has let go ${words.count(this.#evicted)} events` : "",
    ];
    setText(byId("unmatched-count"), this.#problem ? "" : parts.filter(Boolean).join("; "));
  }
}

function unmatchedRow(element) {
  const cells = Object.fromEntries(["time", "what", "why"].map((name) => [name, el(name === "time" ? "span" : "bdi", { class: `cell-${name}` })]));
  element.append(...Object.values(cells));
  return (event) => {
    setText(cells.time, words.timeOfDay(event.at));
    setText(cells.what, words.bodyInOneLine(event));
    setText(cells.why, words.inWords(event).what);
  };
}

function label(event) {
  return `${words.bodyInOneLine(event)}, ${words.inWords(event).what}, ${words.timeOfDay(event.at)}`;
}
