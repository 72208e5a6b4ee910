"""The chat example: two people, two rooms. Argument: the server's `ws://HOST:PORT`."""

import json
import sys

from checks import Checks
from websockets.sync.client import connect

TIMEOUT = 10
QUIET = 0.3
URL = f"{sys.argv[1]}/ws/chat"
checks = Checks()


def ask(socket, command):
    socket.send(command)
    return socket.recv(timeout=TIMEOUT)


def hears(socket):
    """All that comes until nothing comes."""
    heard = []
    while True:
        try:
            heard.append(socket.recv(timeout=QUIET if heard else TIMEOUT))
        except TimeoutError:
            return heard


with connect(URL, open_timeout=TIMEOUT) as alice, connect(URL, open_timeout=TIMEOUT) as bob:
    for name, socket in [("alice", alice), ("bob", bob)]:
        welcome = json.loads(socket.recv(timeout=TIMEOUT))
        checks.equal(f"{name} is welcomed by the system", welcome["type"], "system")
        checks.equal(f"{name} is told the room", "general" in welcome["message"], True)

    checks.equal("alice joins", ask(alice, "/join lobby"), "Joined room: lobby")
    rooms = ask(alice, "/rooms")
    checks.equal("alice is in both rooms", "general" in rooms and "lobby" in rooms, True)

    # Alice speaks in general and in lobby; bob is only in general.
    alice.send("/msg hi")
    heard = hears(bob)
    checks.equal("bob hears alice once, in the common room", ["hi" in text for text in heard], [True])
    heard = hears(alice)
    checks.equal("alice hears herself in both", ["hi" in text for text in heard], [True, True])

    checks.equal("alice leaves", "lobby" in ask(alice, "/leave lobby"), True)
    rooms = ask(alice, "/rooms")
    checks.equal("alice is in one room", "general" in rooms and "lobby" not in rooms, True)

checks.finish("chat example")
