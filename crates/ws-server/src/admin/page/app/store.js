// What the page keeps of the journal: the newest events, bounded in number and in bytes. It neither asks nor shows.

/** How many events are kept at most. */
export const MOST_EVENTS = 10_000;
/** How much their bodies may take, in characters. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

const weight = (event) => (event.text?.length ?? 0) + (event.base64?.length ?? 0);

/**
 * Tells `added` (with the events), `filled` when some came into a gap, `dropped` when old ones go, `cleared`, and `changed`
 * when one is another.
 */
export class Store extends EventTarget {
  /**
   * In the order of their numbers. A `gap` ({after, before, count}) stands for events between these numbers that were not
   * sent to the page. A message that nobody took has the event that says so as its `miss`, which is `told` with it then.
   */
  events = [];
  /** How many old ones were let go, to make room. */
  dropped = 0;
  /** How many gaps there are, in events. */
  missing = 0;
  #characters = 0;
  #gaps = 0;
  /** Messages of clients that no handler was done with when they came, by connection and number. */
  #open = new Map();
  #pairs = new Pairs();

  /** How many events are here. */
  get kept() {
    return this.events.length - this.#gaps;
  }

  /** Takes what came behind the event `since`, and a gap for `skipped` events before it. */
  add(events, { since = 0, skipped = 0, lost = false } = {}) {
    const added = [];
    const last = this.events.at(-1)?.seq ?? -1;
    if (skipped > 0 && events.length && events[0].seq > last) {
      const before = events[0].seq;
      added.push({ kind: "gap", seq: before - 0.5, after: since, before, at: events[0].at, count: skipped, lost });
      this.missing += skipped;
      this.#gaps += 1;
    }
    for (const event of events) {
      if (event.seq <= last) continue;
      added.push(event);
      this.#take(event);
    }
    if (!added.length) return;
    this.events.push(...added);
    this.dispatchEvent(new CustomEvent("added", { detail: added }));
    this.#makeRoom();
  }

  /** How many events may come into a gap, so that they do not go again at once. */
  roomAt(gap) {
    const at = this.events.indexOf(gap);
    return at < 0 ? 0 : Math.max(0, MOST_EVENTS - this.events.length + at);
  }

  /** Puts events into a gap. `left` are still missing behind them: `gone` if the server has them no longer. */
  fill(gap, events, left, gone = false) {
    const at = this.events.indexOf(gap);
    if (at < 0) return;
    const rest = left > 0 ? [{ ...gap, after: events.at(-1)?.seq ?? gap.after, count: left, gone }] : [];
    for (const event of events) this.#take(event);
    this.events.splice(at, 1, ...events, ...rest);
    this.missing -= gap.count - Math.max(0, left);
    this.#gaps += rest.length - 1;
    this.dispatchEvent(new Event("filled"));
    this.#makeRoom();
  }

  clear() {
    this.events = [];
    this.dropped = 0;
    this.missing = 0;
    this.#characters = 0;
    this.#gaps = 0;
    this.#open.clear();
    this.#pairs.clear();
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

  /** The messages that no handler was done with when they came, the oldest first. */
  unfinished() {
    return [...this.#open.values()];
  }

  #take(event) {
    this.#characters += weight(event);
    const whole = this.#pairs.take(event);
    if (isUnfinished(event)) {
      this.#open.set(nameOf(event), event);
      // Handlers that never answer are no reason to ask for ever.
      if (this.#open.size > 500) this.#open.delete(this.#open.keys().next().value);
    }
    if (!whole) return;
    this.#open.delete(nameOf(whole));
    this.dispatchEvent(new CustomEvent("changed", { detail: whole }));
  }

  #makeRoom() {
    let count = Math.max(0, this.events.length - MOST_EVENTS);
    let characters = this.#characters;
    for (let at = 0; at < count; at += 1) characters -= weight(this.events[at]);
    while (characters > MOST_CHARACTERS && count < this.events.length - 1) characters -= weight(this.events[count++]);
    if (!count) return;
    for (const event of this.events.splice(0, count)) {
      if (event.kind === "gap") {
        this.missing -= event.count;
        this.#gaps -= 1;
        this.dropped += event.count;
        continue;
      }
      this.#open.delete(nameOf(event));
      this.#pairs.drop(event);
      this.dropped += 1;
    }
    this.#characters = characters;
    this.dispatchEvent(new CustomEvent("dropped", { detail: this.events[0].seq }));
  }
}

const nameOf = (event) => `${event.connection} ${event.number}`;
const isInbound = (event) => event.kind === "message" && event.direction === "inbound" && (event.type === "text" || event.type === "binary");
const isUnfinished = (event) => isInbound(event) && !event.handled;

/** Brings messages and what says that nobody took them together, whichever comes first. */
class Pairs {
  #messages = new Map();
  #misses = new Map();

  /** The message of a pair that this event makes whole. */
  take(event) {
    const name = nameOf(event);
    if (isInbound(event)) this.#messages.set(name, event);
    else if (event.kind === "unmatched") this.#misses.set(name, event);
    else return null;
    const [message, miss] = [this.#messages.get(name), this.#misses.get(name)];
    if (!message || !miss) return null;
    message.handled = "unmatched";
    message.miss = miss;
    miss.told = true;
    return message;
  }

  drop(event) {
    if (isInbound(event)) this.#messages.delete(nameOf(event));
    else if (event.kind === "unmatched") this.#misses.delete(nameOf(event));
  }

  clear() {
    this.#messages.clear();
    this.#misses.clear();
  }
}

/** Events that are kept nowhere, with their messages brought together in the same way. */
export function paired(events) {
  const pairs = new Pairs();
  for (const event of events) pairs.take(event);
  return events;
}

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
