"""`mockforge generate` writes a file, `mockforge check` reads it, and `mockforge serve --ws-replay-file` plays it.

Argument: the program.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from ai_events import hear, mistakes
from checks import Checks
from mockforge import Mockforge, run
from websockets.asyncio.client import connect

TIMEOUT = 20
PROGRAM = sys.argv[1]
COUNT = 20
# Names that are templates in other files: what was written is played as it is.
NARRATIVE = 'A chat in which "{{now}}" talks to "{{uuid}}"'
SCRIPT = """\
{"ts":0,"dir":"out","text":"{\\"type\\":\\"welcome\\"}"}

  {"ts": 20, "dir": "out", "text": "ready", "step_id": "ready"}
{"waitFor": "go", "text": "{\\"type\\":\\"opened\\"}"}
{"ts":40,"text":"bye"}
"""
checks = Checks()


def succeed(*arguments):
    code, stderr = run(PROGRAM, *arguments)
    checks.equal(f"mockforge {arguments[0]} ends well", (code, stderr if code else ""), (0, ""))
    return stderr


def texts(file):
    return [json.loads(line)["text"] for line in file.read_text().splitlines()]


async def play(file, count):
    """The messages that a client gets, which says `go` at once."""
    server = Mockforge(PROGRAM, "serve", "--ws-replay-file", str(file))
    async with connect(server.url, open_timeout=TIMEOUT) as client:
        await client.send("go")
        played = [await hear(client, TIMEOUT) for _ in range(count)]
    checks.equal("the player stops well", server.stop(), 0)
    return played


async def write_once(folder):
    files = [folder / name for name in ("first.jsonl", "second.jsonl")]
    for file in files:
        words = ["--narrative", NARRATIVE, "--events", COUNT, "--rate", 40, "--seed", 7]
        told = succeed("generate", *words, "--out", file)
        checks.equal("it tells what it wrote", f"wrote {COUNT} events to " in told, True)
    written = texts(files[0])
    checks.equal("events are written, each as it should be", (len(written), mistakes(written)), (COUNT, []))
    checks.equal("with names that look like templates", any("{{now}}" in text for text in written), True)
    checks.equal("the same seed writes the same bytes", files[1].read_bytes(), files[0].read_bytes())
    times = [json.loads(line)["ts"] for line in files[0].read_text().splitlines()]
    checks.equal("40 a second", times, list(range(0, COUNT * 25, 25)))

    succeed("check", files[0])
    checks.equal("what plays is what was written, message by message", await play(files[0], COUNT), written)

    before = files[0].read_bytes()
    code, why = run(PROGRAM, "generate", "--narrative", NARRATIVE, "--out", files[0])
    found = (code, str(files[0]) in why, files[0].read_bytes() == before)
    checks.equal("a file that is there is not written over", found, (1, True, True))


async def enrich(folder):
    script, enriched = folder / "script.jsonl", folder / "enriched.jsonl"
    script.write_text(SCRIPT)
    words = ["--narrative", "orders of a pizza delivery", "--events", 3, "--seed", 7]
    succeed("generate", *words, "--augment", script, "--at", "ready,opened", "--out", enriched)
    lines, kept = enriched.read_text().splitlines(keepends=True), SCRIPT.splitlines(keepends=True)
    checks.equal("a script gets three events at each point", len(lines), len(kept) + 6)
    checks.equal("behind the points", lines[:3] + lines[6:7] + lines[10:], kept)
    succeed("check", enriched)
    played = await play(enriched, 10)
    wanted = [json.loads(line)["text"] for line in lines if line.strip()]
    checks.equal("an enriched script plays", played, wanted)


async def main(folder):
    await write_once(folder)
    await enrich(folder)


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
checks.finish("generate, check and replay")
