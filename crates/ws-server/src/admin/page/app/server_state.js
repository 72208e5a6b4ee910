// The server as a whole: its numbers each second, charts, the last reload, handlers and configuration.

import { access, act, journal, read, testLookedAt } from "./api.js";
import { jsonTree } from "./body_view.js";
import { Chart } from "./charts.js";
import { byId, el, facts, foreign, say, setText } from "./dom.js";
import { mistakes } from "./mocks.js";
import { MOST_EVENTS } from "./store.js";
import * as words from "./words.js";

export class ServerState {
  #throughput = new Chart(byId("throughput"), [{ name: "received", color: "--in" }, { name: "sent", color: "--out", dash: [6, 3] }], words.count);
  #latency = new Chart(byId("latency"), [{ name: "50%", color: "--in" }, { name: "90%", color: "--out", dash: [6, 3] }, { name: "99%", color: "--warn", dash: [2, 3] }], words.micros);
  #last = null;
  #isOpen = false;
  #stream;
  #store;
  #evicted = 0;
  #reloadText = "";

  constructor(stream, store) {
    this.#stream = stream;
    this.#store = store;
    stream.addEventListener("stats", ({ detail }) => this.#onStats(detail));
    stream.addEventListener("restarted", () => this.#begin());
    stream.addEventListener("state", () => this.#onState());
    stream.addEventListener("batch", ({ detail }) => detail.events.some((event) => event.kind === "reload") && this.#askReload());
    access.addEventListener("changed", () => this.#isOpen && this.open());
    access.addEventListener("changed", () => this.#tellScope());
    this.#tellScope();
    byId("handlers-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#askHandlers();
    });
    byId("reload").addEventListener("click", () => this.#reload());
    setInterval(() => this.#isOpen && this.#drawStream(), 1_000);
  }

  open() {
    this.#isOpen = true;
    setText(byId("throughput-title"), "Messages a second, of the whole server");
    setText(byId("latency-title"), `Time from receipt to answer, of ${words.scope(testLookedAt())}`);
    this.#throughput.draw();
    this.#latency.draw();
    this.#drawStream();
    this.#askReload();
    this.#askHandlers();
    this.#askConfiguration();
  }

  close() {
    this.#isOpen = false;
  }

  /** The theme is another. */
  restyle() {
    this.#throughput.restyle();
    this.#latency.restyle();
  }

  /** Traffic is counted for the whole server, times are those of the connections that are looked at. */
  #tellScope() {
    const test = testLookedAt();
    setText(byId("latency-of"), test === "*" ? "99% handled in" : `99% of ${test || "no test"} in`);
  }

  #begin() {
    this.#last = null;
    this.#throughput.clear();
    this.#latency.clear();
  }

  #onStats(stats) {
    const last = this.#last;
    this.#last = stats;
    this.#evicted = stats.evicted;
    setText(byId("number-connections"), words.count(stats.connections));
    this.#badge(stats.reload?.errors);
    const seconds = last ? (Date.parse(stats.at) - Date.parse(last.at)) / 1000 : 0;
    const since = (side, what) => (stats[side][what] - last[side][what]) / seconds;
    if (seconds > 0 && since("received", "frames") >= 0 && since("sent", "frames") >= 0) {
      const [received, sent] = [since("received", "frames"), since("sent", "frames")];
      setText(byId("number-received"), `${words.count(received)}/s`);
      setText(byId("number-sent"), `${words.count(sent)}/s`);
      setText(byId("throughput-words"), `Received ${words.count(received)} a second (${words.bytes(since("received", "bytes"))}), line. Sent ${words.count(sent)} a second (${words.bytes(since("sent", "bytes"))}), dashes.`);
      this.#throughput.add(Date.parse(stats.at) / 1000, [received, sent]);
    }
    const { p50 = null, p90 = null, p99 = null } = stats.handled_us ?? {};
    setText(byId("number-latency"), p99 === null ? "–" : words.micros(p99));
    setText(byId("latency-words"), journal.isOff ? "Only a journal knows: this server keeps none." : p99 === null
      ? "No message was handled in the last second."
      : `From a message's receipt until its handlers are done: half within ${words.micros(p50)} (line), 90% within ${words.micros(p90)} (dashes), 99% within ${words.micros(p99)} (dots).`);
    this.#latency.add(Date.parse(stats.at) / 1000, [p50, p90, p99]);
  }

  #onState() {
    this.#drawStream();
    if (!["lost", "refused"].includes(this.#stream.state)) return;
    // What was true before is no longer known.
    for (const name of ["connections", "received", "sent", "latency"]) setText(byId(`number-${name}`), "–");
  }

  #badge(errors) {
    byId("reload-badge").hidden = !errors?.length;
  }

  #drawStream() {
    if (!this.#isOpen) return;
    const { state, reason, reconnects, skipped } = this.#stream;
    byId("stream-facts").replaceChildren(...facts([
      ["Stream", state === "live" ? "live" : state === "off" ? "none: the server keeps no journal" : `${state}${reason ? `: ${reason}` : ""}`],
      ["Connected again", words.several(reconnects, "time")],
      ["Kept here", `${words.several(this.#store.kept, "event")}, of at most ${words.count(MOST_EVENTS)}`],
      ["Too fast to be sent", words.several(skipped, "event")],
      ["Older, left out", words.several(this.#store.dropped, "event")],
      ["No longer in the server's journal", words.several(this.#evicted, "event")],
    ]));
  }

  async #askReload() {
    try {
      this.#drawReload(await read("reload"));
    } catch (problem) {
      if (problem.status !== 404) byId("reload-outcome").replaceChildren(problem.message);
      else this.#drawReload(null);
    }
  }

  #drawReload(reload) {
    const text = JSON.stringify(reload);
    if (text === this.#reloadText) return;
    this.#reloadText = text;
    this.#badge(reload?.errors);
    const parts = reload?.outcome || reload?.errors?.length
      ? [el("p", {}, `The last one ${words.reloadInWords(reload)}.`)]
      : [el("p", { class: "note" }, "Nothing was reloaded since the start.")];
    if (reload?.warnings?.length) parts.push(el("p", {}, "Lost on the way:"), el("ul", { class: "mistakes" }, reload.warnings.map((it) => el("li", {}, words.manyLines(it)))));
    if (reload?.errors?.length) parts.push(el("ul", { class: "mistakes" }, reload.errors.map((it) => el("li", {}, words.manyLines(typeof it === "string" ? it : (it.detail ?? JSON.stringify(it)))))));
    byId("reload-outcome").replaceChildren(...parts);
  }

  async #reload() {
    const button = byId("reload");
    button.disabled = true;
    try {
      this.#reloadText = "";
      this.#drawReload(await act("POST", "reload"));
      say("Reloaded.");
    } catch (problem) {
      byId("reload-outcome").replaceChildren(mistakes(problem));
      this.#badge(problem.status === 422 ? [problem] : null);
      say("The reload failed.", "bad");
    } finally {
      button.disabled = false;
    }
  }

  async #askHandlers() {
    const host = byId("handlers");
    try {
      const { handlers } = await read("handlers", { path: byId("handlers-path").value.trim() });
      const names = handlers.map((it) => el("li", {}, foreign(words.oneLine(it.label))));
      host.replaceChildren(names.length ? el("ol", { class: "mistakes" }, names) : el("p", { class: "note" }, "Nobody."));
    } catch (problem) {
      host.replaceChildren(el("p", { class: "note" }, problem.message));
    }
  }

  async #askConfiguration() {
    const host = byId("config");
    try {
      host.replaceChildren(jsonTree(await read("config")));
    } catch (problem) {
      host.replaceChildren(el("p", { class: "note" }, problem.message));
    }
  }
}
