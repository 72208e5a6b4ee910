// Puts the page together: the stream into the store, a view for each word behind the #, keys, theme, and the token.

import { access, journal, read, testLookedAt, useTest, useToken } from "./api.js";
import { Connections } from "./connections.js";
import { byId, el, say, setText } from "./dom.js";
import { FollowUp } from "./follow_up.js";
import { Gaps } from "./gaps.js";
import { Mocks } from "./mocks.js";
import { polling } from "./polling.js";
import { Recording } from "./recording.js";
import { Rooms } from "./rooms.js";
import { ServerState } from "./server_state.js";
import { closePane } from "./side.js";
import { Store } from "./store.js";
import { ALL_KINDS, Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { UnmatchedMessages } from "./unmatched.js";

const stream = new Stream();
const store = new Store();
const gaps = new Gaps(store, ALL_KINDS);
const timeline = new Timeline(byId("all-messages"), store, { gaps });
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

stream.addEventListener("batch", ({ detail: { events, ...more } }) => store.add(events, more));
stream.addEventListener("restarted", () => store.clear());
stream.addEventListener("stats", ({ detail }) => (timeline.evicted = detail.evicted));
stream.addEventListener("state", showState);
setInterval(() => {
  showState();
  if (current === "messages") timeline.note();
}, 1_000);

const STATES = {
  connecting: ["Connecting", "quiet"],
  live: ["Live", "good"],
  off: ["Journal off", "quiet"],
  refused: ["Refused", "bad"],
  lost: ["Connecting again", "bad"],
};
let announced = "connecting";
let wasOff = false;

function showState() {
  const chip = byId("stream-state");
  const { state, reason, retryAt } = stream;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const [text, tone] = STATES[state];
  setText(chip, state === "lost" && seconds ? `Lost; again in ${seconds} s` : text);
  chip.dataset.tone = tone;
  if (reason) chip.title = reason;
  else chip.removeAttribute("title");
  if (journal.isOff !== wasOff && state !== "connecting") {
    wasOff = journal.isOff;
    timeline.refresh();
  }
  // Loss and return are said once each, not at every attempt.
  if (state === announced || state === "connecting") return;
  if (state === "lost") say(`The connection to the server is lost: ${reason.replace(/\.$/, "")}.`, "bad");
  else if (state === "refused") say(reason, "bad");
  else if (announced === "lost") say("Connected again.");
  else say("");
  announced = state;
}

const followUp = new FollowUp(store);
polling(2_000, () => followUp.ask());
polling(500, () => (timeline.paused ? null : gaps.fillIfQuiet()));

// Tests.

const test = byId("test");
test.addEventListener("change", () => useTest(test.value));
access.addEventListener("changed", () => offer(known));

let known = [];

/** Offers these tests, and the one that is looked at. */
function offer(tests) {
  known = tests;
  const ids = ["*", "", ...tests];
  // A test that has ended stays in the list while it is looked at.
  if (!ids.includes(testLookedAt())) ids.push(testLookedAt());
  const options = [...test.options].map((option) => option.value);
  if (ids.join("\n") !== options.join("\n")) {
    for (const option of [...test.options].slice(2)) option.remove();
    test.append(...ids.slice(2).map((id) => el("option", { value: id }, id)));
  }
  test.value = testLookedAt();
}

offer([]);
polling(5_000, async () => {
  const { tests } = await read("tests", {}, "");
  offer(tests.map((it) => it.id));
});

// The token.

const dialog = byId("token-dialog");
let hasGiven = false;

/** Why, in words for who has no request to write. */
function refusal(problem) {
  if (problem.status !== 401) return problem.message;
  const where = "It is what the server was started with: --admin-token, MOCKFORGE_WS_ADMIN_TOKEN, or admin.token in its configuration.";
  return hasGiven ? `This server has another token. ${where}` : `This server shows itself only to who has its admin token. ${where}`;
}

const openDialog = byId("token-open");
access.addEventListener("refused", ({ detail: problem }) => {
  setText(byId("token-reason"), refusal(problem));
  // Who has said "not now" is not asked again by every call.
  if (!dialog.open && openDialog.hidden) dialog.showModal();
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token");
  dialog.close();
  hasGiven = true;
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
  if (event.key === "Escape" && !dialog.open && !event.target.closest("input, textarea, select") && closePane()) return event.preventDefault();
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
