// Rules, replay and conditions from this page: what is in force, upload, take away, start anew.

import { access, act, read, startOver, testOfActions } from "./api.js";
import { byId, el, say, setText } from "./dom.js";
import * as words from "./words.js";

const KINDS = [
  { path: "rules", name: "Rules", type: "application/yaml", accept: ".yaml,.yml,.json", hint: "rules:\n  - match: hello\n    response: hi", one: "rule", many: "rules" },
  { path: "replay", name: "Replay script", type: "application/x-ndjson", accept: ".jsonl,.ndjson,.txt", hint: '{"ts": 0, "text": "welcome"}', one: "entry", many: "entries" },
  { path: "conditions", name: "Network conditions", type: "application/json", accept: ".json", hint: '{"latency": {"base_ms": 80, "jitter_ms": 20}}', one: "fault", many: "faults", reconnects: true },
];

export class Mocks {
  #cards;
  #isOpen = false;

  constructor() {
    this.#cards = KINDS.map((kind) => new Card(kind));
    byId("mock-cards").append(...this.#cards.map((card) => card.element), resetCard());
    access.addEventListener("changed", () => {
      for (const card of this.#cards) card.forget();
      if (this.#isOpen) this.open();
    });
  }

  open() {
    this.#isOpen = true;
    const test = testOfActions();
    setText(byId("mocks-test"), words.scope(test));
    for (const card of this.#cards) card.ask();
  }

  close() {
    this.#isOpen = false;
  }
}

class Card {
  #kind;
  #state = el("p", { class: "note" }, "…");
  #outcome = el("div", { class: "outcome" });
  #text;
  #takeAway;
  #reconnect = el("input", { type: "checkbox" });
  /** What is uploaded, as far as it stands in the field. */
  #loaded = "";
  #asked = 0;

  constructor(kind) {
    this.#kind = kind;
    const { name, path, accept, hint, reconnects } = kind;
    this.#text = el("textarea", { rows: 8, spellcheck: "false", placeholder: hint, "aria-label": `${name} to upload` });
    const file = el("input", { type: "file", accept, "aria-label": `${name} from a file`, change: () => this.#take(file) });
    this.#takeAway = el("button", { type: "button", disabled: true, click: () => this.#delete() }, "Take away");
    this.element = el("section", { class: "card", "aria-labelledby": `card-${path}` },
      el("h3", { id: `card-${path}` }, name),
      this.#state,
      this.#text,
      reconnects ? el("label", {}, this.#reconnect, " Close open connections: for what happens at handshakes") : null,
      el("p", { class: "buttons" }, file, el("button", { type: "button", click: () => this.#upload() }, "Upload"), this.#takeAway),
      this.#outcome,
    );
  }

  /** What was uploaded, and what came of it, was of another test, or is gone. What nobody has uploaded yet stays. */
  forget() {
    this.#outcome.replaceChildren();
    setText(this.#state, "…");
    this.#takeAway.disabled = true;
    if (this.#text.value === this.#loaded) this.#text.value = this.#loaded = "";
  }

  async ask() {
    const turn = (this.#asked += 1);
    try {
      const answer = await read(this.#kind.path, {}, testOfActions());
      // Meanwhile it may have been asked for another test.
      if (turn === this.#asked) this.#show(answer);
    } catch (problem) {
      if (turn === this.#asked) setText(this.#state, problem.status === 404 ? "Nothing is known of this test yet." : problem.message);
    }
  }

  #show({ uploaded, files }) {
    const from = files?.length ? ` The configuration names ${files.map((it) => words.oneLine(it)).join(", ")}.` : "";
    setText(this.#state, (uploaded ? "What was uploaded is in force." : "Nothing is uploaded.") + from);
    this.#takeAway.disabled = !uploaded;
    const text = typeof uploaded?.text === "string" ? uploaded.text : uploaded && JSON.stringify(uploaded, null, 2);
    if (!text) this.#loaded = "";
    else if (!this.#text.value || this.#text.value === this.#loaded) this.#text.value = this.#loaded = text;
    else if (this.#text.value === text) this.#loaded = text;
  }

  async #take(file) {
    const [chosen] = file.files;
    if (chosen) this.#text.value = await chosen.text();
  }

  async #upload() {
    const { path, type, name } = this.#kind;
    try {
      const params = this.#reconnect.checked ? { reconnect: "true" } : {};
      const answer = await act("PUT", path, { body: this.#text.value, type, params, of: testOfActions() });
      this.#outcome.replaceChildren(...this.#applied(answer.applied));
      this.#loaded = this.#text.value;
      say(`${name}: uploaded.`);
      await this.ask();
    } catch (problem) {
      this.#outcome.replaceChildren(mistakes(problem));
      say(`${name}: not taken. What was in force stays.`, "bad");
    }
  }

  #applied({ entries, warnings, applies_to, open_connections }) {
    const { one, many } = this.#kind;
    const parts = [el("p", {}, `In force: ${words.several(entries, one, many)}, ${applies_to}; ${words.several(open_connections, "connection")} open.`)];
    if (warnings.length) parts.push(el("p", {}, "Worth a look:"), el("ul", { class: "mistakes" }, warnings.map((it) => el("li", {}, words.manyLines(it)))));
    return parts;
  }

  async #delete() {
    const { path, name } = this.#kind;
    try {
      await act("DELETE", path, { of: testOfActions() });
      this.#outcome.replaceChildren();
      say(`${name}: taken away.`);
      await this.ask();
    } catch (problem) {
      say(`${name}: ${problem.message}`, "bad");
    }
  }
}

/** What a problem lists, with its places. */
export function mistakes(problem) {
  const lines = problem.errors.map((it) => {
    const place = it.line ? `line ${it.line}${it.column ? `, column ${it.column}` : ""}: ` : "";
    return el("li", {}, place, words.manyLines(typeof it === "string" ? it : (it.detail ?? JSON.stringify(it))));
  });
  return el("div", { class: "problem" }, el("p", {}, words.manyLines(problem.message)), lines.length ? el("ul", { class: "mistakes" }, lines) : null);
}

function resetCard() {
  const keep = el("input", { type: "checkbox" });
  const reset = async () => {
    try {
      await act("POST", "reset", { params: keep.checked ? { keep: "true" } : {}, of: testOfActions() });
      startOver();
      say("Started anew.");
    } catch (problem) {
      say(`Not started anew: ${problem.message}`, "bad");
    }
  };
  return el("section", { class: "card", "aria-labelledby": "card-reset" },
    el("h3", { id: "card-reset" }, "Start anew"),
    el("p", { class: "note" }, "Everything as at the start: what was uploaded is dropped, and counts, states, rooms and the journal are forgotten. Open connections are closed with 1012, unless they are kept."),
    el("p", { class: "buttons" }, el("label", {}, keep, " Keep the connections"), el("button", { type: "button", click: reset }, "Start anew")),
  );
}
