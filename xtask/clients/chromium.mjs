// A session of Chromium. Arguments: the addresses of a raw echo, of the default server, and of one that says "bye" and
// closes with 4002 "done". The environment's CHROMIUM is the browser's program.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { once } from "node:events";
import { Checks } from "./checks.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const { chromium } = createRequire(import.meta.url)("playwright-core");

const [rawUrl, interactiveUrl, closingUrl] = process.argv.slice(2);
const checks = new Checks();

// A WebSocket is opened by a page, and a page has an origin.
const site = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>session</title>");
}).listen(0, "127.0.0.1");
await once(site, "listening");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    // It runs as root in CI, and shared memory is small there.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    // It asks nobody else for anything.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${site.address().port}/`);

/**
 * In the page: opens, sends, waits for as many answers, closes with the code if there is one, and returns what it saw.
 */
const session = (plan) =>
  page.evaluate(async ({ url, protocols = [], send = [], answers = send.length, code }) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    const seen = { messages: [] };
    const close = () => code && seen.messages.length >= answers && socket.close(code, "enough");
    socket.onopen = () => {
      seen.protocol = socket.protocol;
      for (const message of send) {
        socket.send(typeof message === "string" ? message : new Uint8Array(message));
      }
      close();
    };
    socket.onmessage = ({ data }) => {
      seen.messages.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
      close();
    };
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`not closed in time: ${JSON.stringify(seen)}`)), 10_000);
      socket.onclose = ({ code, reason, wasClean }) => resolve({ ...seen, code, reason, wasClean });
    });
  }, plan);

const messages = ["grüße", "", [0, 1, 255], "é".repeat(100_000)];
const raw = await session({ url: rawUrl, send: messages, code: 4000 });
checks.equal("text and binary come back as they were", raw.messages, messages);
checks.equal("no subprotocol is chosen when none is offered", raw.protocol, "");
checks.equal("the client's close code comes back", [raw.code, raw.wasClean], [4000, true]);

const interactive = await session({ url: interactiveUrl, send: ["hello", [0, 255]], code: 1000 });
checks.equal("the default answers `echo: <text>`, and binary as it came", interactive.messages, [
  "echo: hello",
  [0, 255],
]);

const offering = await session({ url: rawUrl, protocols: ["chat.v2", "chat.v1"], code: 1000 });
checks.equal("the first subprotocol offered is chosen", offering.protocol, "chat.v2");

const closing = await session({ url: closingUrl });
checks.equal("the server's last words arrive", closing.messages, ["bye"]);
checks.equal(
  "the server's close code and reason arrive",
  [closing.code, closing.reason, closing.wasClean],
  [4002, "done", true],
);

await browser.close();
checks.finish("Chromium");
