// Keeps the page connected to `./events`: reads, notices silence, comes back where it was. It keeps no events.

import { find, journal, openStream } from "./api.js";
import { Pulse } from "./pulse.js";

/** The server speaks each second: after this long without a word, something between us is dead. */
const SILENCE = 6_000;
const WAITS = [500, 1_000, 2_000, 4_000, 8_000];
/** How many events are read from the journal at first. */
const BEFORE = 500;
/** How often numbers are asked for where no stream tells them. */
const PULSE = 1_000;

export const ALL_KINDS = ["open", "refused", "message", "unmatched", "play", "fault", "error", "skipped", "end", "reload"];

/**
 * Tells `batch` ({events, since, skipped, lost}: what came behind the event `since`, of which some are skipped), `stats`,
 * `restarted` when the server forgot what we knew, and `state` when `state`, `reason` or the counts are others.
 */
export class Stream extends EventTarget {
  /** connecting, live, off (the server keeps no journal, and has no stream), refused, or lost. */
  state = "connecting";
  reason = "";
  reconnects = 0;
  skipped = 0;
  retryAt = 0;
  #lastSeq = null;
  #abort = new AbortController();
  #wake = () => {};

  /** Begins, and goes on for as long as the page is open. */
  async run() {
    for (let failures = 0; ; ) {
      const abort = (this.#abort = new AbortController());
      let problem = null;
      try {
        await this.#listen(abort, () => (failures = 0));
        this.reason = "the server ended the stream";
      } catch (error) {
        problem = error;
        this.reason = abort.silent ? `nothing was heard for ${SILENCE / 1000} s` : error.message;
      }
      if (abort.restart) continue;
      const isRefused = problem?.status === 401 || problem?.status === 403;
      const wait = WAITS[Math.min(failures, WAITS.length - 1)];
      failures += 1;
      this.retryAt = Date.now() + wait;
      this.#become(isRefused ? "refused" : "lost");
      await this.#rest(wait);
      this.reconnects += 1;
    }
  }

  /** Until it fails, or is aborted. */
  async #listen(abort, onNews) {
    journal.isOff = false;
    try {
      await this.#catchUp();
      await this.#read(abort, onNews);
    } catch (error) {
      if (error.status !== 501 || abort.restart) throw error;
      onNews();
      await this.#withoutJournal(abort);
    }
  }

  /** There is no stream, and asking again would not bring one: only numbers are asked for, until the server is gone. */
  async #withoutJournal(abort) {
    journal.isOff = true;
    this.#become("off");
    const pulse = new Pulse();
    while (!abort.restart) {
      if (!document.hidden) this.#tell("stats", await pulse.now());
      await this.#rest(PULSE);
    }
  }

  /** Waits so long, or until it begins from nothing. */
  #rest(milliseconds) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  /** Begins from nothing: another test is looked at, or there is another token. */
  restart() {
    this.#lastSeq = null;
    this.#abort.restart = true;
    this.#abort.abort();
    this.#become("connecting");
    this.#wake();
    this.dispatchEvent(new Event("restarted"));
  }

  /** Where the stream is to begin: behind what the journal has, or what we have. */
  async #catchUp() {
    const abort = this.#abort;
    const first = this.#lastSeq === null;
    const found = await find({ kind: ALL_KINDS }, first ? BEFORE : 1, "desc");
    if (abort.restart) throw new Error("restarted");
    if (first || found.last_seq < this.#lastSeq) {
      if (!first) {
        this.dispatchEvent(new Event("restarted"));
        return this.#begin(await find({ kind: ALL_KINDS }, BEFORE, "desc"));
      }
      this.#begin(found);
    }
  }

  #begin(found) {
    this.#lastSeq = found.last_seq;
    this.#tell("batch", { events: found.events.toReversed(), since: 0, skipped: 0, lost: false });
  }

  async #read(abort, onNews) {
    let heard = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - heard > SILENCE) {
        abort.silent = true;
        abort.abort();
      }
    }, 1_000);
    // The first batch after an interruption says how much was missed in it.
    let back = this.reconnects > 0;
    try {
      const body = await openStream(this.#lastSeq, abort.signal);
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new Parser((event, data) => {
        if (event === "journal") {
          const since = this.#lastSeq;
          this.#lastSeq = Math.max(this.#lastSeq, data.last_seq);
          this.skipped += data.skipped;
          this.#tell("batch", { events: data.events, since, skipped: data.skipped, lost: back });
          back = false;
        } else if (event === "stats") {
          back = false;
          this.#tell("stats", data);
        }
      });
      this.#become("live");
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        heard = Date.now();
        onNews();
        parser.take(value);
      }
    } finally {
      clearInterval(watch);
      // Whatever went wrong: nobody reads it any more.
      abort.abort();
    }
  }

  #become(state) {
    this.state = state;
    if (state === "live" || state === "off") this.reason = "";
    this.dispatchEvent(new Event("state"));
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Takes text/event-stream apart; `onEvent` is called with an event's name and its JSON. */
export class Parser {
  #rest = "";
  #name = "";
  #data = [];
  #onEvent;

  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  #line(line) {
    if (line === "") {
      if (this.#data.length) this.#onEvent(this.#name || "message", JSON.parse(this.#data.join("\n")));
      this.#name = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
  }
}
