// The record button, how far a recording is, and its download.

import { access, act, download, read, testLookedAt } from "./api.js";
import { byId, facts, say, setText } from "./dom.js";
import { polling } from "./polling.js";
import * as words from "./words.js";

export class Recording {
  #known = null;
  #toggles = [byId("record"), byId("recording-toggle")];

  constructor() {
    for (const button of this.#toggles) button.addEventListener("click", () => this.#toggle());
    for (const button of document.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => this.#download(button.dataset.download));
    }
    access.addEventListener("changed", () => this.#ask());
    polling(2_000, () => this.#ask());
  }

  open() {
    this.#ask();
  }

  close() {}

  async #ask() {
    try {
      this.#take(await read("recording"));
    } catch (problem) {
      byId("recording-facts").replaceChildren(...facts([["State", problem.status === 404 ? "nothing was recorded" : problem.message]]));
    }
  }

  #take(known) {
    this.#known = known;
    const { running } = known;
    for (const button of this.#toggles) {
      setText(button, running ? "Stop recording" : "Record");
      button.setAttribute("aria-pressed", String(Boolean(running)));
    }
    const rows = facts([
      ["State", running ? "recording" : known.started_at ? "stopped" : "nothing was recorded"],
      ["Began", known.started_at && words.timeOfDay(known.started_at)],
      ["Connections", known.started_at && words.count(known.connections)],
      ["Messages", known.started_at && words.count(known.entries)],
      ["Size", known.started_at && words.bytes(known.bytes)],
      ["Whose", known.started_at && words.scope(known.test ?? "")],
      ["Left out", known.lost ? `${words.several(known.lost, "message")}: the disk or the limit did not allow more` : null],
      ["Complete", known.truncated ? "no: it was cut at its limit" : null],
    ]);
    byId("recording-facts").replaceChildren(...rows);
    for (const button of document.querySelectorAll("[data-download]")) button.disabled = !known.started_at;
  }

  async #toggle() {
    const stop = this.#known?.running;
    try {
      if (stop) await act("POST", "recording/stop");
      else await act("POST", "recording/start", { body: "{}", of: testLookedAt() });
      say(stop ? "Recording stopped." : "Recording.");
    } catch (problem) {
      say(`Recording: ${problem.message}`, "bad");
    }
    await this.#ask();
  }

  async #download(format) {
    try {
      await download("recording/download", { format }, format === "har" ? "recording.har" : "recording.jsonl");
      say("Downloaded.");
    } catch (problem) {
      say(`The download failed: ${problem.message}`, "bad");
    }
  }
}
