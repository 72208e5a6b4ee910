// The dialogues of `scripts_dialogues.txt`, held by npm's `ws`, all at once.
//
// Arguments: the program, and the folder of the recordings that were imported. It runs in the root of the workspace.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Checks } from "./checks.mjs";
import { Heard } from "./heard.mjs";
import { judge, serve } from "./mockforge.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [program, recordings] = process.argv.slice(2);
const FILE = "scripts_dialogues.txt";
const ABOUT_THE_REPORT = ["passed", "skipped", "failed", "finished", "unfinished"];

/** The first word, and what is behind it. */
function partition(text) {
  const end = text.indexOf(" ");
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end + 1)];
}

function read(text) {
  const dialogues = [];
  text.split("\n").forEach((line, index) => {
    if (line === "" || line.startsWith("#")) {
      return;
    }
    const [word, rest] = partition(line);
    const dialogue = dialogues.at(-1);
    if (word === "=") {
      dialogues.push({ name: rest, servers: [], turns: [], report: [] });
    } else if (word === "serve") {
      dialogue.servers.push(rest.split(" ").map((part) => part.replace("{recordings}", recordings)));
    } else if (word === "exit") {
      dialogue.exit = Number(rest);
    } else if (ABOUT_THE_REPORT.includes(word)) {
      dialogue.report.push(line);
    } else {
      const [verb, argument] = partition(rest);
      dialogue.turns.push({ line: index + 1, client: word, verb, argument });
    }
  });
  return dialogues;
}

const bytes = (base64) => [...Buffer.from(base64, "base64")];

/** One end of a connection, which takes what it hears one by one. */
class Client {
  #taken = 0;

  constructor(url) {
    this.socket = new WebSocket(url);
    this.heard = new Heard(this.socket);
  }

  hears(wanted, read = (message) => message) {
    return this.heard.nth("message", (this.#taken += 1)).then((message) => assert.deepEqual(read(message), wanted));
  }

  /** Fails if something has come that nobody took. */
  tookAll() {
    assert.deepEqual(this.heard.message.slice(this.#taken), []);
  }

  async turn(verb, argument) {
    switch (verb) {
      case "opens":
        return this.heard.nth("open");
      case "says":
        return this.socket.send(argument);
      case "sends":
        return this.socket.send(Buffer.from(argument, "base64"));
      case "hears":
        return this.hears(argument);
      case "receives":
        return this.hears(bytes(argument));
      case "hears-json":
        return this.hears(JSON.parse(argument), JSON.parse);
      case "hears-like":
        return this.hears(true, (message) => new RegExp(`^(?:${argument})$`).test(message) || message);
      case "quiet":
        await wait(Number(argument));
        this.tookAll();
        return assert.deepEqual(this.heard.close, []);
      case "ended": {
        const [code, reason] = await this.heard.nth("close");
        return assert.equal(`${code} ${reason}`.trim(), argument);
      }
      case "closes":
        this.socket.close(Number(argument));
        return this.heard.nth("close");
      default:
        throw new Error(`nobody knows what \`${verb}\` is`);
    }
  }
}

async function takeTurns(url, turns) {
  const clients = new Map();
  for (const { line, client, verb, argument } of turns) {
    if (verb === "opens") {
      clients.set(client, new Client(url.replace(/\/ws$/, argument)));
    }
    await clients
      .get(client)
      .turn(verb, argument)
      .catch((error) => {
        throw new Error(`${FILE}:${line}: ${error.message}`);
      });
  }
  for (const client of clients.values()) {
    client.socket.close();
    await client.heard.nth("close");
    client.tookAll();
  }
}

/** The lines that a dialogue has about its report. */
function readJson(file) {
  const { passed, checks, unfinished_because: unfinished } = JSON.parse(readFileSync(file, "utf8"));
  const report = checks.map(({ description, outcome, reason }) => {
    const word = outcome === "not_reached" ? "skipped" : outcome;
    return reason ? `${word} ${description}: ${reason}` : `${word} ${description}`;
  });
  report.push(unfinished ? `unfinished ${unfinished}` : "finished");
  assert.equal(passed, !report.some((line) => /^(failed|unfinished) /.test(line)));
  return report;
}

/** Has the server judge the dialogue. */
async function beJudged({ turns, exit, report }, serverArguments) {
  const folder = mkdtempSync(join(tmpdir(), "verdict-"));
  const file = join(folder, "report.json");
  try {
    const server = await judge(program, ...serverArguments, "--report", file);
    await takeTurns(server.url, turns);
    const { code, said } = await server.ended;
    assert.equal(code, exit, said);
    assert.deepEqual(readJson(file), report);
    assert.match(said, exit === 0 ? /: passed: [^\n]+\n$/ : /: failed: [^\n]+\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What went otherwise than it is written. */
async function hold(dialogue, serverArguments) {
  try {
    if (dialogue.exit !== undefined) {
      await beJudged(dialogue, serverArguments);
    } else {
      const server = await serve(program, ...serverArguments);
      try {
        await takeTurns(server.url, dialogue.turns);
      } finally {
        assert.equal(await server.stop(), 0);
      }
    }
  } catch (error) {
    return error.message;
  }
}

const dialogues = read(readFileSync(new URL(FILE, import.meta.url), "utf8"));
const held = dialogues.flatMap((dialogue) => dialogue.servers.map((server) => [dialogue, server]));
const problems = await Promise.all(held.map((it) => hold(...it)));
const checks = new Checks();
held.forEach(([{ name }, server], index) => {
  checks.equal(`${name} (${basename(server[1])})`, problems[index], undefined);
});
checks.finish("scripts and rules, npm ws");
