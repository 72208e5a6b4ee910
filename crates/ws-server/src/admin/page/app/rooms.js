// The rooms, who is in one, and a broadcast to it.

import { access, act, read, testLookedAt, testOfActions } from "./api.js";
import { composer } from "./composer.js";
import { sentInWords } from "./connections.js";
import { byId, el, foreign, say, setText } from "./dom.js";
import { polling } from "./polling.js";
import { Side } from "./side.js";
import { VirtualList } from "./virtual_list.js";
import * as words from "./words.js";

const MOST_MEMBERS = 200;
const keyOf = (room) => JSON.stringify([room.name, room.test ?? null]);

export class Rooms {
  #list;
  #polling = null;
  #room = null;
  #members = el("div");
  #side = new Side(byId("room-pane"), () => {
    this.#room = null;
    this.#list.mark(null);
    this.#list.focus();
  });

  constructor() {
    const label = (room) => `${words.oneLine(room.name)}, ${words.several(room.members, "member")}`;
    this.#list = new VirtualList(byId("rooms-list"), { name: "Rooms", row: roomRow, keyOf, label });
    this.#list.addEventListener("select", ({ detail }) => this.#select(detail));
    access.addEventListener("changed", () => this.#polling && this.#ask().catch(() => {}));
  }

  open() {
    this.#polling ??= polling(2_000, () => this.#ask());
  }

  close() {
    this.#polling?.stop();
    this.#polling = null;
  }

  async #ask() {
    try {
      const { rooms } = await read("rooms", {}, testLookedAt());
      this.#list.emptyText = "Nobody is in a room.";
      this.#list.show(rooms);
      setText(byId("rooms-count"), words.count(rooms.length));
    } catch (problem) {
      this.#list.emptyText = problem.message;
      this.#list.show([]);
    }
    await this.#askMembers();
  }

  #select(room) {
    this.#room = room;
    this.#side.open();
    this.#members = el("div");
    const send = async (message) => {
      try {
        // The message is JSON text already, and stays as it was typed.
        const body = `{"room":${JSON.stringify(room.name)},"message":${message}}`;
        say(sentInWords(await act("POST", "rooms/broadcast", { body, of: room.test ?? testOfActions() })));
      } catch (problem) {
        say(`The broadcast failed: ${problem.message}`, "bad");
      }
    };
    byId("room").replaceChildren(
      el("h3", {}, "Room ", foreign(words.oneLine(room.name))),
      composer(send, "Broadcast"),
      el("h4", {}, "Members"),
      this.#members,
    );
    this.#askMembers().catch((problem) => this.#members.replaceChildren(problem.message));
  }

  async #askMembers() {
    const room = this.#room;
    if (!room) return;
    const { members } = await read("rooms/members", { room: room.name }, room.test ?? testOfActions());
    if (room !== this.#room) return;
    const links = members.slice(0, MOST_MEMBERS).map((id) => el("li", {}, el("a", { href: `#connections/${encodeURIComponent(id)}` }, id)));
    const more = members.length > MOST_MEMBERS ? el("p", { class: "note" }, `and ${words.count(members.length - MOST_MEMBERS)} more`) : null;
    const now = el("div", {}, members.length ? el("ul", { class: "plain" }, links) : el("p", { class: "note" }, "Nobody is in it any more."), more);
    if (now.textContent !== this.#members.textContent) this.#members.replaceChildren(...now.childNodes);
  }
}

function roomRow(element) {
  const cells = Object.fromEntries(["name", "test", "members"].map((name) => [name, el("bdi", { class: `cell-${name}` })]));
  element.append(...Object.values(cells));
  return (room) => {
    setText(cells.name, words.oneLine(room.name));
    setText(cells.test, room.test ? `test ${room.test}` : "");
    setText(cells.members, words.several(room.members, "member"));
  };
}
