"""Events of `mockforge serve --ai` without any language model, as Python's `websockets` gets them.

Argument: the program.
"""

import asyncio
import contextlib
import json
import os
import sys
import time

from ai_events import hear, listen, mistakes
from checks import Checks
from mockforge import Mockforge
from websockets.asyncio.client import connect

TIMEOUT = 20
PROGRAM = sys.argv[1]
NARRATIVE = "busy stock market with AAPL and TSLA"
# In which member of its `data` an event has the last price of its symbol.
PRICES = {"trade": "price_usd", "quote": "last_usd"}
checks = Checks()


@contextlib.contextmanager
def serving(*arguments):
    server = Mockforge(PROGRAM, "serve", "--ai", NARRATIVE, *arguments)
    try:
        yield server.url
        checks.equal(f"the server with {' '.join(arguments)} stops well", server.stop(), 0)
    finally:
        server.kill()


async def stream(url):
    async with connect(url, open_timeout=TIMEOUT) as client:
        return await listen(client, TIMEOUT)


def data(messages):
    return [json.loads(message)["data"] for message in messages]


async def repeat():
    """Twenty events, of three servers at once."""
    with contextlib.ExitStack() as stack:
        urls = [
            stack.enter_context(serving("--events", "20", "--rate", "10", "--seed", seed)) for seed in ("7", "7", "8")
        ]
        start = time.monotonic()
        streams = await asyncio.gather(*(stream(url) for url in urls))
        took = time.monotonic() - start
        (first, code), (again, _), (other, _) = streams
        checks.equal("twenty events, each as it should be", (len(first), mistakes(first)), (20, []))
        checks.equal("then the stream is closed", code, 1000)
        checks.equal("twenty events at 10 a second are not there before their time", took > 1.88, True)
        checks.equal("the same seed makes the same bytes", again, first)
        checks.equal("another seed makes others", data(other) != data(first), True)


async def two_at_once():
    with serving("--events", "20", "--rate", "50") as url:
        streams = await asyncio.gather(stream(url), stream(url))
        wrong = [(len(messages), mistakes(messages), code) for messages, code in streams]
        checks.equal("two clients have a sequence of their own each", wrong, [(20, [], 1000)] * 2)
        [first, second] = [data(messages) for messages, _ in streams]
        checks.equal("and a story of their own", first != second, True)


async def leave():
    with serving("--events", "0", "--rate", "200") as url:
        async with connect(url, open_timeout=TIMEOUT) as client:
            heard = [await hear(client, TIMEOUT) for _ in range(30)]
            checks.equal("events without an end", mistakes(heard), [])
            client.transport.abort()
        async with connect(url, open_timeout=TIMEOUT) as client:
            heard = [await hear(client, TIMEOUT) for _ in range(3)]
        checks.equal("after a client that is gone comes the next one", mistakes(heard), [])
        checks.equal("which may leave, too", client.close_code, 1000)


def last_prices(messages):
    prices = {}
    for event in map(json.loads, messages):
        if event["type"] in PRICES:
            prices[event["data"]["symbol"]] = event["data"][PRICES[event["type"]]]
    return prices


async def steer():
    """The same market twice, in one of which somebody speaks."""
    arguments = ["--events", "60", "--rate", "30", "--seed", "7"]
    with serving(*arguments) as one, serving(*arguments) as other:

        async def speak():
            async with connect(other, open_timeout=TIMEOUT) as client:
                before = [await hear(client, TIMEOUT) for _ in range(5)]
                await client.send("crash")
                after, code = await listen(client, TIMEOUT)
                return before, after, code

        (calm, _), (before, after, code) = await asyncio.gather(stream(one), speak())
    checks.equal("until somebody speaks all is the same", before, calm[:5])
    checks.equal("afterwards it is the same stream", (mistakes(before + after), len(after), code), ([], 55, 1000))
    expected, found = last_prices(calm), last_prices(before + after)
    fallen = {symbol for symbol, price in found.items() if symbol in expected and price < expected[symbol] * 0.99}
    checks.equal("when a client says crash, prices fall", {"AAPL", "TSLA"} <= fallen, True)


async def main():
    # A key alone is not a wish for a language model that costs money.
    os.environ["OPENAI_API_KEY"] = "a-key-that-nobody-may-use"
    await asyncio.gather(repeat(), two_at_once(), leave(), steer())


asyncio.run(main())
checks.finish("events that nobody wrote, Python's websockets")
