"""How long after a message a call of the admin API returns that waits for it."""

import json
import statistics
import sys
import threading
import time
import urllib.request

from checks import Checks
from mockforge import Mockforge
from websockets.sync.client import connect

ROUNDS = 100
#: What the median may be, in milliseconds.
LIMIT = 20


def main(program):
    checks = Checks()
    server = Mockforge(program, "serve")
    base = server.url.replace("ws://", "http://").removesuffix("/ws") + "/__admin/"

    def ask(path, body):
        request = urllib.request.Request(base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    delays = []
    with connect(server.url) as client:
        for number in range(1, ROUNDS + 1):
            woken = {}

            def wait(number=number, woken=woken):
                body = {"filter": {"direction": "inbound", "type": "text"}, "count": number, "timeout_ms": 10_000}
                woken["answer"] = ask("messages/wait-for-count", body)
                woken["at"] = time.monotonic()

            waiting = threading.Thread(target=wait)
            waiting.start()
            # The call is on its way, or has come: either is what happens to tests.
            time.sleep(0.01)
            sent = time.monotonic()
            client.send(f"message {number}")
            waiting.join()
            if not woken["answer"]["matched"]:
                break
            delays.append((woken["at"] - sent) * 1000)
    checks.equal("every wait comes to its end", len(delays), ROUNDS)
    median = statistics.median(delays)
    print(f"a wait returns {median:.1f} ms after the message at the median, {max(delays):.1f} ms at the latest")
    checks.equal(f"the median is below {LIMIT} ms", median < LIMIT, True)
    checks.equal("the server ends as it should", server.stop(), 0)
    checks.finish("waits of the admin API")


main(sys.argv[1])
