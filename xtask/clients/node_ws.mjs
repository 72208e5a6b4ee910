// A session of npm's `ws`. Arguments: the addresses of a raw echo, of the default server, and of one that says "bye"
// and closes with 4002 "done".

import { createRequire } from "node:module";
import { Checks } from "./checks.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [rawUrl, interactiveUrl, closingUrl] = process.argv.slice(2);
const TIMEOUT = 10_000;
const checks = new Checks();

/** The arguments of the next event of this name; an error if the connection closes first, or nothing comes in time. */
const next = (socket, name) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} within ${TIMEOUT} ms`)), TIMEOUT);
    const settle = (how, value) => {
      clearTimeout(timer);
      how(value);
    };
    socket.once(name, (...values) => settle(resolve, values));
    if (name !== "close") {
      socket.once("close", (code) => settle(reject, new Error(`closed with ${code} instead of ${name}`)));
    }
  });

async function open(url, protocols = []) {
  const socket = new WebSocket(url, protocols, { handshakeTimeout: TIMEOUT });
  await next(socket, "open");
  return socket;
}

/** Sends and returns the answer as [data, isBinary]. */
async function ask(socket, data, options = {}) {
  const answer = next(socket, "message");
  socket.send(data, options);
  return answer;
}

async function close(socket, code, reason) {
  const closed = next(socket, "close");
  socket.close(code, reason);
  const [gotCode, gotReason] = await closed;
  return [gotCode, gotReason.toString()];
}

const raw = await open(rawUrl);
for (const [name, text] of [
  ["text", "grüße"],
  ["empty text", ""],
  ["long text", "é".repeat(100_000)],
]) {
  const [data, isBinary] = await ask(raw, text);
  checks.equal(`${name} comes back unchanged`, [data.toString(), isBinary], [text, false]);
}
{
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const [data, isBinary] = await ask(raw, bytes);
  checks.equal("binary comes back as binary", [[...data], isBinary], [[...bytes], true]);
}
{
  const answer = next(raw, "message");
  raw.send("in ", { fin: false });
  raw.send("two ", { fin: false });
  raw.send("parts", { fin: true });
  const [data] = await answer;
  checks.equal("a fragmented message is one message", data.toString(), "in two parts");
}
{
  const pong = next(raw, "pong");
  raw.ping("payload");
  const [payload] = await pong;
  checks.equal("a ping is answered with its payload", payload.toString(), "payload");
}
checks.equal("no subprotocol is chosen when none is offered", raw.protocol, "");
checks.equal("no extension is chosen", raw.extensions, "");
checks.equal("the client's close code comes back", (await close(raw, 4000, "enough"))[0], 4000);

const interactive = await open(interactiveUrl);
{
  const [data] = await ask(interactive, "hello");
  checks.equal("the default answers `echo: <text>`", data.toString(), "echo: hello");
}
{
  const [data, isBinary] = await ask(interactive, Buffer.from([0, 255]));
  checks.equal("the default returns binary as it came", [[...data], isBinary], [[0, 255], true]);
}
checks.equal("a normal close is normal", (await close(interactive, 1000, ""))[0], 1000);

const offering = await open(rawUrl, ["chat.v2", "chat.v1"]);
checks.equal("the first subprotocol offered is chosen", offering.protocol, "chat.v2");
checks.equal("a close without a code has none", (await close(offering))[0], 1005);

// Listeners first: what the server says at once must not come before anybody listens.
const closing = new WebSocket(closingUrl, { handshakeTimeout: TIMEOUT });
const heard = [];
closing.on("message", (data) => heard.push(data.toString()));
const [code, reason] = await next(closing, "close");
checks.equal("the server's last words arrive", heard, ["bye"]);
checks.equal("the server's close code and reason arrive", [code, reason.toString()], [4002, "done"]);

checks.finish("npm ws");
