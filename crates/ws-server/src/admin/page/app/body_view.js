// Shows the body of one message as text, as JSON that opens and closes, or as hex. It changes nothing in it.

import { el } from "./dom.js";
import { fromBase64, manyLines } from "./words.js";

/** How much of a body is put on the page at once. */
const MOST_TEXT = 200_000;
const MOST_HEX = 16 * 1024;
const MOST_MEMBERS = 200;

/** A number as it was written: a double would round large ones. */
class Written {
  constructor(text) {
    this.text = text;
  }
}

/** The value of a JSON text, or undefined. */
export function parseJson(text) {
  try {
    return JSON.parse(text, (_key, value, context) =>
      typeof value === "number" && context?.source !== undefined ? new Written(context.source) : value,
    );
  } catch {
    return undefined;
  }
}

let preferred = "json";

/** The body's elements: a choice of views, and the one that was last chosen, if it fits. */
export function bodyView(body) {
  const data = body.type === "text" ? new TextEncoder().encode(body.text) : fromBase64(body.base64 ?? "");
  const text = body.type === "text" ? body.text : decoded(data);
  const value = text === undefined || !/^\s*[[{"\d\-tfn]/.test(text) ? undefined : parseJson(text);
  const views = [
    text === undefined ? null : ["text", "Text", () => textView(text)],
    value === undefined ? null : ["json", "JSON", () => jsonTree(value)],
    ["hex", "Hex", () => hexView(data)],
  ].filter((view) => view !== null);
  const shown = el("div", { class: "body-shown", tabindex: "0", role: "group", "aria-label": "Body" });
  const show = (name) => {
    const view = views.find(([it]) => it === name) ?? views.find(([it]) => it === (body.type === "text" ? "text" : "hex")) ?? views[0];
    shown.replaceChildren(view[2]());
    return view[0];
  };
  const chosen = show(preferred);
  const choice = el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, "View"));
  for (const [name, label] of views) {
    const radio = el("input", { type: "radio", name: "body-view", value: name, change: () => show((preferred = name)) });
    radio.checked = name === chosen;
    choice.append(el("label", {}, radio, ` ${label}`));
  }
  return [choice, shown];
}

function decoded(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function textView(text) {
  const shown = manyLines(text.slice(0, MOST_TEXT));
  return el("pre", {}, el("bdi", {}, shown), text.length > MOST_TEXT ? rest(`… and ${text.length - MOST_TEXT} characters more`) : null);
}

function rest(words) {
  return el("span", { class: "note" }, `\n${words}`);
}

/** Sixteen bytes a line: where, which, and what they are in ASCII. */
export function hexView(data) {
  const lines = [];
  for (let at = 0; at < Math.min(data.length, MOST_HEX); at += 16) {
    const row = Array.from(data.subarray(at, at + 16));
    const pairs = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = `${pairs.slice(0, 8).join(" ").padEnd(23)}  ${pairs.slice(8).join(" ").padEnd(23)}`;
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${halves}  ${ascii}`);
  }
  return el("pre", { class: "hex" }, lines.join("\n") || "no bytes", data.length > MOST_HEX ? rest(`… and ${data.length - MOST_HEX} bytes more`) : null);
}

/** A JSON value; what is inside of its members is made when they are opened. */
export function jsonTree(value) {
  return el("div", { class: "tree" }, node(null, value, 0));
}

function node(name, value, depth) {
  const key = name === null ? null : el("span", { class: "json-key" }, el("bdi", {}, manyLines(name)), ": ");
  if (value === null || typeof value !== "object" || value instanceof Written) {
    return el("div", { class: "leaf" }, key, leaf(value));
  }
  const members = Array.isArray(value) ? value.map((it, index) => [String(index), it]) : Object.entries(value);
  if (!members.length) return el("div", { class: "leaf" }, key, Array.isArray(value) ? "[]" : "{}");
  const size = Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`;
  const details = el("details", {}, el("summary", {}, key, el("span", { class: "note" }, size)));
  const fill = () => {
    if (details.childElementCount === 1) details.append(...children(members, 0, depth));
  };
  if (depth < 2 && members.length <= 50) {
    fill();
    details.open = true;
  }
  details.addEventListener("toggle", () => details.open && fill());
  return details;
}

function children(members, from, depth) {
  const nodes = members.slice(from, from + MOST_MEMBERS).map(([name, value]) => node(name, value, depth + 1));
  const left = members.length - from - MOST_MEMBERS;
  if (left > 0) {
    const more = el("button", { type: "button", click: () => more.replaceWith(...children(members, from + MOST_MEMBERS, depth)) }, `${left} more`);
    nodes.push(more);
  }
  return nodes;
}

function leaf(value) {
  if (typeof value === "string") return el("span", { class: "json-string" }, el("bdi", {}, `"${manyLines(value.slice(0, MOST_TEXT))}"`));
  if (value instanceof Written || typeof value === "number") return el("span", { class: "json-number" }, value.text ?? String(value));
  return el("span", { class: "json-word" }, String(value));
}
