"""The chat example: two people, two rooms. Argument: the server's `ws://HOST:PORT/ws`."""

import json
import sys

from checks import Checks
from websockets.sync.client import connect

TIMEOUT = 10
URL = f"{sys.argv[1]}/chat"
WELCOME = {"type": "system", "message": "Welcome to chat! You're in room: general"}
checks = Checks()


def ask(socket, command):
    socket.send(command)
    return socket.recv(timeout=TIMEOUT)


with connect(URL, open_timeout=TIMEOUT) as alice, connect(URL, open_timeout=TIMEOUT) as bob:
    for name, socket in [("alice", alice), ("bob", bob)]:
        checks.equal(f"{name} is welcomed", json.loads(socket.recv(timeout=TIMEOUT)), WELCOME)

    checks.equal("alice joins", ask(alice, "/join lobby"), "Joined room: lobby")
    checks.equal("alice is in both rooms", ask(alice, "/rooms"), "Current rooms: general, lobby")

    # Alice speaks in general and in the lobby; bob is only in general. What bob would hear twice stood before the answer.
    checks.equal("alice hears herself in one room", ask(alice, "/msg hi"), "[general] hi")
    checks.equal("alice hears herself in the other", alice.recv(timeout=TIMEOUT), "[lobby] hi")
    checks.equal("bob hears alice", bob.recv(timeout=TIMEOUT), "[general] hi")
    checks.equal("bob hears alice once", ask(bob, "/rooms"), "Current rooms: general")

    checks.equal("alice leaves", ask(alice, "/leave lobby"), "Left room: lobby")
    checks.equal("alice is in one room", ask(alice, "/rooms"), "Current rooms: general")

checks.finish("chat example")
