"""A session of Python's `websockets`.

Arguments: the addresses of a raw echo, of the default server, and of one that says "bye" and closes with 4002 "done".

With asyncio: the other client of this library reads and writes in two threads, which an SSL object does not bear. With it a handshake hangs
about once in five hundred, with other servers, too.
"""

import asyncio
import sys

from checks import Checks
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TIMEOUT = 10
RAW, INTERACTIVE, CLOSING = sys.argv[1:]
checks = Checks()


async def receive(socket):
    return await asyncio.wait_for(socket.recv(), TIMEOUT)


async def ask(socket, message):
    await socket.send(message)
    return await receive(socket)


async def close(socket, *arguments):
    """Closes and returns the code that the server answers with."""
    await socket.close(*arguments)
    return socket.protocol.close_rcvd.code


async def session():
    async with connect(RAW, open_timeout=TIMEOUT) as raw:
        for name, text in [("text", "grüße"), ("empty text", ""), ("long text", "é" * 100_000)]:
            checks.equal(f"{name} comes back unchanged", await ask(raw, text), text)
        checks.equal("binary comes back as binary", await ask(raw, bytes(range(256))), bytes(range(256)))
        checks.equal("a fragmented message is one message", await ask(raw, ["in ", "two ", "parts"]), "in two parts")
        # It comes with a pong with this payload only.
        pong = await asyncio.wait_for(await raw.ping(b"payload"), TIMEOUT)
        checks.equal("a ping is answered with its payload", pong >= 0, True)
        checks.equal("no subprotocol is chosen when none is offered", raw.subprotocol, None)
        checks.equal("no extension is chosen", raw.response.headers.get("Sec-WebSocket-Extensions"), None)
        checks.equal("the client's close code comes back", await close(raw, 4000, "enough"), 4000)

    async with connect(INTERACTIVE, open_timeout=TIMEOUT) as interactive:
        checks.equal("the default answers `echo: <text>`", await ask(interactive, "hello"), "echo: hello")
        checks.equal("the default returns binary as it came", await ask(interactive, b"\x00\xff"), b"\x00\xff")
        checks.equal("a normal close is normal", await close(interactive), 1000)

    async with connect(RAW, open_timeout=TIMEOUT, subprotocols=["chat.v2", "chat.v1"]) as offering:
        checks.equal("the first subprotocol offered is chosen", offering.subprotocol, "chat.v2")

    async with connect(CLOSING, open_timeout=TIMEOUT) as closing:
        checks.equal("the server's last words arrive", await receive(closing), "bye")
        try:
            await receive(closing)
            ended = None
        except ConnectionClosed as end:
            ended = end.rcvd and (end.rcvd.code, end.rcvd.reason)
        checks.equal("the server's close code and reason arrive", ended, (4002, "done"))


asyncio.run(session())
checks.finish("Python websockets")
