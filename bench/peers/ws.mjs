// Peer: npm `ws` on Node. /ws/echo returns each message, /ws/json answers a ping with its pong, /ws/room sends each message
// to every connection there, the sender included.
// Argument: the folder whose node_modules holds `ws`.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(`${process.argv[2]}/`)("ws");
const room = new Set();

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket, request) => {
  if (request.url === "/ws/room") {
    room.add(socket);
    socket.on("close", () => room.delete(socket));
    socket.on("message", (data, binary) => {
      for (const member of room) member.send(data, { binary });
    });
  } else if (request.url === "/ws/json") {
    socket.on("message", (data) => {
      const { type, n } = JSON.parse(data);
      if (type === "ping") socket.send(JSON.stringify({ type: "pong", n }));
    });
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
});
server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}/`));
