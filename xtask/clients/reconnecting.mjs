// npm's `reconnecting-websocket`, as a page would use it, recovers from two presets. Arguments: the addresses of a
// server with `server-restart` and of one with `proxy-reload`. Both begin 10 s after their start.

import { createRequire } from "node:module";
import { Checks } from "./checks.mjs";
import { Heard } from "./heard.mjs";

// `import` would look beside this file only; the packages are where NODE_PATH says.
const require = createRequire(import.meta.url);
const ReconnectingWebSocket = require("reconnecting-websocket");
const WebSocket = require("ws");

const TIMEOUT = 30_000;
const [restartUrl, reloadUrl] = process.argv.slice(2);
const checks = new Checks();

/** What a reconnecting client sees from its first message until a message comes back over its next connection. */
async function recover(url) {
  const refusals = [];
  class Socket extends WebSocket {
    constructor(...values) {
      super(...values);
      this.on("unexpected-response", (request, response) => {
        refusals.push(response.statusCode);
        request.destroy(new Error("refused"));
      });
    }
  }
  const options = { WebSocket: Socket, minReconnectionDelay: 100, maxReconnectionDelay: 200, minUptime: 0 };
  const socket = new ReconnectingWebSocket(url, [], options);
  const seen = { closes: [], opened: 0, messages: [], refusals };
  const recovered = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not recovered: ${JSON.stringify(seen)}`)), TIMEOUT);
    socket.addEventListener("open", () => {
      seen.opened += 1;
      socket.send(`hello ${seen.opened}`);
    });
    socket.addEventListener("message", ({ data }) => {
      seen.messages.push(data);
      if (seen.messages.length === 2) {
        clearTimeout(timer);
        resolve();
      }
    });
    // Also for attempts that were refused.
    socket.addEventListener("close", ({ code }) => seen.closes.push(code));
  });
  await recovered;
  socket.close();
  return seen;
}

const [restart, reload] = await Promise.all([recover(restartUrl), recover(reloadUrl)]);
for (const [name, seen, code] of [
  ["server-restart", restart, 1012],
  ["proxy-reload", reload, 1006],
]) {
  checks.equal(`${name}: the first end is ${code}`, seen.closes[0], code);
  checks.equal(`${name}: a second connection opens`, seen.opened, 2);
  checks.equal(`${name}: messages come over both`, seen.messages, ["hello 1", "hello 2"]);
}
checks.equal("server-restart: meanwhile, handshakes are refused", [...new Set(restart.refusals)], [503]);
checks.equal("proxy-reload: no handshake is refused", reload.refusals, []);
checks.finish("reconnecting-websocket");
