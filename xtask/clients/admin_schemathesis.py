"""Holds the admin API against its own description: schemathesis asks for everything that stands in it, rightly and wrongly.

First with a token and connections that live, whose ids it is told, and without what would end them; then without a token, all
operations, and those that follow from each other.
"""

import json
import pathlib
import subprocess
import sys
import threading
import urllib.request

import websockets.exceptions
from websockets.sync.client import connect

from mockforge import Mockforge

TOKEN = "t0ken-of-the-fuzz"
# What ends the connections that the others are to find, or has them treated in another way.
DESTRUCTIVE = [
    "add_rules", "close", "delete_conditions", "delete_replay", "delete_rule", "delete_rules", "drop_connection", "end_test",
    "fault", "put_conditions", "put_replay", "put_rule", "put_rules", "reset",
]
# An answer without an end; with `follow=false` it has one.
ENDLESS = "events"

CONFIGURATION = """
[checks.positive_data_acceptance]
# What can be described is taken, but it may make no sense (422), not be possible as things are (409), or not be possible now
# or at all (503, 501).
expected-statuses = ["2xx", 401, 403, 404, 409, 422, 501, 503]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422]
"""


class Client(threading.Thread):
    """Says something now and then, and comes back when it is thrown out."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.stopped = threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(0.02):
            try:
                with connect(self.url, open_timeout=5, close_timeout=1) as socket:
                    while not self.stopped.wait(0.2):
                        socket.send(json.dumps({"type": "order", "item": "tea"}))
                        socket.recv(timeout=5)
            except (OSError, TimeoutError, websockets.exceptions.WebSocketException):
                # Refused, closed, cut or left alone, as somebody has asked the server to.
                continue

    def stop(self):
        self.stopped.set()
        self.join(timeout=30)


def get(base, path, headers):
    request = urllib.request.Request(base + path, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def fuzz(st, folder, name, configuration, base, *arguments):
    config = folder / f"{name}.toml"
    config.write_text(configuration + CONFIGURATION)
    command = [
        st, "--config-file", str(config), "run", f"{base}/openapi.json", "--url", base, "--checks", "all",
        "--generation-deterministic", "--request-timeout", "20", "--max-failures", "20",
        "--no-color", "--warnings", "off", *arguments,
    ]
    print(f"-- {name}", flush=True)
    log = folder / f"{name}.log"
    with log.open("w") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, timeout=240, check=False).returncode
    lines = log.read_text().splitlines()
    if code != 0:
        print("\n".join(lines[-200:]))
        raise SystemExit(f"schemathesis found something: {log}")
    print("\n".join(line for line in lines if "generated" in line or line.startswith("===== ")), flush=True)


def live(program, st, folder):
    settings = folder / "live.yaml"
    settings.write_text(f"websocket: {{ admin: {{ token: {TOKEN}, longest_wait: 20ms }} }}\n")
    mockforge = Mockforge(program, "serve", "--config", str(settings), is_quiet=True)
    base = mockforge.url.replace("ws://", "http://").removesuffix("/ws") + "/__admin"
    clients = [Client(mockforge.url), Client(mockforge.url + "?mockforge-test=fuzz")]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    body = json.dumps({"filter": {}, "count": 1, "timeout_ms": 10000}).encode()
    for test in ["", "?test=fuzz"]:
        # Until each has said something. No wait lasts long here.
        waited = {"matched": False}
        while not waited["matched"]:
            ask = {**headers, "Content-Type": "application/json"}
            request = urllib.request.Request(f"{base}/messages/wait-for-count{test}", data=body, headers=ask)
            with urllib.request.urlopen(request, timeout=30) as answer:
                waited = json.load(answer)
    connection = get(base, "/connections", headers)["connections"][0]["id"]
    configuration = f"""
headers = {{ Authorization = "Bearer {TOKEN}" }}

[[operations]]
include-path-regex = "^/connections/"
parameters = {{ "path.id" = "{connection}" }}

[[operations]]
include-path-regex = "^/tests/"
parameters = {{ "path.id" = "fuzz" }}

[[operations]]
include-operation-id = "{ENDLESS}"
parameters = {{ "query.follow" = "false" }}
"""
    excluded = [argument for name in DESTRUCTIVE for argument in ("--exclude-operation-id", name)]
    fuzz(st, folder, "live", configuration, base, "--phases", "examples,coverage,fuzzing", "--max-examples", "8", *excluded)
    still = get(base, f"/connections/{connection}", headers)
    assert still["received"]["frames"] > 0, still
    for client in clients:
        client.stop()
    assert mockforge.stop() == 0


def everything(program, st, folder):
    settings = folder / "everything.yaml"
    settings.write_text("websocket: { admin: { longest_wait: 20ms } }\n")
    mockforge = Mockforge(program, "serve", "--config", str(settings), is_quiet=True)
    base = mockforge.url.replace("ws://", "http://").removesuffix("/ws") + "/__admin"
    client = Client(mockforge.url)
    excluded = ["--exclude-operation-id", ENDLESS]
    fuzz(st, folder, "everything", "", base, "--max-examples", "8", *excluded)
    assert get(base, "/health/ready", {}) == {"status": "ready"}
    client.stop()
    assert mockforge.stop() == 0


def main():
    program, st, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    live(program, st, folder)
    everything(program, st, folder)


main()
