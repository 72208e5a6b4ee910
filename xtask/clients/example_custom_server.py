"""The custom server: answers by patterns, and a room for each path. Argument: the server's `ws://HOST:PORT/ws`."""

import sys

from checks import Checks
from websockets.sync.client import connect

TIMEOUT = 10
URL = sys.argv[1]
checks = Checks()


def ask(socket, text):
    socket.send(text)
    return socket.recv(timeout=TIMEOUT)


with connect(URL, open_timeout=TIMEOUT) as socket:
    checks.equal("an exact text is answered", ask(socket, "ping"), "pong")
    checks.equal("a regex is answered", ask(socket, "Hello?"), "Hi there!")
    checks.equal("JSON is answered", ask(socket, '{"type":"subscribe"}'), '{"type":"subscribed"}')

tea, coffee = f"{URL}/rooms/tea", f"{URL}/rooms/coffee"
with connect(tea) as alice, connect(tea) as bob, connect(coffee) as carol:
    for socket, room in [(alice, "tea"), (bob, "tea"), (carol, "coffee")]:
        checks.equal(f"the path is the room {room}", socket.recv(timeout=TIMEOUT), f"You are in room {room}")
    checks.equal("who speaks hears it", ask(alice, "a cup?"), "a cup?")
    checks.equal("the room hears it", bob.recv(timeout=TIMEOUT), "a cup?")
    # What carol would have heard of it stood before her own words.
    checks.equal("another room does not", ask(carol, "anybody?"), "anybody?")

checks.finish("custom server")
