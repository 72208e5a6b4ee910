"""A session of Python's `websockets`.

Arguments: the addresses of a raw echo, of the default server, and of one that says "bye" and closes with 4002 "done".
"""

import sys

from checks import Checks
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TIMEOUT = 10
RAW, INTERACTIVE, CLOSING = sys.argv[1:]
checks = Checks()


def ask(socket, message):
    socket.send(message)
    return socket.recv(timeout=TIMEOUT)


def close(socket, *arguments):
    """Closes and returns the code that the server answers with."""
    socket.close(*arguments)
    return socket.protocol.close_rcvd.code


with connect(RAW, open_timeout=TIMEOUT) as raw:
    for name, text in [("text", "grüße"), ("empty text", ""), ("long text", "é" * 100_000)]:
        checks.equal(f"{name} comes back unchanged", ask(raw, text), text)
    checks.equal("binary comes back as binary", ask(raw, bytes(range(256))), bytes(range(256)))
    checks.equal("a fragmented message is one message", ask(raw, ["in ", "two ", "parts"]), "in two parts")
    # The event is set by a pong with this payload only.
    checks.equal("a ping is answered with its payload", raw.ping(b"payload").wait(TIMEOUT), True)
    checks.equal("no subprotocol is chosen when none is offered", raw.subprotocol, None)
    checks.equal("no extension is chosen", raw.response.headers.get("Sec-WebSocket-Extensions"), None)
    checks.equal("the client's close code comes back", close(raw, 4000, "enough"), 4000)

with connect(INTERACTIVE, open_timeout=TIMEOUT) as interactive:
    checks.equal("the default answers `echo: <text>`", ask(interactive, "hello"), "echo: hello")
    checks.equal("the default returns binary as it came", ask(interactive, b"\x00\xff"), b"\x00\xff")
    checks.equal("a normal close is normal", close(interactive), 1000)

with connect(RAW, open_timeout=TIMEOUT, subprotocols=["chat.v2", "chat.v1"]) as offering:
    checks.equal("the first subprotocol offered is chosen", offering.subprotocol, "chat.v2")

with connect(CLOSING, open_timeout=TIMEOUT) as closing:
    checks.equal("the server's last words arrive", closing.recv(timeout=TIMEOUT), "bye")
    try:
        closing.recv(timeout=TIMEOUT)
        ended = None
    except ConnectionClosed as end:
        ended = end.rcvd and (end.rcvd.code, end.rcvd.reason)
    checks.equal("the server's close code and reason arrive", ended, (4002, "done"))

checks.finish("Python websockets")
