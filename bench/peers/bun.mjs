// Peer: Bun's own server. /ws/echo returns each message, /ws/room publishes it to a topic which every connection there
// subscribes to, the sender included.
const ROOM = "room";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const room = new URL(request.url).pathname === "/ws/room";
    if (server.upgrade(request, { data: { room } })) return;
    return new Response("WebSocket only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(ws) {
      if (ws.data.room) ws.subscribe(ROOM);
    },
    message(ws, message) {
      if (ws.data.room) server.publish(ROOM, message);
      else ws.send(message);
    },
  },
});

console.log(`listening on ws://127.0.0.1:${server.port}/`);
