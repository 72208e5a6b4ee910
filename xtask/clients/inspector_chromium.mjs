// The inspector page before a running server, in Chromium. Arguments: the program `mockforge`, the rules of a chat, and a
// folder for screenshots. The environment's CHROMIUM is the browser's program.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Checks } from "./checks.mjs";
import { Browser } from "./chromium_driver.mjs";
import { bursts, cards, narrow, rows, scopes, silence, withoutJournal } from "./inspector_cases.mjs";
import { Clients, isLive, screenshots, sees, shown, site } from "./inspector_page.mjs";
import { serve } from "./mockforge.mjs";

const [program, rules, folder] = process.argv.slice(2);
/** A message that would be an element, if the page took it for markup. */
const MARKUP = '<img src="nowhere" onerror="document.title = 1">';

mkdirSync(folder, { recursive: true });
const checks = new Checks();
const browser = new Browser();

async function inspect(page, server, clients) {
  await isLive(page);
  await sees(page, "#all-messages .list", "Nothing has happened yet");

  for (const name of ["ada", "ben", "cleo"]) {
    await clients.connect(name, server.url);
    await clients.say(name, JSON.stringify({ action: "join", room: "lobby", user: name }));
  }
  await clients.say("ada", JSON.stringify({ action: "message", text: MARKUP }));
  await sees(page, "#all-messages .row", "onerror");
  await sees(page, "#all-messages .row", "matched");
  await sees(page, "#number-connections", "3");
  checks.equal("messages are text and nothing else", await page.evaluate(() => document.images.length), 0);
  await page.click("#all-messages .row", "onerror");
  await sees(page, "#all-messages .detail", "From the client");
  await sees(page, "#all-messages .json-string", MARKUP);
  await screenshots(page, folder, "messages");

  await page.press("/");
  await page.type("joined");
  await page.until("the search leaves some out", () => {
    const rows = [...document.querySelectorAll("#all-messages .row")].filter((it) => it.checkVisibility());
    return rows.length > 0 && rows.every((it) => it.textContent.includes("joined"));
  });
  await page.click('#all-messages [data-role="ask"]');
  await sees(page, '#all-messages [data-role="note"]', "Server's journal");
  checks.equal("the server finds what the page finds", /the newest \d+ events? that fit/.test(await shown(page, '#all-messages [data-role="note"]')), true);
  await page.fill('#all-messages [name="text"]', "");
  await page.press("Escape");
  await page.press("p");
  await sees(page, '#all-messages [data-role="pause"]', "Go on");
  await clients.say("ben", JSON.stringify({ action: "message", text: "while it is paused" }));
  await sees(page, '#all-messages [data-role="note"]', "Paused");
  await page.press("p");
  await sees(page, "#all-messages .row", "while it is paused");

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
  await screenshots(page, folder, "connection");

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
  await screenshots(page, folder, "unmatched");

  await page.press("3");
  await page.click("#rooms-list .row", "lobby");
  await page.click("#room textarea");
  await page.type("to the room");
  await page.click("#room .composer button");
  checks.equal("a room hears a broadcast", await clients.hears("cleo", "to the room"), true);
  await screenshots(page, folder, "rooms");

  await page.evaluate(() => document.activeElement.blur());
  await page.press("5");
  await sees(page, "#mock-cards .note", "chat.yaml");
  await page.fill('#mock-cards [aria-label="Rules to upload"]', 'rules:\n  - match: "^ping$"\n    response: pong');
  await page.click("#mock-cards button", "Upload");
  await sees(page, "#mock-cards .outcome", "1 rule");
  await clients.say("cleo", "ping");
  checks.equal("an uploaded rule answers", await clients.hears("cleo", "pong"), true);
  await screenshots(page, folder, "mocks");
  await page.click("#mock-cards button", "Take away");
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
  await screenshots(page, folder, "recording");

  await page.evaluate(() => document.activeElement.blur());
  await page.press("7");
  await page.click("#reload");
  await sees(page, "#status", "Reloaded");
  await sees(page, "#handlers", "Rule");
  await page.until("a chart is drawn", () => document.querySelector("#throughput canvas"));
  await screenshots(page, folder, "server");
  await page.press("1");
  checks.equal("nothing is wrong in the console", page.problems, []);
}

/** A server with a token: the page asks for it, and a link may bring it. */
async function withToken(server) {
  const page = await browser.open(site(server));
  await page.until("the token is asked for", () => document.getElementById("token-dialog").open);
  checks.equal("in words for people", /--admin-token/.test(await shown(page, "#token-reason")) && !/Bearer/.test(await shown(page, "#token-reason")), true);
  await sees(page, "#stream-state", "Refused");
  await screenshots(page, folder, "token");
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
  await linked.fill('#mock-cards [aria-label="Rules to upload"]', "rules:\n  - wen: x");
  await linked.click("#mock-cards button", "Upload");
  await sees(linked, "#mock-cards .mistakes", "line 2");
  await screenshots(linked, folder, "mistakes");
}

try {
  const server = await serve(program, "--rules", rules);
  const clients = await Clients.open(browser, server);
  const page = await browser.open(site(server));
  try {
    await inspect(page, server, clients);
  } catch (error) {
    await page.screenshot(join(folder, "failed.png"));
    console.log(page.problems.join("\n"));
    throw error;
  }
  for (const look of [rows, scopes, bursts, cards, narrow, silence]) {
    await look({ browser, server, clients, checks, folder });
  }
  checks.equal("the server ends well", await server.stop(), 0);
  await sees(page, "#stream-state", "Lost");

  const guarded = await serve(program, "--admin-token", "a+secret");
  await withToken(guarded);
  checks.equal("the server with a token ends well", await guarded.stop(), 0);

  await withoutJournal({ browser, program, checks, folder });
} finally {
  await browser.close();
}
checks.finish("Chromium, before the inspector");
