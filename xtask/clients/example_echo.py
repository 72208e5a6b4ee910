"""The echo example: greets, then returns text. Argument: the server's `ws://HOST:PORT`."""

import sys

from checks import Checks
from websockets.sync.client import connect

TIMEOUT = 10
checks = Checks()

with connect(f"{sys.argv[1]}/ws", open_timeout=TIMEOUT) as socket:
    # Sent before the greeting was read: the order must be right all the same.
    socket.send("hello")
    checks.equal("the greeting comes first", socket.recv(timeout=TIMEOUT), "Welcome!")
    checks.equal("text is echoed", socket.recv(timeout=TIMEOUT), "echo: hello")
    socket.send("grüße")
    checks.equal("chat stays out of /ws", socket.recv(timeout=TIMEOUT), "echo: grüße")

checks.finish("echo example")
