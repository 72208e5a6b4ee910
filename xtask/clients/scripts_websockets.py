"""The dialogues of `scripts_dialogues.txt`, held by Python's `websockets`, all at once.

Arguments: the program, and the folder of the recordings that were imported. It runs in the root of the workspace.
"""

import asyncio
import base64
import json
import re
import sys
import tempfile
import xml.etree.ElementTree as xml
from contextlib import AsyncExitStack
from pathlib import Path

from checks import Checks
from mockforge import Mockforge
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TIMEOUT = 20
PROGRAM, RECORDINGS = sys.argv[1:]
DIALOGUES = Path(__file__).with_name("scripts_dialogues.txt")
ABOUT_THE_REPORT = ("passed", "skipped", "failed", "finished", "unfinished")


class Dialogue:
    def __init__(self, name):
        self.name = name
        self.servers = []
        self.turns = []
        self.exit = None
        self.report = []


class Otherwise(Exception):
    """Something went otherwise than it is written."""


def read(file):
    dialogues = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "=":
            dialogues.append(Dialogue(rest))
        elif word == "serve":
            dialogues[-1].servers.append([part.replace("{recordings}", RECORDINGS) for part in rest.split()])
        elif word == "exit":
            dialogues[-1].exit = int(rest)
        elif word in ABOUT_THE_REPORT:
            dialogues[-1].report.append(line)
        else:
            verb, _, argument = rest.partition(" ")
            dialogues[-1].turns.append((number, word, verb, argument))
    return dialogues


async def hear(connection, *, within=TIMEOUT):
    """The next message; None if the server has closed."""
    try:
        async with asyncio.timeout(within):
            return await connection.recv()
    except ConnectionClosed:
        return None


def ended(connection):
    return f"{connection.close_code} {connection.close_reason}".strip()


async def expect(connection, wanted, is_wanted):
    try:
        message = await hear(connection)
    except TimeoutError:
        raise Otherwise(f"nothing came instead of {wanted!r}") from None
    if message is None or not is_wanted(message):
        found = f"the end, {ended(connection)}," if message is None else repr(message)
        raise Otherwise(f"{found} came instead of {wanted!r}")


def is_json(text, wanted):
    try:
        return json.loads(text) == json.loads(wanted)
    except ValueError:
        return False


async def take_turn(connection, verb, argument):
    if verb == "says":
        await connection.send(argument)
    elif verb == "sends":
        await connection.send(base64.b64decode(argument))
    elif verb == "hears":
        await expect(connection, argument, lambda message: message == argument)
    elif verb == "receives":
        await expect(connection, argument, lambda message: message == base64.b64decode(argument))
    elif verb == "hears-json":
        await expect(connection, argument, lambda message: is_json(message, argument))
    elif verb == "hears-like":
        await expect(connection, argument, lambda message: re.fullmatch(argument, message) is not None)
    elif verb == "quiet":
        try:
            message = await hear(connection, within=int(argument) / 1000)
        except TimeoutError:
            return
        raise Otherwise(f"{message!r} came, or the end if it is None, where all should be quiet")
    elif verb == "ended":
        message = await hear(connection)
        if message is not None or ended(connection) != argument:
            raise Otherwise(f"{message!r} came, or {ended(connection)!r} is the end, instead of {argument!r}")
    elif verb == "closes":
        await connection.close(int(argument))
    else:
        raise ValueError(f"nobody knows what `{verb}` is")


async def take_turns(url, turns):
    clients = {}
    async with AsyncExitStack() as stack:
        for number, client, verb, argument in turns:
            try:
                if verb == "opens":
                    address = url.removesuffix("/ws") + argument
                    clients[client] = await stack.enter_async_context(connect(address, open_timeout=TIMEOUT))
                else:
                    await take_turn(clients[client], verb, argument)
            except (Otherwise, ConnectionClosed) as problem:
                raise Otherwise(f"{DIALOGUES.name}:{number}: {problem}") from None
        for client, connection in clients.items():
            await connection.close()
            if (message := await hear(connection)) is not None:
                raise Otherwise(f"{message!r} came to {client}, who did not expect it")


def read_junit(file):
    """The lines that a dialogue has about its report."""
    [suite] = xml.parse(file).getroot().findall("testsuite")
    cases = suite.findall("testcase")
    failures = [case.find("failure") for case in cases]
    skipped = [case.find("skipped") for case in cases]
    found = [str(len([it for it in them if it is not None])) for them in (failures, skipped)]
    if (told := [suite.get("failures"), suite.get("skipped")]) != found:
        raise Otherwise(f"the report counts {told} failed and skipped, and has {found}")

    report = []
    for case, failure, is_skipped in zip(cases, failures, skipped, strict=True):
        if failure is not None:
            report.append(f"failed {case.get('name')}: {failure.get('message')}")
        else:
            report.append(f"{'passed' if is_skipped is None else 'skipped'} {case.get('name')}")
    # The last one is about the whole.
    report[-1] = "finished" if failures[-1] is None else f"unfinished {failures[-1].get('message')}"
    return report


async def hold(dialogue, arguments):
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        judging = [] if dialogue.exit is None else ["--exit-on-complete", "--report", str(report)]
        server = Mockforge(PROGRAM, "serve", *arguments, *judging, is_quiet=bool(judging))
        try:
            await take_turns(server.url, dialogue.turns)
            code = await asyncio.to_thread(server.wait if judging else server.stop)
            if code != (dialogue.exit or 0):
                raise Otherwise(f"the server exits with {code}")
            if judging and (found := read_junit(report)) != dialogue.report:
                raise Otherwise(f"the report says {found} instead of {dialogue.report}")
        finally:
            server.kill()


async def main():
    held = [(dialogue, arguments) for dialogue in read(DIALOGUES) for arguments in dialogue.servers]
    problems = await asyncio.gather(*(hold(*it) for it in held), return_exceptions=True)
    checks = Checks()
    for (dialogue, arguments), problem in zip(held, problems, strict=True):
        checks.equal(f"{dialogue.name} ({Path(arguments[1]).name})", problem, None)
    checks.finish("scripts and rules, Python's websockets")


asyncio.run(main())
