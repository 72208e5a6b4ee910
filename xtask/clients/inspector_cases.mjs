// What the inspector page owes to who looks at it, case by case: each opens a page of its own before a running server.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Clients, isLive, screenshots, sees, shown, site } from "./inspector_page.mjs";
import { serve } from "./mockforge.mjs";

const NOTE = '#all-messages [data-role="note"]';

/** The texts of the rows that can be seen and have this in them. */
const rowsWith = (page, text) =>
  page.evaluate(
    (text) => [...document.querySelectorAll("#all-messages .row")].filter((row) => row.checkVisibility()).map((row) => row.textContent).filter((it) => it.includes(text)),
    text,
  );

const hasDetail = (page) => page.evaluate(() => document.querySelector("#all-messages .detail").checkVisibility());

/** Each page has a stream, and a browser opens six connections to a server. */
const leave = (page) => page.goTo("about:blank");

/** Chooses whose connections are looked at. */
const lookAt = (page, test) =>
  page.evaluate((test) => {
    const select = document.getElementById("test");
    select.value = test;
    select.dispatchEvent(new Event("change"));
  }, test);

/** A message that nobody took is one row, and the room beside the list is for what is chosen. */
export async function rows({ browser, server, clients, checks, folder }) {
  const page = await browser.open(site(server), { width: 1280, height: 800 });
  await isLive(page);
  await clients.connect("row", server.url);
  await clients.say("row", JSON.stringify({ axion: "leave" }));
  await page.until("the row says why", () => [...document.querySelectorAll("#all-messages .row")].some((it) => it.textContent.includes("axion") && it.textContent.includes("nearest: chat.yaml")));
  checks.equal("a message and why nobody took it are one row", (await rowsWith(page, "axion")).length, 1);
  checks.equal("no row beside it says so again", (await rowsWith(page, "unmatched")).filter((it) => !it.includes("{")), []);
  checks.equal("nothing is chosen, and nothing is beside the list", await hasDetail(page), false);
  const width = await page.evaluate(() => document.querySelector("#all-messages .row .cell-what").getBoundingClientRect().width);
  checks.equal("messages have the free width", width > 560, true);
  await page.click("#all-messages .row", "axion");
  await sees(page, "#all-messages .near", "not in a room");
  await screenshots(page, folder, "chosen");
  await page.press("Escape");
  checks.equal("Escape closes what was chosen", await hasDetail(page), false);
  await page.click("#all-messages .row", "axion");
  await page.click("#all-messages .close");
  checks.equal("so does the button", await hasDetail(page), false);

  await filters(page, server, clients, checks);
  checks.equal("nothing is wrong in the console of the rows", page.problems, []);
  await leave(page);
}

/** A filter means the same for what comes and in the server's journal. */
async function filters(page, server, clients, checks) {
  await clients.connect("prices", `${server.url}/prices/1`);
  await clients.say("prices", '{"wish":"Blue [1]"}');
  await sees(page, "#all-messages .row", "Blue [1]");
  for (const [field, text] of [["path", "rices"], ["path", "/ws/*/1"], ["path", "/ws/prices/**"], ["text", "blue [1]"]]) {
    await page.fill(`#all-messages [name="${field}"]`, text);
    await sees(page, NOTE, "fit");
    const live = await rowsWith(page, "");
    checks.equal(`${text} fits something`, live.some((row) => row.includes("Blue [1]")), true);
    await page.click('#all-messages [data-role="ask"]');
    await sees(page, NOTE, "Server's journal");
    await sees(page, "#all-messages .row", "Blue [1]");
    checks.equal(`${text} finds as much in the journal`, (await rowsWith(page, "")).length, live.length);
    await page.click('#all-messages [data-role="live"]');
    checks.equal("what was found is no longer spoken of", await shown(page, "#status"), "");
    await page.fill(`#all-messages [name="${field}"]`, "");
    await page.until("nothing is left out", (note) => !document.querySelector(note).textContent.includes("fit"), NOTE);
  }
}

/** The test that is looked at is in the address; where all are, each row says its own. */
export async function scopes({ browser, server, clients, checks, folder }) {
  await clients.connect("tested", `${server.url}?mockforge-test=case-7`);
  await clients.say("tested", '{"of":"the test"}');
  const page = await browser.open(`${site(server)}?test=case-7`, { width: 1280, height: 800 });
  await isLive(page);
  await sees(page, "#all-messages .row", "the test");
  checks.equal("the address says which test", await page.evaluate(() => document.getElementById("test").value), "case-7");
  checks.equal("and nothing else is shown", (await rowsWith(page, "axion")).length, 0);
  checks.equal("a number says what it is of", await shown(page, "#latency-of"), "99% of case-7 in");
  await lookAt(page, "*");
  await sees(page, "#all-messages .row .cell-test", "case-7");
  checks.equal("all are no test in the address", await page.evaluate(() => location.search), "");
  await screenshots(page, folder, "all-tests");
  await lookAt(page, "");
  checks.equal("connections of none are", await page.evaluate(() => location.search), "?test=");
  checks.equal("nothing is wrong in the console of the scopes", page.problems, []);
  await leave(page);
}

/** What came too fast has rows that load it, and small gaps go when it is quiet. */
export async function bursts({ browser, server, clients, checks, folder }) {
  await clients.connect("burst", `${server.url}?mockforge-test=burst`);
  const page = await browser.open(`${site(server)}?test=burst`, { width: 1280, height: 800 });
  await isLive(page);
  const numbered = (name, count) => Array.from({ length: count }, (_, n) => JSON.stringify({ [name]: n }));
  const events = async () => Number(/^([\d,]+) events?/.exec(await shown(page, NOTE))?.[1].replaceAll(",", ""));
  await page.until("it was opened", (note) => document.querySelector(note).textContent === "1 event", NOTE);
  await clients.sayAll("burst", numbered("few", 150));
  // Each message, and that nobody took it.
  await page.until("all of a small burst are here, and none twice", (note) => document.querySelector(note).textContent === "301 events", NOTE);

  await clients.sayAll("burst", numbered("many", 4_000));
  const missing = async () => Number(/([\d,]+) came too fast/.exec(await shown(page, NOTE))?.[1].replaceAll(",", "") ?? 0);
  const all = 301 + 2 * 4_000;
  for (let n = 0; (await events()) + (await missing()) < all && n < 300; n += 1) await sleep(100);
  checks.equal("of a large one, all are here or said to be missing", (await events()) + (await missing()), all);
  // What comes unasked has come: the rest waits for somebody.
  for (let last = -1; last !== (await missing()); await sleep(3_000)) last = await missing();
  await page.until("a gap is a row", () => {
    const list = document.querySelector("#all-messages .list");
    const { top, bottom } = list.getBoundingClientRect();
    const places = [...list.querySelectorAll('.row[data-kind="gap"]')].filter((it) => it.checkVisibility()).map((it) => it.getBoundingClientRect());
    if (places.some((it) => it.top >= top && it.bottom <= bottom)) return true;
    list.scrollTop -= 300;
    return false;
  });
  await screenshots(page, folder, "gap");
  const [here, away] = [await events(), await missing()];
  await page.click('#all-messages .row[data-kind="gap"]', "load");
  await page.until("a gap is loaded", (note, here) => Number(/^([\d,]+)/.exec(document.querySelector(note).textContent)[1].replaceAll(",", "")) > here, NOTE, here);
  checks.equal("what is loaded is no longer missing", (await missing()) < away, true);
  const numbers = (await rowsWith(page, '{"many":')).map((row) => Number(/"many":(\d+)/.exec(row)[1]));
  checks.equal("no row is there twice", new Set(numbers).size, numbers.length);
  checks.equal("nothing is wrong in the console of the bursts", page.problems, []);
  await leave(page);
}

/** Cards say what is so for who is looked at, and after a new start. */
export async function cards({ browser, server, checks }) {
  const page = await browser.open(`${site(server)}?test=#mocks`);
  await isLive(page);
  const field = '#mock-cards [aria-label="Rules to upload"]';
  const text = () => page.evaluate((field) => document.querySelector(field).value, field);
  checks.equal("the heading can be seen", await page.evaluate(() => document.getElementById("view-mocks").scrollTop), 0);
  await page.fill(field, "rules:\n  - match: one\n    response: two");
  await page.click("#mock-cards button", "Upload");
  await sees(page, "#mock-cards .outcome", "1 rule");
  await lookAt(page, "case-7");
  await sees(page, "#mocks-test", "test case-7");
  await sees(page, "#mock-cards .note", "Nothing is uploaded");
  checks.equal("what was uploaded for another is not in the field", [await text(), await shown(page, "#mock-cards .outcome")], ["", ""]);
  await lookAt(page, "");
  await page.until("what was uploaded is back", (field) => document.querySelector(field).value.includes("match: one"), field);
  await page.click("#mock-cards label", "Keep the connections");
  await page.click("#mock-cards button", "Start anew");
  await sees(page, "#status", "Started anew");
  await sees(page, "#mock-cards .note", "Nothing is uploaded");
  checks.equal("a new start drops what was uploaded", [await text(), await shown(page, "#mock-cards .outcome")], ["", ""]);
  checks.equal("nothing is wrong in the console of the cards", page.problems, []);
  await leave(page);
}

/** A narrow window: filters behind a button, and what is chosen over the list. */
export async function narrow({ browser, server, clients, checks, folder }) {
  const page = await browser.open(site(server), { width: 400, height: 800 });
  await isLive(page);
  await clients.say("row", JSON.stringify({ axion: "stay" }));
  await sees(page, "#all-messages .row", "axion");
  const isShown = (selector) => page.evaluate((selector) => document.querySelector(selector).checkVisibility(), selector);
  checks.equal("filters are behind a button", await isShown('#all-messages [name="direction"]'), false);
  await screenshots(page, folder, "narrow");
  await page.click("#all-messages button", "Filters");
  checks.equal("which shows them", await isShown('#all-messages [name="direction"]'), true);
  await page.click("#all-messages button", "Filters");
  await page.click("#all-messages .row", "axion");
  const place = await page.evaluate(() => document.querySelector("#all-messages .detail h3").getBoundingClientRect().toJSON());
  checks.equal("what is chosen can be seen at once", place.top > 0 && place.bottom < 800, true);
  await screenshots(page, folder, "narrow-chosen");
  await page.press("Escape");
  await page.press("2");
  await sees(page, "#connections-list .row", "/ws");
  const height = await page.evaluate(() => document.getElementById("connections-list").clientHeight);
  checks.equal("a short list is short", height < 300, true);
  checks.equal("nothing is wider than the window", await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await screenshots(page, folder, "narrow-connections");
  checks.equal("nothing is wrong in the narrow console", page.problems, []);
  await leave(page);
}

/** A connection that was made half-open says so, and can only be cut off. */
export async function silence({ browser, server, clients, checks, folder }) {
  await clients.connect("silent", `${server.url}?mockforge-test=silent`);
  const page = await browser.open(`${site(server)}?test=silent#connections`);
  await page.click("#connections-list .row", "/ws");
  await clients.say("silent", '{"last":"word"}');
  await sees(page, "#connection .row", "last");
  await page.click("#connection button", "Go silent");
  await sees(page, "#connection .facts", "silent");
  const enabled = await page.until("what does not work is disabled", () => {
    const buttons = [...document.querySelectorAll("#connection .actions button")].filter((it) => !it.matches(":disabled"));
    return buttons.length < 3 && buttons.map((it) => it.textContent);
  });
  checks.equal("it can be cut off", enabled, ["Cut off"]);
  await screenshots(page, folder, "silent");
  await page.click("#connection button", "Cut off");
  await sees(page, "#connection .facts", "ended");
  checks.equal("its client hears of it", (await clients.closed("silent"))[0], 1006);
  checks.equal("its counts are the last ones", /Received1 message/.test(await shown(page, "#connection .facts")), true);
  checks.equal("nothing is wrong in the silent console", page.problems, []);
  await leave(page);
}

/** Without a journal there is no stream: the page says so, and does not ask for it again and again. */
export async function withoutJournal({ browser, program, checks, folder }) {
  const file = join(folder, "no-journal.yaml");
  writeFileSync(file, "websocket:\n  journal:\n    enabled: false\n");
  const server = await serve(program, "--config", file);
  const clients = await Clients.open(browser, server);
  await clients.connect("quiet", server.url);
  const page = await browser.open(site(server), { width: 1280, height: 800 });
  await sees(page, "#stream-state", "Journal off");
  await sees(page, "#all-messages .list", "keeps no journal");
  await sees(page, "#number-connections", "1");
  await clients.sayAll("quiet", ["a", "b", "c"]);
  await page.until("traffic is counted", () => /^[1-9]/.test(document.getElementById("number-received").textContent));
  await screenshots(page, folder, "no-journal");
  await page.press("2");
  await page.click("#connections-list .row", "/ws");
  await sees(page, "#connection .facts", "3 messages");
  await sees(page, "#connection .list", "keeps no journal");
  await page.evaluate(() => document.activeElement.blur());
  await page.press("5");
  await sees(page, "#mock-cards .note", "Nothing is uploaded");
  const asked = await page.evaluate(() => performance.getEntriesByType("resource").filter((it) => /\/(find|events|unmatched)/.test(it.name)).length);
  checks.equal("nobody asks a journal that is not there again", asked <= 2, true);
  await sees(page, "#stream-state", "Journal off");
  checks.equal("the server without a journal ends well", await server.stop(), 0);
  await sees(page, "#stream-state", "Lost");
}
