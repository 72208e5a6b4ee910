// Puts the page together: the stream into the store, a view for each word behind the #, keys, theme, and the token.

import { access, read, testLookedAt, useTest, useToken } from "./api.js";
import { Connections } from "./connections.js";
import { byId, el, setText } from "./dom.js";
import { FollowUp } from "./follow_up.js";
import { Mocks } from "./mocks.js";
import { polling } from "./polling.js";
import { Recording } from "./recording.js";
import { Rooms } from "./rooms.js";
import { ServerState } from "./server_state.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { UnmatchedMessages } from "./unmatched.js";

const stream = new Stream();
const store = new Store();
const timeline = new Timeline(byId("messages"), store);
const server = new ServerState(stream, store);
const connections = new Connections();

const views = {
  messages: { open: () => {}, close: () => {} },
  connections,
  rooms: new Rooms(),
  unmatched: new UnmatchedMessages(store),
  mocks: new Mocks(),
  recording: new Recording(),
  server,
};
let current = null;

function route() {
  const [name, id = ""] = location.hash.slice(1).split("/");
  const next = Object.hasOwn(views, name) ? name : "messages";
  if (current !== next) {
    if (current) views[current].close();
    for (const view of Object.keys(views)) byId(`view-${view}`).hidden = view !== next;
    for (const link of document.querySelectorAll(".views a")) {
      if (link.hash === `#${next}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    current = next;
  }
  let decoded = id;
  try {
    decoded = decodeURIComponent(id);
  } catch {
    // It is no id then, and is not found.
  }
  views[next].open(decoded);
}

addEventListener("hashchange", () => location.hash !== "#main" && route());

// What comes from the server.

stream.addEventListener("batch", ({ detail: { events, skipped, lost } }) => store.add(events, skipped, lost));
stream.addEventListener("restarted", () => store.clear());
stream.addEventListener("stats", ({ detail }) => (timeline.evicted = detail.evicted));
stream.addEventListener("state", showState);
setInterval(() => {
  showState();
  if (current === "messages") timeline.note();
}, 1_000);

let announced = "connecting";

function showState() {
  const chip = byId("stream-state");
  const { state, reason, retryAt } = stream;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const text = { connecting: "Connecting", live: "Live", lost: seconds ? `Lost; again in ${seconds} s` : "Connecting again" }[state];
  setText(chip, text);
  chip.dataset.tone = { connecting: "quiet", live: "good", lost: "bad" }[state];
  if (reason) chip.title = reason;
  else chip.removeAttribute("title");
  // Loss and return are said once each, not at every attempt.
  if (state !== announced && state !== "connecting") {
    if (state === "lost") setText(byId("status"), `The connection to the server is lost: ${reason.replace(/\.$/, "")}.`);
    else if (announced === "lost") setText(byId("status"), "Connected again.");
    byId("status").dataset.tone = state === "lost" ? "bad" : "quiet";
    announced = state;
  }
}

const followUp = new FollowUp(store);
polling(2_000, () => followUp.ask());

// Tests.

const test = byId("test");
test.addEventListener("change", () => useTest(test.value));
polling(5_000, async () => {
  const { tests } = await read("tests", {}, "");
  const ids = ["*", "", ...tests.map((it) => it.id ?? it)];
  // A test that has ended stays in the list while it is looked at.
  if (!ids.includes(testLookedAt())) ids.push(testLookedAt());
  const options = [...test.options].map((option) => option.value);
  if (ids.join("\n") === options.join("\n")) return;
  for (const option of [...test.options].slice(2)) option.remove();
  test.append(...ids.slice(2).map((id) => el("option", { value: id }, id)));
  test.value = testLookedAt();
});

// The token.

const dialog = byId("token-dialog");
const openDialog = byId("token-open");
access.addEventListener("refused", ({ detail: problem }) => {
  setText(byId("token-reason"), problem.message);
  // Who has said "not now" is not asked again by every call.
  if (!dialog.open && openDialog.hidden) dialog.showModal();
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token");
  dialog.close();
  useToken(field.value.trim());
  field.value = "";
});
byId("token-cancel").addEventListener("click", () => {
  openDialog.hidden = false;
  dialog.close();
});
dialog.addEventListener("cancel", () => (openDialog.hidden = false));
openDialog.addEventListener("click", () => dialog.showModal());
access.addEventListener("changed", () => (openDialog.hidden = true));
access.addEventListener("changed", () => stream.restart());

// The theme.

const theme = byId("theme");
theme.value = document.documentElement.dataset.theme ?? "";
theme.addEventListener("change", () => {
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem("mockforge-theme", theme.value);
  } catch {
    // No storage: it lasts as long as the page.
  }
  server.restyle();
});

// Keys.

addEventListener("keydown", (event) => {
  if (!byId("keys").checked || event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const place = Number(event.key) - 1;
  if (event.key === "/") {
    const field = [...document.querySelectorAll("[data-search]")].find((it) => it.checkVisibility());
    if (!field) return;
    field.focus();
  } else if (event.key === "p") {
    if (current === "connections") connections.pause();
    else if (current === "messages") timeline.pause();
    else return;
  } else if (Object.keys(views)[place]) {
    location.hash = Object.keys(views)[place];
  } else {
    return;
  }
  event.preventDefault();
});

route();
stream.run();
