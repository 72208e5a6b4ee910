// What the page keeps of the journal: the newest events, bounded in number and in bytes. It neither asks nor shows.

/** How many events are kept at most. */
export const MOST_EVENTS = 10_000;
/** How much their bodies may take, in characters. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

const weight = (event) => (event.text?.length ?? 0) + (event.base64?.length ?? 0);

/** Tells `added` (with the events), `dropped` when old ones go, `cleared`, and `changed` when one is another. */
export class Store extends EventTarget {
  /** In the order of their numbers. A `gap` stands for events that were not sent to the page. */
  events = [];
  /** How many old ones were let go, to make room. */
  dropped = 0;
  /** How many gaps there are, in events. */
  missing = 0;
  #characters = 0;
  /** Messages of clients that no handler was done with when they came, by connection and number. */
  #open = new Map();

  add(events, skipped, lost) {
    const added = [];
    if (skipped > 0) {
      const before = events[0]?.seq ?? (this.events.at(-1)?.seq ?? 0) + skipped + 1;
      added.push({ kind: "gap", seq: before - 0.5, at: events[0]?.at ?? null, count: skipped, lost });
      this.missing += skipped;
    }
    const last = this.events.at(-1)?.seq ?? -1;
    for (const event of events) {
      if (event.seq <= last) continue;
      added.push(event);
      this.#characters += weight(event);
      this.#follow(event);
    }
    if (!added.length) return;
    this.events.push(...added);
    this.dispatchEvent(new CustomEvent("added", { detail: added }));
    this.#makeRoom();
  }

  clear() {
    this.events = [];
    this.dropped = 0;
    this.missing = 0;
    this.#characters = 0;
    this.#open.clear();
    this.dispatchEvent(new Event("cleared"));
  }

  /** Takes over what is known now of an event that is here. */
  update(event) {
    const old = this.get(event.seq);
    if (!old) return;
    this.#characters += weight(event) - weight(old);
    Object.assign(old, event);
    if (old.handled) this.#open.delete(nameOf(old));
    this.dispatchEvent(new CustomEvent("changed", { detail: old }));
  }

  /** The event of this number. */
  get(seq) {
    const at = lowerBound(this.events, seq);
    return this.events[at]?.seq === seq ? this.events[at] : undefined;
  }

  /** Why a message was taken by nobody, if that is here. */
  missOf(connection, number) {
    return this.events.findLast((it) => it.kind === "unmatched" && it.connection === connection && it.number === number);
  }

  /** The messages that no handler was done with when they came, the oldest first. */
  unfinished() {
    return [...this.#open.values()];
  }

  #follow(event) {
    if (event.kind === "message" && event.direction === "inbound" && !event.handled && (event.type === "text" || event.type === "binary")) {
      this.#open.set(nameOf(event), event);
      // Handlers that never answer are no reason to ask for ever.
      if (this.#open.size > 500) this.#open.delete(this.#open.keys().next().value);
    } else if (event.kind === "unmatched") {
      const message = this.#open.get(nameOf(event));
      if (message) {
        message.handled = "unmatched";
        this.#open.delete(nameOf(event));
      }
    }
  }

  #makeRoom() {
    let count = Math.max(0, this.events.length - MOST_EVENTS);
    let characters = this.#characters;
    for (let at = 0; at < count; at += 1) characters -= weight(this.events[at]);
    while (characters > MOST_CHARACTERS && count < this.events.length - 1) characters -= weight(this.events[count++]);
    if (!count) return;
    for (const event of this.events.splice(0, count)) {
      if (event.kind === "gap") continue;
      this.#open.delete(nameOf(event));
      this.dropped += 1;
    }
    this.#characters = characters;
    this.dispatchEvent(new CustomEvent("dropped", { detail: this.events[0].seq }));
  }
}

const nameOf = (event) => `${event.connection} ${event.number}`;

/** The first place in `events`, which are in order, whose number is not below `seq`. */
export function lowerBound(events, seq) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
