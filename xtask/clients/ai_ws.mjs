// Events of `mockforge serve --ai` without any language model, as npm's `ws` gets them. Argument: the program.

import { createRequire } from "node:module";
import { Checks } from "./checks.mjs";
import { Heard } from "./heard.mjs";
import { serve } from "./mockforge.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [program] = process.argv.slice(2);
const NARRATIVE = "busy stock market with AAPL and TSLA";
const checks = new Checks();

const connect = (url) => new Heard(new WebSocket(url));
const start = (...serveArguments) => serve(program, "--ai", NARRATIVE, ...serveArguments);
const upTo = (count) => Array.from({ length: count }, (_, index) => index + 1);
const sequences = (messages) => messages.map((message) => JSON.parse(message).sequence);

/** All messages until the server closes, and the code with which it does. */
async function stream(url) {
  const client = connect(url);
  const [code] = await client.nth("close");
  return { messages: client.message, code };
}

async function repeat() {
  const servers = await Promise.all([1, 2].map(() => start("--events", "20", "--rate", "10", "--seed", "7")));
  const [first, again] = await Promise.all(servers.map(({ url }) => stream(url)));
  checks.equal("twenty events in their order", sequences(first.messages), upTo(20));
  checks.equal(
    "an event has four keys",
    first.messages.map((message) => Object.keys(JSON.parse(message)).join()),
    Array(20).fill("type,timestamp,sequence,data"),
  );
  checks.equal("then the stream is closed", first.code, 1000);
  checks.equal("the same seed makes the same bytes", again.messages, first.messages);
  const codes = await Promise.all(servers.map((server) => server.stop()));
  checks.equal("both servers stop well", codes, [0, 0]);
}

async function twoAtOnceAndOneLeaves() {
  const server = await start("--events", "20", "--rate", "50");
  const leaver = connect(server.url);
  const others = [stream(server.url), stream(server.url)];
  await leaver.nth("message", 3);
  leaver.socket.terminate();
  const streams = await Promise.all(others);
  const found = streams.map(({ messages, code }) => [sequences(messages), code]);
  checks.equal("two clients have a sequence of their own each, also if a third leaves", found, [
    [upTo(20), 1000],
    [upTo(20), 1000],
  ]);
  checks.equal("and a story of their own", streams[0].messages[0] === streams[1].messages[0], false);
  checks.equal("the server that was left stops well", await server.stop(), 0);
}

async function steer() {
  const server = await start("--events", "60", "--rate", "30", "--seed", "7");
  const client = connect(server.url);
  await client.nth("message", 5);
  client.socket.send('{"symbol":"ZYXW"}');
  const [code] = await client.nth("close");
  const isAboutIt = client.message.map((message) => message.includes("ZYXW"));
  checks.equal("before a client asks for ZYXW nobody trades it", isAboutIt.slice(0, 5).includes(true), false);
  checks.equal("when it has asked, somebody does", isAboutIt.slice(5).includes(true), true);
  checks.equal("it is the same stream", [sequences(client.message), code], [upTo(60), 1000]);
  checks.equal("the server that was asked stops well", await server.stop(), 0);
}

await Promise.all([repeat(), twoAtOnceAndOneLeaves(), steer()]);
checks.finish("events that nobody wrote, npm ws");
