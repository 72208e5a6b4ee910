"""`mockforge record` before a server of Python's `websockets`, killed in the middle of traffic; then what is left of it
plays. Argument: the program.
"""

import asyncio
import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import Checks
from mockforge import Mockforge
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

TIMEOUT = 20
PROGRAM = sys.argv[1]
PATHS = ["/tea", "/coffee", "/cocoa"]
# What may be lost is the last second: there must be more than that to lose.
TRAFFIC = 2.5
checks = Checks()


async def answer(connection):
    """Greets, and answers each message twice: with itself, and in the other kind."""
    try:
        await connection.send("hello")
        async for message in connection:
            await connection.send(message)
            await connection.send(message.encode() if isinstance(message, str) else f"{len(message)} bytes")
    except ConnectionClosed:
        # The proxy is killed.
        pass


async def talk(url, path, said):
    """Speaks in lock-step, so that there is one order, until the connection ends; notes all frames with their time."""

    async def hear():
        message = await connection.recv()
        said.append((time.monotonic(), "out", message))

    try:
        async with connect(url + path, close_timeout=1) as connection:
            await hear()
            number = 0
            while True:
                message = bytes([number % 256, 255]) if number % 3 == 0 else f"{path} {number} grüße"
                said.append((time.monotonic(), "in", message))
                await connection.send(message)
                await hear()
                await hear()
                number += 1
                await asyncio.sleep(0.002)
    except ConnectionClosed:
        pass


async def record(file):
    """All that was said on each path, and when the recorder was killed."""
    async with serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        recorder = Mockforge(PROGRAM, "record", "--upstream", f"ws://127.0.0.1:{port}", "--out", str(file))
        said = {path: [] for path in PATHS}
        talks = [asyncio.create_task(talk(recorder.url, path, said[path])) for path in PATHS]
        await asyncio.sleep(TRAFFIC)
        killed = time.monotonic()
        recorder.kill()
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(*talks)
        return said, killed


def read(file):
    """The frames of each path: direction and message."""
    sessions, paths = {}, {}
    # A killed program may leave half a line.
    whole_lines, _, _ = file.read_text().rpartition("\n")
    for line in whole_lines.splitlines():
        entry = json.loads(line)
        if "open" in entry:
            path = paths[entry.get("conn")] = entry["open"].removeprefix("/ws")
            sessions.setdefault(path, [])
        elif "text" in entry:
            message = base64.b64decode(entry["text"]) if entry.get("binary") else entry["text"]
            sessions[paths[entry.get("conn")]].append((entry["dir"], message))
    return sessions


async def play(url, path, frames):
    """Says what was said, and returns the frames as they really came."""
    played = []
    async with connect(url + path, close_timeout=1) as connection:
        for direction, message in frames:
            if direction == "in":
                await connection.send(message)
            else:
                async with asyncio.timeout(TIMEOUT):
                    message = await connection.recv()
            played.append((direction, message))
    return played


async def main(folder):
    file = folder / "session.jsonl"
    said, killed = await record(file)
    check = subprocess.run([PROGRAM, "check", file], capture_output=True, text=True, check=False)
    checks.equal("the file of a killed recorder is good", (check.returncode, check.stderr), (0, ""))

    recorded = read(file)
    for path, frames in recorded.items():
        real = [(direction, message) for _, direction, message in said[path]]
        checks.equal(f"{path}: frames are as they were, and in order", frames, real[: len(frames)])
        old = sum(at < killed - 1 for at, _, _ in said[path])
        checks.equal(f"{path}: only of the last second something is lost", (old > 5, len(frames) >= old), (True, True))
    checks.equal("every connection was recorded", sorted(recorded), sorted(PATHS))

    again = folder / "again.jsonl"
    player = Mockforge(PROGRAM, "serve", "--ws-replay-file", str(file), "--record", str(again))
    played = await asyncio.gather(*(play(player.url, path, frames) for path, frames in recorded.items()))
    for path, frames in zip(recorded, played, strict=True):
        checks.equal(f"{path}: what plays is what was recorded, frame by frame", frames, recorded[path])
    checks.equal("the player stops well", player.stop(), 0)
    checks.equal("what was recorded of the replay is the same", read(again), recorded)


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
checks.finish("record, kill and replay")
