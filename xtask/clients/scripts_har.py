"""`mockforge import har` and `mockforge export har`, compared with the files of the tools themselves: what is exported
has the same keys with the same types, and the same messages.

Arguments: the program, the folder of HAR files, and where to leave the recordings. It runs in the root of the
workspace.
"""

import json
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

from checks import Checks

PROGRAM = sys.argv[1]
HARS, RECORDINGS = map(Path, sys.argv[2:])
FILES = ["chrome-devtools.har", "playwright-embed.har", "playwright-attach.zip", "mitmproxy.har"]
# In which file of the tool itself the layout is looked up, and how many milliseconds are one of its units of time.
LAYOUTS = {"chrome": ("chrome-devtools.har", 1000), "playwright": ("playwright-embed.har", 1)}
checks = Checks()


def run(*arguments):
    """Succeeds without a warning, or is a failed check; returns stderr."""
    output = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    words = " ".join(Path(word).name for word in map(str, arguments))
    checks.equal(f"mockforge {words}", (output.returncode, "warning" in output.stderr), (0, False))
    return output.stderr


def read(file):
    """The file, and its connections: entries with their messages, wherever these are."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            har = json.loads(archive.read("har.har"))
            for entry in har["log"]["entries"]:
                if entry.get("_resourceType") == "websocket":
                    lines = archive.read(entry["response"]["content"]["_file"]).splitlines()
                    entry["_webSocketMessages"] = [json.loads(line) for line in lines]
    else:
        har = json.loads(file.read_text(encoding="utf-8"))
    return har, [entry for entry in har["log"]["entries"] if entry.get("_webSocketMessages")]


def milliseconds(time):
    """Of a time since 1970, be it in seconds or milliseconds."""
    return time if time > 1e11 else time * 1000


def said(entry):
    return [{key: message[key] for key in ("type", "opcode", "data")} for message in entry["_webSocketMessages"]]


def times(entry):
    return [milliseconds(message["time"]) for message in entry["_webSocketMessages"]]


def shape(value):
    """Keys and JSON types, all the way down. A list is the kinds of things in it."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(part), sort_keys=True) for part in value})
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    return "number"


def differences(got, wanted, place="$"):
    """Where `got` has other keys or types than `wanted`.

    A list may lack what that of `wanted` has, and have anything if that is empty.
    """
    if isinstance(got, dict) and isinstance(wanted, dict):
        lacking = [f"{place}.{key} is missing" for key in wanted.keys() - got.keys()]
        added = [f"{place}.{key} is new" for key in got.keys() - wanted.keys()]
        both = [differences(got[key], wanted[key], f"{place}.{key}") for key in got.keys() & wanted.keys()]
        return sorted(sum(both, lacking + added))
    if isinstance(got, list) and isinstance(wanted, list):
        return [f"{place} has {kind}, not {wanted}" for kind in got if wanted and kind not in wanted]
    return [] if got == wanted else [f"{place} is {got}, not {wanted}"]


def compare(name, exported, original, tool):
    """What was exported of a recording, with what it was made of and with a file of the tool whose layout it has."""
    got, [entry] = read(exported)
    _, [source] = read(HARS / original)
    wanted_file, unit = LAYOUTS[tool]
    wanted, [wanted_entry] = read(HARS / wanted_file)
    checks.equal(f"{name}: its connection is like one of {tool}", differences(shape(entry), shape(wanted_entry)), [])
    beside = [{key: value for key, value in har["log"].items() if key != "entries"} for har in (got, wanted)]
    checks.equal(f"{name}: so is all else", differences(*map(shape, beside)), [])
    checks.equal(f"{name}: the page is that of the connection", entry["pageref"], got["log"]["pages"][0]["id"])
    checks.equal(f"{name}: every message is as it was", said(entry), said(source))
    off = max(abs(one - other) for one, other in zip(times(entry), times(source), strict=True))
    checks.equal(f"{name}: at its time, in whole milliseconds", off < 0.51, True)
    raw = [message["time"] for message in entry["_webSocketMessages"]]
    checks.equal(f"{name}: in the unit of {tool}", [time * unit for time in raw], times(entry))
    opened = [datetime.fromisoformat(it["startedDateTime"]) for it in (entry, source)]
    checks.equal(f"{name}: opened when it was", *opened)
    url = source["request"]["url"].replace("http://", "ws://")
    asked = [url, source["request"]["queryString"], source["request"]["method"], source["response"]["status"]]
    request = entry["request"]
    found = [request["url"], request["queryString"], request["method"], entry["response"]["status"]]
    checks.equal(f"{name}: the same request", found, asked)


for original in FILES:
    recording = (RECORDINGS / original).with_suffix(".jsonl")
    told = run("import", "har", HARS / original, "--out", recording)
    checks.equal(f"{original}: its one connection is found", "imported 1 of 1 connection:" in told, True)
    run("check", recording)
    for tool in LAYOUTS:
        exported, again = recording.with_suffix(f".{tool}.har"), recording.with_suffix(f".{tool}.jsonl")
        run("export", "har", recording, "--layout", tool, "--out", exported)
        compare(f"{original} as {tool}", exported, original, tool)
        run("import", "har", exported, "--out", again)
        checks.equal(f"{original} as {tool}: reads as the same recording", again.read_text(), recording.read_text())
checks.finish("HAR files")
