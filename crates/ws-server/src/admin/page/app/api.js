// The way to the server: calls with the token, problems as errors, and whose connections are looked at, which is in the
// address, too. It keeps no data.

const TOKEN = "mockforge-admin-token";

/** An answer that was no success, with what its problem document says. */
export class Problem extends Error {
  constructor(status, { title, detail, errors } = {}) {
    super(detail || title || (status ? `HTTP ${status}` : "the server cannot be reached"));
    this.status = status;
    this.errors = Array.isArray(errors) ? errors : [];
  }
}

/**
 * Tells `refused` (with the Problem) when the server wants another token, and `changed` when token or test is another, or
 * everything began anew: what is shown is to be asked for again.
 */
export const access = new EventTarget();

/** Whether the server keeps a journal, as the stream finds out: without one, nobody asks for events. */
export const journal = { isOff: false };

let token = readToken();
/** Which test is looked at: its id, the empty text for none, or `*` for all. */
let test = testOfAddress();

/** `?test=ID` is a test, `?test=` the connections of none; without it, all are meant. */
function testOfAddress() {
  const given = new URLSearchParams(location.search).get("test");
  return given !== null && /^[A-Za-z0-9._-]{0,64}$/.test(given) ? given : "*";
}

/** The token of a link's fragment goes into this tab's storage, and out of the address. */
function readToken() {
  const given = /^#token=(.*)$/.exec(location.hash);
  if (given) {
    let value = given[1];
    try {
      value = decodeURIComponent(value);
    } catch {
      // It has a % of its own.
    }
    keepToken(value);
    history.replaceState(null, "", location.pathname + location.search);
    return value;
  }
  try {
    return sessionStorage.getItem(TOKEN) ?? "";
  } catch {
    return "";
  }
}

function keepToken(value) {
  try {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // No storage: it lasts as long as the page.
  }
}

// A link with a token may be opened in a tab that is here already.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) {
    token = readToken();
    access.dispatchEvent(new Event("changed"));
  }
});

export function useToken(value) {
  token = value;
  keepToken(value);
  access.dispatchEvent(new Event("changed"));
}

/** Looks at another test, and puts it into the address: a link leads here, and so does a reload. */
export function useTest(value) {
  test = value;
  const query = value === "*" ? "" : `?test=${encodeURIComponent(value)}`;
  history.replaceState(null, "", location.pathname + query + location.hash);
  access.dispatchEvent(new Event("changed"));
}

// Going back may lead to an address with another test.
addEventListener("popstate", () => {
  if (testOfAddress() === test) return;
  test = testOfAddress();
  access.dispatchEvent(new Event("changed"));
});

/** Everything on the server began anew: what is known here is no longer true. */
export function startOver() {
  access.dispatchEvent(new Event("changed"));
}

/** The test that actions without a connection are for: actions are never for all. */
export function testOfActions() {
  return test === "*" ? "" : test;
}

export function testLookedAt() {
  return test;
}

async function call(method, path, { params = {}, headers = {}, body, of, signal } = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...params, test: of })) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const all = new Headers(headers);
  if (token) all.set("authorization", `Bearer ${token}`);
  const url = query.size ? `./${path}?${query}` : `./${path}`;
  let response;
  try {
    response = await fetch(url, { method, headers: all, body, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
  if (response.ok) return response;
  let said = {};
  try {
    said = await response.json();
  } catch {
    // Not ours: a proxy between us, perhaps.
  }
  const problem = new Problem(response.status, said);
  if (response.status === 401 || response.status === 403) {
    access.dispatchEvent(new CustomEvent("refused", { detail: problem }));
  }
  throw problem;
}

const json = { "content-type": "application/json" };

/** GETs JSON; what is about one test, or `*`, is told `of` which. */
export async function read(path, params, of = "") {
  return (await call("GET", path, { params, of })).json();
}

/** Asks for events of the journal: `{events, more, last_seq, evicted, undecided}`. */
export async function find(filter, limit, order) {
  if (journal.isOff) throw new Problem(501, { title: "this server keeps no journal" });
  const body = JSON.stringify({ filter, limit, order });
  return (await call("POST", "messages/find", { headers: json, body, of: test })).json();
}

/** Does something; what is about one test is told `of` which. `body` is JSON text, or of the `type` that is given. */
export async function act(method, path, { body, type, of = "", params } = {}) {
  const headers = body === undefined ? {} : { "content-type": type ?? "application/json" };
  const response = await call(method, path, { params, headers, body, of });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** The stream of events after `since`. */
export async function openStream(since, signal) {
  return (await call("GET", "events", { params: { since }, headers: { accept: "text/event-stream" }, of: test, signal })).body;
}

/** A file, with the token, which a link could not have. */
export async function download(path, params, name, of = "") {
  const blob = await (await call("GET", path, { params, of })).blob();
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
