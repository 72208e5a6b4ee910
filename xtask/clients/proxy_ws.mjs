// npm's `ws` on both sides of `mockforge serve --proxy`: what one side says is what the other hears. Argument: the
// program.

import { createServer } from "node:net";
import { once } from "node:events";
import { createRequire } from "node:module";
import { Checks } from "./checks.mjs";
import { Heard } from "./heard.mjs";
import { serve } from "./mockforge.mjs";

// `import` would look beside this file only; the package is where NODE_PATH says.
const WebSocket = createRequire(import.meta.url)("ws");

const [program] = process.argv.slice(2);
const checks = new Checks();

const upstream = new WebSocket.WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  // Not the first that is offered, which is what mockforge would choose by itself.
  handleProtocols: (offered) => (offered.has("chat.v1") ? "chat.v1" : false),
  verifyClient: ({ req }, answer) =>
    req.url.includes("forbidden") ? answer(false, 403, "not you", { "x-why": "a test" }) : answer(true),
});
await once(upstream, "listening");
const proxy = await serve(program, "--proxy", `ws://127.0.0.1:${upstream.address().port}/base`);

/** Both ends of a connection through the proxy, and the request as the upstream got it. */
async function connect(path = "", protocols = [], options = {}) {
  const arrived = once(upstream, "connection").then(([socket, request]) => [new Heard(socket), request]);
  const client = new Heard(new WebSocket(proxy.url + path, protocols, options));
  await client.nth("open");
  const [server, request] = await arrived;
  return { client, server, request };
}

{
  const headers = {
    cookie: "session=1; theme=dark",
    authorization: "Bearer secret",
    origin: "http://localhost:5173",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-own": "1",
  };
  const path = "/rooms/7?token=a%20b&empty=&token=c";
  const { client, server, request } = await connect(path, ["chat.v2", "chat.v1"], { headers });
  checks.equal("path and query arrive", request.url, `/base${path}`);
  const arrived = Object.keys(headers).map((name) => [name, request.headers[name]]);
  checks.equal("headers arrive", Object.fromEntries(arrived), headers);
  checks.equal("the upstream is asked by its own name", request.headers.host, `127.0.0.1:${upstream.address().port}`);
  const offered = request.headers["sec-websocket-protocol"].split(/, */);
  checks.equal("all subprotocols are offered", offered, ["chat.v2", "chat.v1"]);
  checks.equal("the upstream's subprotocol is chosen", client.socket.protocol, "chat.v1");
  client.socket.close();
  await server.nth("close");
}

const messages = ["grüße", "", "é".repeat(100_000), [0, 1, 255], [], Array.from({ length: 70_000 }, (_, i) => i % 256)];

{
  const { client, server } = await connect();
  checks.equal("no subprotocol is chosen when none is offered", client.socket.protocol, "");
  for (const [name, from, to] of [
    ["up", client, server],
    ["down", server, client],
  ]) {
    for (const message of messages) {
      from.socket.send(Array.isArray(message) ? Buffer.from(message) : message);
    }
    from.socket.send("in ", { fin: false });
    from.socket.send("", { fin: false });
    from.socket.send("parts", { fin: true });
    await to.nth("message", messages.length + 1);
    checks.equal(`messages come ${name} as they are`, to.message, [...messages, "in parts"]);
  }
  // What came twice would stand before the text that is sent afterwards.
  client.socket.ping("from the client");
  await client.nth("pong");
  client.socket.send("after the ping");
  await server.nth("message", messages.length + 2);
  server.socket.ping("from the server");
  await server.nth("pong");
  server.socket.send("after the ping");
  await client.nth("message", messages.length + 2);
  const counted = [server.ping, client.pong, client.ping, server.pong];
  checks.equal(
    "each ping arrives once and is answered once",
    counted,
    [["from the client"], ["from the client"], ["from the server"], ["from the server"]],
  );
  client.socket.close();
  await server.nth("close");
}

for (const [code, reason] of [[1000, ""], [1000, "done"], [1001, "going"], [4001, "größer"], []]) {
  const wanted = [code ?? 1005, reason ?? ""];
  const name = wanted.join(" ").trim();
  for (const [from, to] of [["client", "server"], ["server", "client"]]) {
    const ends = await connect();
    ends[from].socket.close(code, reason);
    checks.equal(`the ${to} hears that the ${from} closes with ${name}`, await ends[to].nth("close"), wanted);
    checks.equal(`the ${from} that closes with ${name} is answered`, (await ends[from].nth("close"))[0], wanted[0]);
  }
}

{
  const { client, server } = await connect();
  server.socket.send("last words");
  server.socket.terminate();
  checks.equal("an upstream that is gone is Close 1014", (await client.nth("close"))[0], 1014);
  checks.equal("what it said before arrives", client.message, ["last words"]);
}
{
  const { client, server } = await connect();
  server.socket._socket.resetAndDestroy();
  checks.equal("an upstream that resets is Close 1014", (await client.nth("close"))[0], 1014);
}
{
  const { client, server } = await connect();
  const start = performance.now();
  client.socket.terminate();
  checks.equal("a client that is gone ends the upstream without a Close frame", await server.nth("close"), [1006, ""]);
  checks.equal("within a second", performance.now() - start < 1_000, true);
}

{
  const { client, server } = await connect();
  server.socket.on("message", (data, isBinary) => server.socket.send(data, { binary: isBinary }));
  const sent = Array.from({ length: 10_000 }, (_, i) => (i % 3 === 0 ? [i >> 8, i & 255] : `message ${i}`));
  for (const message of sent) {
    client.socket.send(Array.isArray(message) ? Buffer.from(message) : message);
  }
  await client.nth("message", sent.length);
  checks.equal("10,000 messages go up in order", server.message, sent);
  checks.equal("10,000 messages come down in order", client.message, sent);
  client.socket.close();
  await server.nth("close");
}

/** How a handshake is refused. */
async function refused(url) {
  const socket = new WebSocket(url);
  const response = await new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_, response) => resolve(response));
    socket.on("open", () => reject(new Error("the handshake was not refused")));
    socket.on("error", reject);
  });
  const body = await response.setEncoding("utf8").toArray();
  return { status: response.statusCode, headers: response.headers, body: body.join("") };
}

{
  const { status, headers, body } = await refused(`${proxy.url}/forbidden`);
  checks.equal("the upstream's refusal comes down", [status, headers["x-why"], body], [403, "a test", "not you"]);
}
{
  // A port on which nobody listens: one that somebody has just given back.
  const nobody = createServer().listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const { port } = nobody.address();
  nobody.close();
  await once(nobody, "close");
  const down = await serve(program, "--proxy", `ws://127.0.0.1:${port}`);
  const start = performance.now();
  const { status } = await refused(down.url);
  checks.equal("an upstream that is down is HTTP 502", status, 502);
  checks.equal("within 6 seconds", performance.now() - start < 6_000, true);
  checks.equal("the proxy before nobody stops well", await down.stop(), 0);
}

checks.equal("the proxy stops well", await proxy.stop(), 0);
checks.finish("npm ws through a proxy");
