"""What a client may expect of the events of `mockforge serve --ai` and `mockforge generate`, whoever writes them."""

import asyncio
import json
import re

from websockets.exceptions import ConnectionClosed

KEYS = ["type", "timestamp", "sequence", "data"]
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


async def hear(connection, timeout):
    async with asyncio.timeout(timeout):
        return await connection.recv()


async def listen(connection, timeout):
    """All that is still to come, and the code with which it ends."""
    messages = []
    try:
        while True:
            messages.append(await hear(connection, timeout))
    except ConnectionClosed as end:
        return messages, end.rcvd.code if end.rcvd else 1006


def mistakes(messages, check=lambda data: None):
    """Where these messages are not events of one stream, from its first; `check` raises ValueError for bad data."""
    return [problem for number, text in enumerate(messages, 1) if (problem := _mistake(text, number, check))]


def _mistake(text, number, check):
    try:
        event = json.loads(text)
        if list(event) != KEYS or event["sequence"] != number:
            return f"this is not the event {number}: {text}"
        if not event["type"] or not re.fullmatch(TIMESTAMP, event["timestamp"]):
            return f"this has no type or no time: {text}"
        check(event["data"])
    except ValueError as problem:
        return f"{problem}: {text}"
    return None
