// Makes and finds elements. What comes from outside only ever becomes text: nothing here parses HTML.

/** The element with this id, which must be there. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}

/**
 * An element. An attribute that is a function listens to the event of its name; one that is false, null or undefined
 * is left out, true stands alone. Children are nodes, or become text; null and undefined are left out.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The content of a `<template>`'s only child. */
export function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

/** Sets text only if it is another: unchanged text costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Rows for a `<dl>`; a fact that is null or undefined is left out. */
export function facts(pairs) {
  return pairs
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
}

/** Text that somebody else wrote, kept from turning the direction of what stands around it. */
export function foreign(text) {
  return el("bdi", {}, text);
}

let saying;

/** Says in the status line, to eyes and screen readers, what came of an action. */
export function say(text, tone = "quiet") {
  const status = byId("status");
  status.dataset.tone = tone;
  status.textContent = text;
  clearTimeout(saying);
  if (tone !== "bad") saying = setTimeout(() => (status.textContent = ""), 10_000);
}
