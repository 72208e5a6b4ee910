"""The replay file of the tea shop. Argument: the server's `ws://HOST:PORT/ws`."""

import json
import sys

from checks import Checks
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TIMEOUT = 10
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
checks = Checks()

with connect(sys.argv[1], open_timeout=TIMEOUT) as shop:

    def hears():
        return shop.recv(timeout=TIMEOUT)

    checks.like("a session has an id", hears(), f"Welcome to the tea shop. Your session is {UUID}\\.")
    checks.equal("the shop asks", hears(), "Who are you? Type: I am NAME")
    shop.send("I am Ada")
    checks.like("the name that was matched comes back", hears(), r"Hello Ada\. .+ will serve you\.")

    hears()
    shop.send('{"order": {"item": "green tea", "cups": 2}}')
    offer = json.loads(hears())
    checks.equal("what JSON asked for comes back", (offer["item"], offer["cups"]), ("green tea", 2))
    checks.equal("a random number is in its range", 3 <= offer["price"] <= 9, True)

    hears()
    shop.send('{"action": "decline"}')
    shop.send('{"action": "confirm"}')
    checks.equal("only the right value goes on", json.loads(hears())["type"], "accepted")

    progress = [json.loads(hears()) for _ in range(3)]
    checks.equal("the rest comes by itself", [step["type"] for step in progress], ["progress", "progress", "served"])
    checks.equal("binary comes as binary", hears(), "🍵".encode())

    checks.equal("an incoming entry is waited for", hears(), "Type exactly: thank you")
    shop.send("thank you")
    checks.equal("it goes on", hears(), "You are welcome. Type: bye")
    shop.send("bye")
    checks.equal("the last word", hears(), "Goodbye!")
    try:
        hears()
        ended = None
    except ConnectionClosed as end:
        ended = end.rcvd and (end.rcvd.code, end.rcvd.reason)
    checks.equal("the script closes", ended, (4000, "the shop is closed"))

checks.finish("tea shop")
