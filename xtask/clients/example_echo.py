"""The echo example: greets, then returns text. Argument: the server's `ws://HOST:PORT/ws`."""

import sys

from checks import Checks
from websockets.sync.client import connect

TIMEOUT = 10
checks = Checks()

with connect(sys.argv[1], open_timeout=TIMEOUT) as socket:
    # Sent before the greeting was read: the order must be right all the same.
    socket.send("hello")
    checks.equal("the greeting comes first", socket.recv(timeout=TIMEOUT), "Welcome!")
    checks.equal("text is echoed", socket.recv(timeout=TIMEOUT), "echo: hello")
    socket.send("/rooms")
    checks.equal("the chat stays out of /ws", socket.recv(timeout=TIMEOUT), "echo: /rooms")

checks.finish("echo example")
