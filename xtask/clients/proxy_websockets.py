"""Python's `websockets` on both sides of `mockforge serve --proxy`: what one side says is what the other hears.

Argument: the program.
"""

import asyncio
import contextlib
import socket
import sys
import time

from checks import Checks
from mockforge import Mockforge
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

TIMEOUT = 10
PROGRAM = sys.argv[1]
MESSAGES = ["grüße", "", "é" * 100_000, b"\x00\x01\xff", b"", bytes(range(256)) * 300]
checks = Checks()


class Upstream:
    """A server whose connections wait in a queue until the test asks for them."""

    def __init__(self):
        self.arrived = asyncio.Queue()

    async def handle(self, connection):
        await self.arrived.put(connection)
        await connection.wait_closed()

    @contextlib.asynccontextmanager
    async def through(self, url, **options):
        """Both ends of a connection through the proxy."""
        async with connect(url, open_timeout=TIMEOUT, compression=None, **options) as client:
            async with asyncio.timeout(TIMEOUT):
                server = await self.arrived.get()
            yield client, server


async def hear(connection):
    async with asyncio.timeout(TIMEOUT):
        return await connection.recv()


async def ended(connection):
    """The code and reason of the Close frame that came; 1006 if there was none."""
    async with asyncio.timeout(TIMEOUT):
        try:
            return ("heard", await connection.recv())
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")


async def headers(upstream, url):
    sent = {
        "Cookie": "session=1; theme=dark",
        "Authorization": "Bearer secret",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    path = "/rooms/7?token=a%20b&empty=&token=c"
    origin = "http://localhost:5173"
    options = {"additional_headers": sent, "origin": origin, "subprotocols": ["chat.v2", "chat.v1"]}
    async with upstream.through(url + path, **options) as (client, server):
        checks.equal("path and query arrive", server.request.path, f"/base{path}")
        arrived = {name: server.request.headers.get(name) for name in [*sent, "Origin"]}
        checks.equal("headers arrive", arrived, {**sent, "Origin": origin})
        checks.equal("the upstream's subprotocol is chosen", client.subprotocol, "chat.v1")
        checks.equal("no extension is chosen", client.protocol.extensions, [])


async def messages(upstream, url):
    async with upstream.through(url) as (client, server):
        for name, source, sink in [("up", client, server), ("down", server, client)]:
            for message in [*MESSAGES, ["in ", "", "parts"]]:
                await source.send(message)
            heard = [await hear(sink) for _ in range(len(MESSAGES) + 1)]
            checks.equal(f"messages come {name} as they are", heard, [*MESSAGES, "in parts"])
            async with asyncio.timeout(TIMEOUT):
                # Ready when a pong with this payload comes.
                await (await source.ping(b"payload"))
            await source.send("after the ping")
            checks.equal(f"a ping that goes {name} is answered", await hear(sink), "after the ping")


async def closes(upstream, url):
    for arguments in [(1000, ""), (1000, "done"), (1001, "going"), (4001, "größer")]:
        for name in ["client", "server"]:
            async with upstream.through(url) as (client, server):
                source, sink = (client, server) if name == "client" else (server, client)
                closing = asyncio.create_task(source.close(*arguments))
                what = f"the {name}'s close with {arguments}"
                checks.equal(f"{what} arrives", await ended(sink), arguments)
                await closing
                checks.equal(f"{what} is answered", source.close_code, arguments[0])


async def deaths(upstream, url):
    async with upstream.through(url) as (client, server):
        server.transport.abort()
        checks.equal("an upstream that is gone is Close 1014", (await ended(client))[0], 1014)
    async with upstream.through(url) as (client, server):
        start = time.monotonic()
        client.transport.abort()
        checks.equal("a client that is gone ends the upstream without a Close frame", await ended(server), (1006, ""))
        checks.equal("within a second", time.monotonic() - start < 1, True)


async def order(upstream, url):
    sent = [bytes([i >> 8, i & 255]) if i % 3 == 0 else f"message {i}" for i in range(10_000)]
    async with upstream.through(url) as (client, server):

        async def send():
            for message in sent:
                await client.send(message)

        async def echo():
            heard = []
            for _ in sent:
                heard.append(await hear(server))
                await server.send(heard[-1])
            return heard

        async def listen():
            return [await hear(client) for _ in sent]

        _, up, down = await asyncio.gather(send(), echo(), listen())
        checks.equal("10,000 messages go up in order", up, sent)
        checks.equal("10,000 messages come down in order", down, sent)


async def nobody():
    # A port on which nobody listens: one that has just been given back.
    with socket.create_server(("127.0.0.1", 0)) as port:
        address = f"ws://127.0.0.1:{port.getsockname()[1]}"
    proxy = Mockforge(PROGRAM, "serve", "--proxy", address)
    start = time.monotonic()
    try:
        await connect(proxy.url, open_timeout=TIMEOUT)
        status = "accepted"
    except InvalidStatus as refused:
        status = refused.response.status_code
    checks.equal("an upstream that is down is HTTP 502", status, 502)
    checks.equal("within 6 seconds", time.monotonic() - start < 6, True)
    checks.equal("the proxy before nobody stops well", proxy.stop(), 0)


async def main():
    upstream = Upstream()
    options = {"subprotocols": ["chat.v1"], "select_subprotocol": choose, "ping_interval": None}
    async with serve(upstream.handle, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        proxy = Mockforge(PROGRAM, "serve", "--proxy", f"ws://127.0.0.1:{port}/base")
        for session in [headers, messages, closes, deaths, order]:
            await session(upstream, proxy.url)
        checks.equal("the proxy stops well", proxy.stop(), 0)
    await nobody()


def choose(_connection, offered):
    """Not the first that is offered, which is what mockforge would choose by itself."""
    return "chat.v1" if "chat.v1" in offered else None


asyncio.run(main())
checks.finish("Python websockets through a proxy")
