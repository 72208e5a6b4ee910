// Looks again at messages whose handlers were still at work when they came to the page. It asks for few, a few times.

import { find } from "./api.js";

const MOST_AT_ONCE = 50;
const MOST_TIMES = 5;

export class FollowUp {
  #store;
  #filter;
  /** How often each was asked for, by its number. */
  #asked = new Map();

  /** `filter` narrows what is asked for, as far as the store itself is narrower than the journal. */
  constructor(store, filter = {}) {
    this.#store = store;
    this.#filter = filter;
  }

  async ask() {
    const all = this.#store.unfinished();
    if (!all.length) return this.#asked.clear();
    const waiting = all.filter((event) => (this.#asked.get(event.seq) ?? 0) < MOST_TIMES);
    if (!waiting.length) return;
    const filter = { ...this.#filter, since: waiting[0].seq - 1, kind: ["message"], direction: "inbound" };
    const { events, more } = await find(filter, MOST_AT_ONCE, "asc");
    for (const { seq, handled, matched_by, handled_us } of events) {
      if (handled) this.#store.update({ seq, handled, matched_by, handled_us });
    }
    const last = more ? events.at(-1).seq : Infinity;
    for (const { seq } of waiting) {
      if (seq <= last) this.#asked.set(seq, (this.#asked.get(seq) ?? 0) + 1);
    }
  }
}
