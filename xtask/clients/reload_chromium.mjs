// A page in Chromium keeps one connection while the handler behind it is edited, in the ways in which editors save.
// Arguments: the program `mockforge`, and a folder to write into.

import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Checks } from "./checks.mjs";
import { visit } from "./chromium_page.mjs";
import { serve } from "./mockforge.mjs";

const [program, folder] = process.argv.slice(2);
const TIMEOUT = 60_000;
/** How long a save may take to be seen in the page, in milliseconds. */
const PROMISED = 1_000;

const handlers = join(folder, "handlers");
mkdirSync(handlers, { recursive: true });
const file = join(handlers, "live.js");
const source = (word) => `export const path = "/ws/live";
state.count ??= 0;
export function onMessage(ctx) {
    state.count += 1;
    return ctx.send({ word: "${word}", count: state.count });
}
`;

/** Each way of saving, and the word that the handler then says. */
const saves = [
  ["written in place", (text) => writeFileSync(file, text)],
  [
    "renamed over",
    (text) => {
      writeFileSync(`${file}~`, text);
      renameSync(`${file}~`, file);
    },
  ],
  [
    "truncated, and written a moment later",
    async (text) => {
      writeFileSync(file, "");
      await sleep(30);
      appendFileSync(file, text.slice(0, 20));
      await sleep(30);
      appendFileSync(file, text.slice(20));
    },
  ],
  [
    "deleted and made again",
    async (text) => {
      rmSync(file);
      await sleep(30);
      writeFileSync(file, text);
    },
  ],
  [
    "a link to another file",
    (text) => {
      writeFileSync(join(handlers, "_other.js"), text);
      symlinkSync("_other.js", `${file}~`);
      renameSync(`${file}~`, file);
    },
  ],
];

writeFileSync(file, source("word 0"));
const server = await serve(program, "--handlers", handlers, "--watch");

/** Runs in the page: asks all the time, and posts what is new; resolves when it is told to stop. */
async function carryOut(url, last) {
  const socket = new WebSocket(url);
  const seen = { words: [], closed: false, lost: 0 };
  let count = 0;
  socket.onopen = () => setInterval(() => socket.send("?"), 10);
  socket.onclose = () => (seen.closed = true);
  await new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      if (answer.count !== ++count) {
        seen.lost += 1;
        count = answer.count;
      }
      if (answer.word !== seen.words.at(-1)) {
        seen.words.push(answer.word);
        fetch("/news", { method: "POST", body: JSON.stringify(answer.word) });
        if (answer.word === last) resolve();
      }
    };
  });
  await fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
}

const checks = new Checks();
let savedAt;
let next = 0;

/** The page sees a new word: that was the last save; here comes the next one. */
async function onNews(word) {
  checks.equal("the word is that of the last save", word, `word ${next}`);
  if (next > 0) {
    const took = Date.now() - savedAt;
    const [way] = saves[next - 1];
    checks.equal(`${way}: seen after ${took} ms, of at most ${PROMISED}`, took <= PROMISED, true);
  }
  if (next < saves.length) {
    const [, save] = saves[next++];
    await save(source(`word ${next}`));
    savedAt = Date.now();
  }
}

const last = `word ${saves.length}`;
const page = `<!doctype html><meta charset="utf-8"><title>live</title><script type="module">
${carryOut}
await carryOut(${JSON.stringify(`${server.url}/live`)}, ${JSON.stringify(last)});
</script>`;
const seen = await visit(page, TIMEOUT, onNews);

checks.equal("the connection is the same to the end", seen.closed, false);
checks.equal("no answer was lost, and the state was kept", seen.lost, 0);
checks.equal("the words came in their order", seen.words, ["word 0", ...saves.map((_, n) => `word ${n + 1}`)]);
checks.equal("the server ends well", await server.stop(), 0);
checks.finish("Chromium, while a handler is edited");
