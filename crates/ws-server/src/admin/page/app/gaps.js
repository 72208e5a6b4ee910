// Fetches events that were not sent to the page: where somebody asks for a gap, and small ones when it is quiet.

import { find, journal } from "./api.js";

/** How many events one request brings. */
const MOST_AT_ONCE = 500;
/** How long nothing may have been left out before gaps are filled unasked, in milliseconds. */
const QUIET = 1_000;
/** How many events may come unasked after each burst. */
const MOST_UNASKED = 1_000;

export class Gaps {
  #store;
  #kinds;
  #newest = 0;
  #unasked = 0;
  #isBusy = false;

  /** `kinds`: what the store keeps. */
  constructor(store, kinds) {
    this.#store = store;
    this.#kinds = kinds;
    store.addEventListener("added", ({ detail: events }) => {
      if (!events.some((event) => event.kind === "gap")) return;
      this.#newest = Date.now();
      this.#unasked = 0;
    });
  }

  /** Fills the newest gap if it is small and nothing was left out for a while. Asked again and again, it fills all such. */
  async fillIfQuiet() {
    if (this.#isBusy || journal.isOff || Date.now() - this.#newest < QUIET) return;
    const gap = this.#store.events.findLast((event) => event.kind === "gap" && !event.gone);
    if (!gap || this.#unasked + gap.count > MOST_UNASKED || this.#store.roomAt(gap) < gap.count) return;
    this.#unasked += await this.fill(gap);
  }

  /** Fills a gap, or its beginning, if it is a long one. Resolves to how many events came. */
  async fill(gap) {
    const room = Math.min(MOST_AT_ONCE, this.#store.roomAt(gap));
    if (room === 0 || this.#isBusy) return 0;
    this.#isBusy = true;
    try {
      const { events, more } = await find({ kind: this.#kinds, since: gap.after }, room, "asc");
      const inside = events.filter((event) => event.seq < gap.before);
      const isWhole = !more || inside.length < events.length;
      this.#store.fill(gap, inside, Math.max(isWhole ? 0 : 1, gap.count - inside.length), isWhole);
      return inside.length;
    } finally {
      this.#isBusy = false;
    }
  }
}
