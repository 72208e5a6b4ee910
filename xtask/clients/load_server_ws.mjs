// A server on npm's `ws` that counts for itself: /echo returns each message, /room sends it to all that are there. Counts of
// a path and query are at /counts/PATH?QUERY on the same port.

import { createServer } from "node:http";
import { createRequire } from "node:module";

// `import` would look beside this file only; the package is where NODE_PATH says.
const { WebSocketServer } = createRequire(import.meta.url)("ws");

const counts = new Map();
const countsOf = (url) => {
  if (!counts.has(url)) counts.set(url, { connections: 0, received: 0, sent: 0, closed: 0 });
  return counts.get(url);
};

const http = createServer((request, response) => {
  response.end(JSON.stringify(countsOf(request.url.replace("/counts", ""))));
});
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
const room = new Set();

server.on("connection", (socket, request) => {
  const count = countsOf(request.url);
  const isRoom = request.url.startsWith("/room");
  count.connections += 1;
  if (isRoom) room.add(socket);
  socket.on("message", (data, binary) => {
    count.received += 1;
    for (const member of isRoom ? room : [socket]) {
      member.send(data, { binary });
      count.sent += 1;
    }
  });
  socket.on("close", (code) => {
    room.delete(socket);
    if (code === 1000) count.closed += 1;
  });
});

http.listen(0, "127.0.0.1", () => console.log(`listening on ws://127.0.0.1:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));
