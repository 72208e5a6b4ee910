// Walks the cases of an Autobahn server through a proxy, so that the proxy's side towards the server is the client that
// is tested; npm's `ws`, on the other side, only returns each message. Argument: the address of the proxy.

import { createRequire } from "node:module";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const TIMEOUT = 60_000;
const [url] = process.argv.slice(2);

/** What `hear` makes of a connection's messages until it ends. However it ends, that is for the Autobahn server to judge. */
async function connect(path, hear) {
  const socket = new WebSocket(`${url}${path}`, { perMessageDeflate: false });
  socket.on("message", (data, isBinary) => hear(socket, data, isBinary));
  socket.on("error", () => {});
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${path} did not end within ${TIMEOUT} ms`)), TIMEOUT);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

let count = 0;
await connect("/getCaseCount", (_, data) => {
  count = Number(data);
});
for (let number = 1; number <= count; number += 1) {
  await connect(`/runCase?case=${number}&agent=mockforge`, (socket, data, isBinary) => {
    socket.send(data, { binary: isBinary });
  });
}
await connect("/updateReports?agent=mockforge", () => {});
