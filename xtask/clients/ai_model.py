"""A real language model writes the events of `mockforge serve --ai` and `mockforge generate`.

Arguments: the program, and the address of the model server.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import fastjsonschema
from ai_events import hear, listen, mistakes
from checks import Checks
from mockforge import Mockforge, run
from model_recorder import Recorder
from websockets.asyncio.client import connect

# For what a model writes, on a machine that does other things too.
TIMEOUT = 120
PROGRAM, MODEL = sys.argv[1:]
SCHEMA = Path(__file__).with_name("ai_trade.schema.json")
NARRATIVE = "Traders buy and sell shares on a busy day"
COUNT = 20
checks = Checks()
check_data = fastjsonschema.compile(json.loads(SCHEMA.read_text()))


def writer(recorder):
    names = ["--ai-provider", "llama.cpp", "--ai-base-url", recorder.url, "--ai-model", "smollm2"]
    return [*names, "--ai-schema", str(SCHEMA)]


async def within(seconds, is_so):
    """Whether it becomes so in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(is_so):
            return True
        await asyncio.sleep(0.05)
    return False


async def stream(server, recorder):
    async with connect(server.url, open_timeout=TIMEOUT) as client:
        first = await hear(client, TIMEOUT)
        # What follows it is kept back: only an event that did not wait for the rest can be here.
        tokens, end = recorder.calls[0].tokens, recorder.calls[0].end
        recorder.may_go_on.set()
        others, code = await listen(client, TIMEOUT)
    checks.equal("the first event comes while the answer is being written", end, None)
    everything = recorder.calls[0].tokens
    checks.equal(f"after {tokens} of {everything} tokens", 0 < tokens < everything, True)
    wrong = mistakes([first, *others], check_data)
    checks.equal(f"{COUNT} events, each as it should be", (1 + len(others), wrong), (COUNT, []))
    checks.equal("then the stream is closed", code, 1000)


def requests(recorder):
    asked = [call.request for call in recorder.calls]
    checks.equal("every answer is streamed", {request["stream"] for request in asked}, {True})
    checks.equal("the model is named", {request["model"] for request in asked}, {"smollm2"})
    formats = [json.dumps(request["response_format"], sort_keys=True) for request in asked]
    schema = json.dumps(json.loads(SCHEMA.read_text()), sort_keys=True)
    checks.equal("the schema is a part of every request", [schema in written for written in formats], [True] * len(asked))
    checks.equal("the narrative is a part of every request", {NARRATIVE in json.dumps(it) for it in asked}, {True})
    said = json.dumps([[call.headers, call.request] for call in recorder.calls])
    checks.equal("a key for another provider stays here", os.environ["OPENAI_API_KEY"] in said, False)


def counted(server):
    """What `/metrics` says of events and their costs, by the names of the counters with their labels."""
    page = server.url.replace("ws://", "http://").removesuffix("/ws") + "/metrics"
    with urllib.request.urlopen(page, timeout=TIMEOUT) as response:
        lines = response.read().decode().splitlines()
    counters = (line.removeprefix("mockforge_ws_ai_").split() for line in lines if line.startswith("mockforge_ws_ai_"))
    return {name: float(value) for name, value in counters}


async def bill(server, recorder):
    def calls():
        return sum(value for name, value in counted(server).items() if name.startswith("calls_total"))

    # That of a call that was not needed to its end comes when it has been dropped.
    await within(10, lambda: calls() == len(recorder.calls))
    checks.equal("every call is counted", calls(), len(recorder.calls))
    counters = counted(server)
    checks.equal("every event is counted", counters["events_total"], COUNT)
    tokens, pieces = counters['tokens_total{kind="completion"}'], sum(call.tokens for call in recorder.calls)
    # A piece may be more than one token, and those of an answer that was not read to its end are estimated.
    checks.equal(f"{tokens:.0f} tokens are counted where {pieces} pieces came", 0.5 < tokens / pieces < 2, True)


async def leave(server, recorder):
    recorder.may_go_on.clear()
    before = len(recorder.calls)
    async with connect(server.url, open_timeout=TIMEOUT) as client:
        await hear(client, TIMEOUT)
        call = recorder.calls[-1]
        checks.equal("its story is being written", (len(recorder.calls) > before, call.end), (True, None))
    checks.equal("the call of a client that leaves ends", await within(10, lambda: call.end == "hung up"), True)
    calls = len(recorder.calls)
    is_idle = await within(10, lambda: not any(slot["is_processing"] for slot in recorder.get("/slots")))
    checks.equal("and the model stops", is_idle, True)
    return calls


def generate(recorder, folder):
    recorder.may_go_on.set()
    before = len(recorder.calls)
    files = [folder / name for name in ("first.jsonl", "second.jsonl")]
    words = ["--narrative", NARRATIVE, "--events", "5", "--seed", "7", "--ai-cache", folder / "cache"]
    first, second = (run(PROGRAM, "generate", *words, *writer(recorder), "--out", file) for file in files)
    calls = len(recorder.calls) - before
    checks.equal("a file is written", first[0], 0)
    checks.equal("its costs are told", re.search(r"wrote 5 events .*[1-9]\d* call", first[1]) is not None, True)
    texts = [json.loads(line)["text"] for line in files[0].read_text().splitlines()]
    checks.equal("it has 5 events, each as it should be", (len(texts), mistakes(texts, check_data)), (5, []))
    checks.equal("a second run is equal", (second[0], files[1].read_bytes()), (0, files[0].read_bytes()))
    in_first = sum(int(number) for number in re.findall(r"(\d+) calls?\b", first[1])[:1])
    checks.equal("and free: nobody was asked again", calls, in_first)


async def main(folder):
    # It is there as on many machines, and is not for this provider.
    os.environ["OPENAI_API_KEY"] = "a-key-for-somebody-else"
    recorder = Recorder(MODEL)
    server = Mockforge(
        PROGRAM, "serve", "--ai", NARRATIVE, "--events", str(COUNT), "--rate", "100", *writer(recorder)
    )
    await stream(server, recorder)
    requests(recorder)
    await bill(server, recorder)
    calls = await leave(server, recorder)
    checks.equal("the server stops well", server.stop(), 0)
    checks.equal("nothing was asked for a client that had left", len(recorder.calls), calls)
    await asyncio.to_thread(generate, recorder, folder)


with tempfile.TemporaryDirectory() as folder:
    start = time.monotonic()
    asyncio.run(main(Path(folder)))
checks.finish(f"a language model, in {time.monotonic() - start:.0f} s")
