"""Each fault of `faults.yaml` as Python's `websockets` sees it, or the socket itself.

Arguments: the address of a server with that file, and of three others that differ in their seed: the same, the same,
and another one.
"""

import logging
import socket
import sys
import time
from urllib.parse import urlsplit

from checks import Checks
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

TIMEOUT = 10
URL, *SEEDED = sys.argv[1:]
ADDRESS = (urlsplit(URL).hostname, urlsplit(URL).port)
checks = Checks()
# What goes wrong here goes wrong on purpose.
logging.disable()


def client(path, **options):
    return connect(f"{URL}/{path}", open_timeout=TIMEOUT, close_timeout=1, compression=None, **options)


def echoes(path, *messages, count):
    """The first `count` messages that come back of these."""
    with client(path) as connection:
        for message in messages:
            connection.send(message)
        return [connection.recv(timeout=TIMEOUT) for _ in range(count)]


def end_of(connection):
    """How the connection ends: the code that came, the code that the client sent, 1006 if there was none."""
    try:
        return f"heard {connection.recv(timeout=TIMEOUT)!r}"
    except ConnectionClosed as end:
        return (end.rcvd.code if end.rcvd else 1006, end.sent.code if end.sent else 1006)


def end_by(path, message="go", **options):
    with client(path, **options) as connection:
        connection.send(message)
        return end_of(connection)


class Raw:
    """A socket with no more than the handshake behind it."""

    def __init__(self, path):
        self.socket = socket.create_connection(ADDRESS, timeout=TIMEOUT)
        lines = [
            f"GET /ws/{path} HTTP/1.1",
            f"Host: {ADDRESS[0]}:{ADDRESS[1]}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "",
            "",
        ]
        self.socket.sendall("\r\n".join(lines).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def open(self):
        """Reads the answer to the handshake."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        checks.equal("the handshake is accepted", head.split(b" ")[1], b"101")
        return self

    def send(self, text, opcode=1):
        """One masked frame; the mask is zero."""
        data = text.encode()
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(data), 0, 0, 0, 0]) + data)

    def read(self, count):
        """Exactly so many bytes."""
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError(f"the socket ended after {data!r}")
            data += part
        return data

    def end(self):
        """What comes when nothing more comes: b"" is an orderly end."""
        try:
            return self.socket.recv(1)
        except ConnectionResetError:
            return "reset"


def handshakes():
    try:
        with client("refuse"):
            refused = "accepted"
    except InvalidStatus as error:
        response = error.response
        named = [response.headers.get(name) for name in ["retry-after", "x-why"]]
        refused = (response.status_code, named, response.body)
    checks.equal("refuse: status, headers and body", refused, (429, ["7", "a test"], b"slow down"))

    seen = []
    for _ in range(4):
        try:
            with client("refuse-third"):
                seen.append(101)
        except InvalidStatus as error:
            seen.append(error.response.status_code)
    checks.equal("refuse: the third connection alone", seen, [101, 101, 503, 101])

    try:
        with client("drop-handshake"):
            dropped = "accepted"
    except (InvalidHandshake, EOFError, ConnectionError):
        dropped = "dropped"
    checks.equal("drop_handshake: no answer", dropped, "dropped")
    with Raw("drop-handshake") as raw:
        checks.equal("drop_handshake: not a byte", raw.end() in (b"", "reset"), True)

    start = time.monotonic()
    with client("delay-handshake"):
        checks.equal("delay_handshake: never early", time.monotonic() - start >= 0.4, True)


def ends():
    checks.equal("reset: 1006", end_by("reset"), (1006, 1006))
    with Raw("reset").open() as raw:
        raw.send("go")
        checks.equal("reset: the socket is reset", raw.end(), "reset")
    checks.equal("disconnect: 1006", end_by("disconnect"), (1006, 1006))
    with Raw("disconnect").open() as raw:
        raw.send("go")
        checks.equal("disconnect: the socket ends without a byte", raw.end(), b"")

    # The client's own heartbeat finds it out, and its Close frame is not answered.
    half_open = end_by("half-open", ping_interval=0.2, ping_timeout=0.5)
    checks.equal("half_open: pings time out", half_open, (1006, 1011))
    with Raw("half-open").open() as raw:
        raw.send("go")
        raw.send("", opcode=9)
        raw.socket.settimeout(1)
        try:
            silence = raw.end()
        except TimeoutError:
            silence = "silence"
        checks.equal("half_open: the socket stays", silence, "silence")

    checks.equal("close: 1011", end_by("close-1011"), (1011, 1011))
    with client("close-1012") as connection:
        checks.equal("close: 1012, at an age", end_of(connection), (1012, 1012))
    with client("close-4000") as connection:
        connection.send("one")
        connection.send("two")
        heard = connection.recv(timeout=TIMEOUT)
        checks.equal("close: instead of the second message", (heard, end_of(connection)), ("one", (4000, 4000)))
    checks.equal("close: a forbidden code is a protocol error", end_by("close-1006"), (1006, 1002))


def times():
    def seconds(path, *messages):
        with client(path) as connection:
            start = time.monotonic()
            for message in messages:
                connection.send(message)
            heard = [connection.recv(timeout=TIMEOUT) for _ in messages]
            checks.equal(f"{path}: what is late is in order", heard, list(messages))
            return time.monotonic() - start

    checks.equal("latency: never early", 0.2 <= seconds("latency", "one"), True)
    checks.equal("latency: it does not add up", 0.2 <= seconds("latency", *["more"] * 50) < 5, True)
    checks.equal("delay: never early", 0.4 <= seconds("delay", "go"), True)
    # 20,000 bytes a second, of which the first 1,000 pass at once.
    checks.equal("bandwidth: never early", 0.45 <= seconds("bandwidth", "x" * 10_000), True)
    # 42 bytes of which 4 pass in 50 ms.
    checks.equal("drip: never early", 0.45 <= seconds("drip", "x" * 40), True)


def messages():
    checks.equal("drop: every second", echoes("drop", "a", "b", "c", "d", "e", count=3), ["a", "c", "e"])
    checks.equal("drop: on the way in", echoes("drop-in", "a", "b", "c", count=2), ["a", "c"])
    checks.equal("duplicate: three times", echoes("duplicate", "go", "end", count=4), ["go", "go", "go", "end"])
    checks.equal("reorder: the first two change places", echoes("reorder", "a", "b", "c", count=3), ["b", "a", "c"])
    # Of the second one, 6 bytes would end inside of a character.
    cut = echoes("truncate", "abcdefgh", "xgrüß", b"0123456789", "short", count=4)
    checks.equal("truncate: at the end of a character", cut, ["abcdef", "xgrü", b"012345", "short"])

    [text, data] = echoes("corrupt", "grüße " * 10, bytes(100), count=2)
    checks.equal("corrupt: text stays as long", len(text.encode()), len("grüße ".encode()) * 10)
    checks.equal("corrupt: text is another one", text != "grüße " * 10, True)
    checks.equal("corrupt: one byte in the first KiB", sum(byte != 0 for byte in data), 1)


def frames():
    with client("fragment") as connection:
        connection.send("abcdefg")
        parts = list(connection.recv_streaming())
        checks.equal("fragment: three frames of one message", ["".join(parts), len(parts)], ["abcdefg", 3])
    with Raw("fragment").open() as raw:
        raw.send("abcdef")
        checks.equal("fragment: on the wire", raw.read(12), b"\x01\x02ab\x00\x02cd\x80\x02ef")

    checks.equal("bad_utf8: the client closes with 1007", end_by("bad-utf8")[1], 1007)
    checks.equal("bad_rsv: the client closes with 1002", end_by("bad-rsv")[1], 1002)
    with Raw("bad-rsv").open() as raw:
        raw.send("ab")
        checks.equal("bad_rsv: on the wire", raw.read(4), b"\xa1\x02ab")
    checks.equal("bad_opcode: the client closes with 1002", end_by("bad-opcode")[1], 1002)
    with Raw("bad-opcode").open() as raw:
        raw.send("ab")
        checks.equal("bad_opcode: on the wire", raw.read(4), b"\x83\x02ab")
    # 2,000,000 bytes are announced, and the client takes a million.
    checks.equal("oversized: the client closes with 1009", end_by("oversized", max_size=1_000_000)[1], 1009)
    with Raw("oversized").open() as raw:
        raw.send("ab")
        checks.equal("oversized: on the wire", raw.read(12), b"\x81\x7f" + (2_000_000).to_bytes(8) + b"ab")


def seeds():
    """What comes of 30 messages on each of three connections."""

    def run(url):
        heard = []
        for _ in range(3):
            with connect(f"{url}/random", open_timeout=TIMEOUT, compression=None) as connection:
                for number in range(30):
                    connection.send(f"message number {number}")
                # The last word is not hurt, and comes behind all that comes.
                connection.send("end")
                heard.append(list(iter(lambda: connection.recv(timeout=TIMEOUT), "end")))
        return heard

    same, again, another = (run(url) for url in SEEDED)
    checks.equal("the same seed is the same run", again, same)
    checks.equal("another seed is another run", another != same, True)
    checks.equal("connections differ", same[0] != same[1] != same[2], True)
    lost = 90 - sum(len(messages) for messages in same)
    checks.equal("some are lost, and some are not", 10 < lost < 70, True)


handshakes()
ends()
times()
messages()
frames()
seeds()
checks.finish("Python websockets and faults")
