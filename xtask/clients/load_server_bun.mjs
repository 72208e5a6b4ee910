// The same as load_server_ws.mjs on Bun's own server, which shares no code with it.

const counts = new Map();
const countsOf = (url) => {
  if (!counts.has(url)) counts.set(url, { connections: 0, received: 0, sent: 0, closed: 0 });
  return counts.get(url);
};
const room = new Set();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const { pathname, search } = new URL(request.url);
    const url = pathname + search;
    if (url.startsWith("/counts")) return Response.json(countsOf(url.replace("/counts", "")));
    const data = { count: countsOf(url), isRoom: url.startsWith("/room") };
    if (server.upgrade(request, { data })) return undefined;
    return new Response("WebSocket only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.data.count.connections += 1;
      if (socket.data.isRoom) room.add(socket);
    },
    message(socket, message) {
      const { count, isRoom } = socket.data;
      count.received += 1;
      for (const member of isRoom ? room : [socket]) {
        // 0: it was dropped.
        if (member.send(message) !== 0) count.sent += 1;
      }
    },
    close(socket, code) {
      room.delete(socket);
      if (code === 1000) socket.data.count.closed += 1;
    },
  },
});

console.log(`listening on ws://127.0.0.1:${server.port}`);
process.on("SIGTERM", () => process.exit(0));
