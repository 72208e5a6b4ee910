// A list of any length of which only the rows in sight are elements. It knows nothing of what the rows say.

import { el } from "./dom.js";

const BEYOND = 6;
let lists = 0;

/**
 * A listbox. `row` makes a row's elements once and returns a function that fills them from an item; `keyOf` tells items
 * apart; `label` is an item in words, for screen readers. Tells `select` when somebody comes to an item, `activate` when
 * somebody clicks it or presses Enter, and `scrolled` when somebody leaves or reaches the end.
 */
export class VirtualList extends EventTarget {
  items = [];
  /** Whether the newest item is kept in sight. */
  following = false;
  #box;
  #space = el("div", { class: "list-space", role: "presentation" });
  #empty = el("p", { class: "list-empty" });
  #name = `list-${(lists += 1)}`;
  #pool = [];
  #rowHeight = 0;
  #height = 0;
  #options;
  #selected = null;
  #scheduled = false;
  #ownScroll = -1;

  constructor(box, options) {
    super();
    this.#box = box;
    this.#options = options;
    box.tabIndex = 0;
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-label", options.name);
    box.append(this.#space, this.#empty);
    box.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    box.addEventListener("keydown", (event) => this.#onKey(event));
    // In a list that moves, the row has gone from under the mouse before it is released.
    box.addEventListener("pointerdown", (event) => event.pointerType === "mouse" && event.button === 0 && this.#onPoint(event));
    box.addEventListener("click", (event) => event.pointerType !== "mouse" && this.#onPoint(event));
    new ResizeObserver(() => {
      this.#height = box.clientHeight;
      this.#rowHeight = Number.parseFloat(getComputedStyle(box).getPropertyValue("--row")) || 28;
      this.refresh();
    }).observe(box);
  }

  /** What stands there when there is nothing. */
  set emptyText(text) {
    if (this.#empty.textContent !== text) this.#empty.textContent = text;
  }

  get selected() {
    return this.#selected;
  }

  /** Other items. `shifted` rows have gone from the front: what is in sight stays where it is. */
  show(items, shifted = 0) {
    this.items = items;
    if (shifted && !this.following && this.#rowHeight) {
      this.#box.scrollTop = this.#ownScroll = Math.max(0, this.#box.scrollTop - shifted * this.#rowHeight);
    }
    this.refresh();
  }

  /** Other items, some of them between those that are here: what is in sight stays where it is. */
  exchange(items) {
    const old = this.items;
    this.items = items;
    if (!this.following && this.#rowHeight && old.length) {
      const places = new Map(items.map((item, place) => [this.#options.keyOf(item), place]));
      const first = Math.floor(this.#box.scrollTop / this.#rowHeight);
      const stays = old.findIndex((item, place) => place >= first && places.has(this.#options.keyOf(item)));
      if (stays >= 0) {
        this.#space.style.height = `${items.length * this.#rowHeight}px`;
        this.#box.scrollTop += (places.get(this.#options.keyOf(old[stays])) - stays) * this.#rowHeight;
        this.#ownScroll = this.#box.scrollTop;
      }
    }
    this.refresh();
  }

  /** Draws what is in sight, soon. */
  refresh() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  follow(on) {
    this.following = on;
    this.refresh();
  }

  /** Selects the item of this key, without telling. */
  mark(key) {
    this.#selected = key;
    this.refresh();
  }

  focus() {
    this.#box.focus();
  }

  #draw() {
    if (!this.#height || !this.#rowHeight) return;
    const { items } = this;
    this.#empty.hidden = items.length > 0;
    this.#space.style.height = `${items.length * this.#rowHeight}px`;
    // In narrow windows, a list takes the room that it needs.
    this.#box.style.setProperty("--needed", `${Math.max(3, items.length) * this.#rowHeight}px`);
    if (this.following) {
      const end = Math.max(0, items.length * this.#rowHeight - this.#height);
      if (Math.abs(this.#box.scrollTop - end) > 1) {
        this.#box.scrollTop = end;
        this.#ownScroll = this.#box.scrollTop;
      }
    }
    const first = Math.max(0, Math.floor(this.#box.scrollTop / this.#rowHeight) - BEYOND);
    const count = Math.min(items.length - first, Math.ceil(this.#height / this.#rowHeight) + 2 * BEYOND);
    while (this.#pool.length < count) this.#addRow();
    let active = "";
    this.#pool.forEach((row, place) => {
      // An item keeps its row while it scrolls: only what is new is filled.
      const index = first + ((((place - first) % this.#pool.length) + this.#pool.length) % this.#pool.length);
      const item = index < first + count ? items[index] : undefined;
      row.element.hidden = item === undefined;
      row.index = index;
      if (item === undefined) return;
      const selected = this.#options.keyOf(item) === this.#selected;
      row.element.style.transform = `translateY(${index * this.#rowHeight}px)`;
      row.element.setAttribute("aria-selected", String(selected));
      row.element.setAttribute("aria-posinset", String(index + 1));
      row.element.setAttribute("aria-setsize", String(items.length));
      row.element.setAttribute("aria-label", this.#options.label(item));
      row.fill(item);
      if (selected) active = row.element.id;
    });
    if (active) this.#box.setAttribute("aria-activedescendant", active);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #addRow() {
    const element = el("div", { class: "row", role: "option", id: `${this.#name}-${this.#pool.length}` });
    const fill = this.#options.row(element);
    this.#pool.push({ element, fill, index: 0 });
    this.#space.append(element);
  }

  #onScroll() {
    const { scrollTop, scrollHeight } = this.#box;
    const own = Math.abs(scrollTop - this.#ownScroll) <= 1;
    this.#ownScroll = -1;
    // What we scrolled to ourselves is drawn already.
    if (own) return;
    const atEnd = scrollHeight - scrollTop - this.#height < this.#rowHeight;
    if (this.following !== atEnd) this.dispatchEvent(new CustomEvent("scrolled", { detail: { atEnd } }));
    this.refresh();
  }

  #onPoint(event) {
    const element = event.target.closest(".row");
    const row = this.#pool.find((it) => it.element === element);
    if (!row) return;
    this.#choose(row.index);
    this.#activate(row.index);
  }

  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.#height / this.#rowHeight) - 1);
    const last = this.items.length - 1;
    const at = this.items.findIndex((item) => this.#options.keyOf(item) === this.#selected);
    if (event.key === "Enter" && at >= 0) return this.#activate(at);
    // Without a selection, the first step goes to what is in sight.
    const from = at >= 0 ? at : Math.floor(this.#box.scrollTop / this.#rowHeight) - 1;
    const to = { ArrowDown: from + 1, ArrowUp: from - 1, PageDown: from + page, PageUp: from - page, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, to));
    const top = index * this.#rowHeight;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (top + this.#rowHeight > this.#box.scrollTop + this.#height) this.#box.scrollTop = top + this.#rowHeight - this.#height;
    this.#choose(index);
  }

  #activate(index) {
    const item = this.items[index];
    if (item !== undefined) this.dispatchEvent(new CustomEvent("activate", { detail: item }));
  }

  #choose(index) {
    const item = this.items[index];
    if (item === undefined) return;
    this.mark(this.#options.keyOf(item));
    this.dispatchEvent(new CustomEvent("select", { detail: item }));
  }
}
