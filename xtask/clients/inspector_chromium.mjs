// The inspector page before a running server, in Chromium. Arguments: the program `mockforge`, the rules of a chat, and a
// folder for screenshots. The environment's CHROMIUM is the browser's program.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Checks } from "./checks.mjs";
import { Browser } from "./chromium_driver.mjs";
import { serve } from "./mockforge.mjs";

const [program, rules, folder] = process.argv.slice(2);
/** A message that would be an element, if the page took it for markup. */
const MARKUP = '<img src="nowhere" onerror="document.title = 1">';

mkdirSync(folder, { recursive: true });
const checks = new Checks();
const browser = new Browser();

/**
 * Clients are sockets in a page of their own; what they heard is kept by their names. The page is one of the server that has
 * no policy: browsers ask people before a page from elsewhere comes to this machine.
 */
class Clients {
  #page;

  static async open(server) {
    const clients = new Clients();
    clients.#page = await browser.open(`${site(server)}health/live`);
    await clients.#page.evaluate(() => (globalThis.clients = {}));
    return clients;
  }

  connect(name, url) {
    return this.#page.evaluate(
      (name, url) => {
        const socket = new WebSocket(url);
        socket.binaryType = "arraybuffer";
        const client = (globalThis.clients[name] = { socket, heard: [], closed: null });
        socket.onmessage = ({ data }) => client.heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
        socket.onclose = ({ code, reason }) => (client.closed = [code, reason]);
        return new Promise((resolve, reject) => {
          socket.onopen = () => resolve(true);
          socket.onerror = () => reject(new Error(`${name} cannot connect`));
        });
      },
      name,
      url,
    );
  }

  say(name, text) {
    return this.#page.evaluate((name, text) => globalThis.clients[name].socket.send(text), name, text);
  }

  /** Waits until the client has heard this. */
  hears(name, message) {
    const wanted = JSON.stringify(message);
    return this.#page.until(
      `${name} hears ${wanted}`,
      (name, wanted) => globalThis.clients[name].heard.some((it) => JSON.stringify(it) === wanted),
      name,
      wanted,
    );
  }

  /** Waits until the client's connection is closed, and resolves to code and reason. */
  closed(name) {
    return this.#page.until(`${name} is closed`, (name) => globalThis.clients[name].closed, name);
  }
}

const site = (server) => server.url.replace(/^ws/, "http").replace(/ws$/, "__admin/");
const shown = (page, selector) => page.evaluate((selector) => document.querySelector(selector).textContent, selector);

/** Waits for a text in an element that can be seen. */
const sees = (page, selector, text) =>
  page.until(
    `${selector} says "${text}"`,
    (selector, text) => [...document.querySelectorAll(selector)].some((it) => it.checkVisibility() && it.textContent.includes(text)),
    selector,
    text,
  );

const isLive = (page) => sees(page, "#stream-state", "Live");

async function screenshots(page, name) {
  for (const theme of ["light", "dark"]) {
    await page.prefer(theme);
    await sleep(200);
    await page.screenshot(join(folder, `${name}-${theme}.png`));
  }
}

async function inspect(page, server, clients) {
  await isLive(page);
  await sees(page, "#messages .list", "Nothing has happened yet");

  for (const name of ["ada", "ben", "cleo"]) {
    await clients.connect(name, server.url);
    await clients.say(name, JSON.stringify({ action: "join", room: "lobby", user: name }));
  }
  await clients.say("ada", JSON.stringify({ action: "message", text: MARKUP }));
  await sees(page, "#messages .row", "onerror");
  await sees(page, "#messages .row", "matched");
  await sees(page, "#number-connections", "3");
  checks.equal("messages are text and nothing else", await page.evaluate(() => document.images.length), 0);
  await page.click("#messages .row", "onerror");
  await sees(page, "#messages .detail", "From the client");
  await sees(page, "#messages .json-string", MARKUP);
  await screenshots(page, "messages");

  await page.press("/");
  await page.type("joined");
  await page.until("the search leaves some out", () => {
    const rows = [...document.querySelectorAll("#messages .row")].filter((it) => it.checkVisibility());
    return rows.length > 0 && rows.every((it) => it.textContent.includes("joined"));
  });
  await page.click('#messages [data-role="ask"]');
  await sees(page, '#messages [data-role="note"]', "Server's journal");
  checks.equal("the server finds what the page finds", /the newest \d+ events? that fit/.test(await shown(page, '#messages [data-role="note"]')), true);
  await page.fill('#messages [name="text"]', "");
  await page.press("Escape");
  await page.press("p");
  await sees(page, '#messages [data-role="pause"]', "Go on");
  await clients.say("ben", JSON.stringify({ action: "message", text: "while it is paused" }));
  await sees(page, '#messages [data-role="note"]', "Paused");
  await page.press("p");
  await sees(page, "#messages .row", "while it is paused");

  await page.press("2");
  await page.click("#connections-list .row", "lobby");
  await sees(page, "#connection .facts", "open");
  await sees(page, "#connection .row", "ada");
  await page.click("#connection textarea");
  await page.type("from the page");
  await page.click("#connection .composer button");
  checks.equal("a client hears the text", await clients.hears("ada", "from the page"), true);
  await page.click("#connection label", "JSON");
  await page.fill("#connection textarea", '{"n": 12345678901234567890}');
  await page.click("#connection .composer button");
  checks.equal("a large number stays what it is", await clients.hears("ada", '{"n":12345678901234567890}'), true);
  await page.click("#connection label", "Binary");
  await page.fill("#connection textarea", "00 ff 10");
  await page.click("#connection .composer button");
  checks.equal("a client hears the bytes", await clients.hears("ada", [0, 255, 16]), true);
  await sees(page, "#connection .row", "binary: 00 ff 10");
  await screenshots(page, "connection");

  await page.fill('#connection [name="code"]', "4001");
  await page.fill('#connection [name="reason"]', "enough");
  await page.click('#connection .inline button[type="submit"]');
  checks.equal("it is closed with code and reason", await clients.closed("ada"), [4001, "enough"]);
  await sees(page, "#connection .facts", "ended");
  await sees(page, "#connections-count", "2");

  await page.click("#connections-list .row", "lobby");
  await sees(page, "#connection .facts", "open");
  await page.click("#connection button", "Reset");
  checks.equal("a fault breaks it", await clients.closed("ben"), [1006, ""]);
  await sees(page, "#connection .row", "reset");

  await clients.say("cleo", JSON.stringify({ acton: "leave" }));
  await page.evaluate(() => document.activeElement.blur());
  await page.press("4");
  await page.click("#unmatched-list .row", "acton");
  await sees(page, "#unmatched-detail .near", "chat.yaml");
  checks.equal("the reason says what is missing", (await shown(page, "#unmatched-detail .near li")).includes("action"), true);
  await screenshots(page, "unmatched");

  await page.press("3");
  await page.click("#rooms-list .row", "lobby");
  await page.click("#room textarea");
  await page.type("to the room");
  await page.click("#room .composer button");
  checks.equal("a room hears a broadcast", await clients.hears("cleo", "to the room"), true);
  await screenshots(page, "rooms");

  await page.evaluate(() => document.activeElement.blur());
  await page.press("5");
  await sees(page, "#mocks .note", "chat.yaml");
  await page.fill('#mocks [aria-label="Rules to upload"]', 'rules:\n  - match: "^ping$"\n    response: pong');
  await page.click("#mocks button", "Upload");
  await sees(page, "#mocks .outcome", "1 rule");
  await clients.say("cleo", "ping");
  checks.equal("an uploaded rule answers", await clients.hears("cleo", "pong"), true);
  await screenshots(page, "mocks");
  await page.click("#mocks button", "Take away");
  await sees(page, "#status", "taken away");

  await page.click("#record");
  await sees(page, "#record", "Stop recording");
  await clients.say("cleo", JSON.stringify({ action: "last" }));
  await page.evaluate(() => document.activeElement.blur());
  await page.press("6");
  await page.until("a frame is recorded", () => /Messages[1-9]/.test(document.getElementById("recording-facts").textContent));
  await page.click("#recording-toggle");
  await sees(page, "#recording-facts", "stopped");
  const file = join(folder, "recording.jsonl");
  rmSync(file, { force: true });
  await page.downloadTo(folder);
  await page.click('[data-download="jsonl"]');
  await sees(page, "#status", "Downloaded");
  for (let n = 0; !existsSync(file) && n < 200; n += 1) await sleep(50);
  checks.equal("the recording has what was said", readFileSync(file, "utf8").includes("last"), true);
  await screenshots(page, "recording");

  await page.evaluate(() => document.activeElement.blur());
  await page.press("7");
  await page.click("#reload");
  await sees(page, "#status", "Reloaded");
  await sees(page, "#handlers", "Rule");
  await page.until("a chart is drawn", () => document.querySelector("#throughput canvas"));
  await screenshots(page, "server");
  await page.press("1");
  await page.resize(400, 800);
  await screenshots(page, "narrow");

  checks.equal("nothing is wrong in the console", page.problems, []);
}

/** A server with a token: the page asks for it, and a link may bring it. */
async function withToken(server) {
  const page = await browser.open(site(server));
  await page.until("the token is asked for", () => document.getElementById("token-dialog").open);
  await screenshots(page, "token");
  await page.type("wrong");
  await page.press("Enter");
  await page.until("it is asked for again", () => document.getElementById("token-dialog").open && document.getElementById("token").value === "");
  await page.type("a+secret");
  await page.press("Enter");
  await isLive(page);
  const linked = await browser.open(`${site(server)}#token=a%2Bsecret`);
  await isLive(linked);
  checks.equal("the token does not stay in the address", await linked.evaluate(() => location.href), site(server));
  checks.equal("nothing is wrong in its console", linked.problems, []);

  // What is refused is said by the browser, too: this page's console is not looked at.
  await linked.press("5");
  await linked.fill('#mocks [aria-label="Rules to upload"]', "rules:\n  - wen: x");
  await linked.click("#mocks button", "Upload");
  await sees(linked, "#mocks .mistakes", "line 2");
  await screenshots(linked, "mistakes");
}

try {
  const server = await serve(program, "--rules", rules);
  const clients = await Clients.open(server);
  const page = await browser.open(site(server));
  try {
    await inspect(page, server, clients);
  } catch (error) {
    await page.screenshot(join(folder, "failed.png"));
    console.log(page.problems.join("\n"));
    throw error;
  }
  checks.equal("the server ends well", await server.stop(), 0);
  await sees(page, "#stream-state", "Lost");

  const guarded = await serve(program, "--admin-token", "a+secret");
  await withToken(guarded);
  checks.equal("the server with a token ends well", await guarded.stop(), 0);
} finally {
  await browser.close();
}
checks.finish("Chromium, before the inspector");
