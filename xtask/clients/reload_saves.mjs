// 1,000 connections while handlers are saved 1,000 times. Two scripts answer on one path, both by what a third file says: no
// client may ever hear them disagree. Arguments: the program `mockforge`, and a folder to write into.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Checks } from "./checks.mjs";
import { serve } from "./mockforge.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [program, folder] = process.argv.slice(2);
const CONNECTIONS = 1_000;
/** Saves that are waited for, each until somebody has seen it. */
const AWAITED = 100;
/** Saves in bursts: each burst is seen as one, or as a few. */
const BURSTS = 45;
const BURST = 20;
/** How long the last save may take to be seen by everybody, in milliseconds. */
const TIMEOUT = 20_000;

const handlers = join(folder, "saved");
mkdirSync(handlers, { recursive: true });
const script = (name) => `import { version } from "./_version.js";
export const path = "/ws/saved";
export function onConnect(ctx) { return ctx.send("${name} " + version); }
export function onMessage(ctx) { return ctx.send("${name} " + version); }
`;
writeFileSync(join(handlers, "a.js"), script("a"));
writeFileSync(join(handlers, "b.js"), script("b"));
let saved = 0;
function save() {
  saved += 1;
  const file = join(handlers, "_version.js");
  const text = `export const version = ${saved};\n`;
  if (saved % 3 === 0) {
    writeFileSync(file, text);
  } else {
    writeFileSync(`${file}~`, text);
    renameSync(`${file}~`, file);
  }
}
save();
const server = await serve(program, "--handlers", handlers, "--watch");

/** What was heard by all clients together. */
const heard = { newest: 0, pairs: 0, halves: [], refused: [], closed: [], backwards: 0 };
let isOver = false;
const waiting = [];

/** Notes what both scripts said for one message, or as a greeting. */
function note([a, b], before) {
  heard.pairs += 1;
  const version = Number(a.slice(2));
  if (a !== `a ${version}` || b !== `b ${version}`) heard.halves.push(`${a} | ${b}`);
  if (version < before) heard.backwards += 1;
  if (version > heard.newest) {
    heard.newest = version;
    for (const wait of waiting.splice(0)) wait();
  }
  return version;
}

/** One client: greeted, then asking `asks` times (or until all is over), with a rest in between. */
function client(asks, rest) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${server.url}/saved`, { perMessageDeflate: false });
    let parts = [];
    let version = 0;
    let isLeaving = false;
    socket.on("message", async (data) => {
      parts.push(data.toString());
      if (parts.length < 2) return;
      version = note(parts, version);
      parts = [];
      if (asks-- <= 0 || (isOver && version === saved)) {
        isLeaving = true;
        return socket.close(1000);
      }
      await sleep(Math.random() * rest);
      if (socket.readyState === WebSocket.OPEN) socket.send("?");
    });
    socket.on("error", (error) => heard.refused.push(String(error)));
    socket.on("close", (code) => {
      if (!isLeaving) heard.closed.push(code);
      resolve(version);
    });
  });
}

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) / 1024;

const clients = [];
for (let n = 0; n < CONNECTIONS; n += 1) {
  clients.push(client(Infinity, 1_000));
  // No more at once than wait in a listener's backlog.
  if (n % 100 === 99) await sleep(50);
}
// Beside them some come and go all the time.
const passing = (async () => {
  let count = 0;
  while (!isOver) {
    await Promise.all(Array.from({ length: 5 }, () => client(2, 20)));
    count += 5;
  }
  return count;
})();

const seenBySomebody = () => new Promise((resolve) => waiting.push(resolve));
while (heard.pairs < CONNECTIONS) await sleep(50);
const before = resident();
let middle;
for (let n = 0; n < AWAITED; n += 1) {
  save();
  const limit = Date.now() + TIMEOUT;
  while (heard.newest < saved && Date.now() < limit) await Promise.race([seenBySomebody(), sleep(1_000)]);
  if (n === AWAITED / 2) middle = resident();
}
for (let burst = 0; burst < BURSTS; burst += 1) {
  for (let n = 0; n < BURST; n += 1) {
    save();
    await sleep(5);
  }
  await sleep(300);
}
const after = resident();
isOver = true;
const limit = sleep(TIMEOUT).then(() => "too late");
const ended = await Promise.race([Promise.all(clients), limit]);
const passed = await passing;

const checks = new Checks();
console.log(
  `${saved} saves, ${CONNECTIONS} connections and ${passed} that came and went, ${heard.pairs} pairs of answers; ` +
    `resident ${before.toFixed(1)} MiB, ${middle.toFixed(1)} after ${AWAITED / 2} saves, ${after.toFixed(1)} at the end`,
);
checks.equal("as many saves as promised", saved >= 1_000, true);
checks.equal("never half a set", heard.halves.slice(0, 5), []);
checks.equal("no connection refused", heard.refused.slice(0, 5), []);
checks.equal("no connection closed", heard.closed.slice(0, 5), []);
checks.equal("no client went back to an older version", heard.backwards, 0);
checks.equal("in the end everybody has the last version", new Set(ended), new Set([saved]));
checks.equal("memory is flat", after <= middle * 1.1 + 16, true);
checks.equal("the server ends well", await server.stop(), 0);
checks.finish("npm ws, while handlers are saved");
