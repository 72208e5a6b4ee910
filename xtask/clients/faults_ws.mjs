// Faults of `faults.yaml` as npm's `ws` sees them. Argument: the address of a server with that file.

import { createRequire } from "node:module";
import { Checks } from "./checks.mjs";
import { Heard } from "./heard.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [url] = process.argv.slice(2);
const checks = new Checks();

const connect = (path, options = {}) => new Heard(new WebSocket(`${url}/${path}`, options));

/** How it ends when "go" is said: what was heard before, the error, and the code of the close event. */
async function end(path, options) {
  const client = connect(path, options);
  await client.nth("open");
  // `ws` keeps what the system says of the socket to itself.
  client.socket._socket.on("error", ({ code }) => client.error.push(code));
  client.socket.send("go");
  const [code, reason] = await client.nth("close");
  return { messages: client.message, errors: client.error, code, reason };
}

const ended = (code, reason = "", errors = []) => ({ messages: [], errors, code, reason });

{
  const client = connect("refuse");
  const refused = await new Promise((resolve) => {
    client.socket.on("open", () => resolve("accepted"));
    client.socket.on("unexpected-response", async (_, response) => {
      const body = await response.setEncoding("utf8").toArray();
      resolve([response.statusCode, response.headers["retry-after"], response.headers["x-why"], body.join("")]);
    });
  });
  checks.equal("refuse: status, headers and body", refused, [429, "7", "a test", "slow down"]);
}
{
  const client = connect("drop-handshake");
  checks.equal("drop_handshake: 1006", (await client.nth("close"))[0], 1006);
  checks.equal("drop_handshake: hung up", client.error, ["ECONNRESET"]);
}

checks.equal("reset: ECONNRESET and 1006", await end("reset"), ended(1006, "", ["ECONNRESET"]));
checks.equal("disconnect: 1006", await end("disconnect"), ended(1006));
checks.equal("close: 1011 and a reason", await end("close-1011"), ended(1011, "out of order"));
checks.equal("close: 1012, at an age", (await end("close-1012")).code, 1012);
checks.equal(
  "close: a forbidden code is a protocol error",
  (await end("close-1006")).errors,
  ["WS_ERR_INVALID_CLOSE_CODE"],
);
checks.equal("bad_utf8: an error", (await end("bad-utf8")).errors, ["WS_ERR_INVALID_UTF8"]);
checks.equal("bad_rsv: an error", (await end("bad-rsv")).errors, ["WS_ERR_UNEXPECTED_RSV_2_3"]);
checks.equal("bad_opcode: an error", (await end("bad-opcode")).errors, ["WS_ERR_INVALID_OPCODE"]);
checks.equal(
  "oversized: an error",
  (await end("oversized", { maxPayload: 1_000_000 })).errors,
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"],
);

{
  const client = connect("half-open");
  await client.nth("open");
  client.socket.ping("before");
  await client.nth("pong");
  client.socket.send("go");
  client.socket.ping("after");
  await new Promise((resolve) => setTimeout(resolve, 500));
  checks.equal("half_open: no pong, no end", [client.pong, client.close], [["before"], []]);
  client.socket.terminate();
}
{
  const client = connect("fragment");
  await client.nth("open");
  client.socket.send("grüße");
  client.socket.send(Buffer.from([1, 2, 3, 4]));
  await client.nth("message", 2);
  checks.equal("fragment: messages are whole", client.message, ["grüße", [1, 2, 3, 4]]);
  client.socket.terminate();
}

checks.finish("npm ws and faults");
