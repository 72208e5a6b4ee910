"""Stands between `mockforge` and a model server, and notes each request, and what passed of its answer.

What follows the first whole event of an answer is kept back until the test lets it pass, or `mockforge` hangs up.
"""

import http.client
import json
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# For whoever waits for something that does not come.
TIMEOUT = 60


class Call:
    """A request, and what has passed of its answer."""

    def __init__(self, headers, body):
        self.headers = headers
        self.request = json.loads(body)
        self.tokens = 0
        self.usage = None
        # How it ended: `whole`; `hung up`, by `mockforge`; or `kept`, for nobody let the rest pass.
        self.end = None


class Recorder:
    """A running server that passes on what it is asked to the model server at `upstream`."""

    def __init__(self, upstream):
        self.calls = []
        self.may_go_on = threading.Event()
        self.address = urlsplit(upstream).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def get(self, path):
        """What the model server says by itself."""
        upstream = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        try:
            upstream.request("GET", path)
            return json.load(upstream.getresponse())
        finally:
            upstream.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = Call(dict(self.headers), body)
        self.server.recorder.calls.append(call)
        upstream = http.client.HTTPConnection(self.server.recorder.address, timeout=TIMEOUT)
        try:
            upstream.request("POST", self.path, body, {"Content-Type": "application/json"})
            call.end = self._pass_on(upstream.getresponse(), call)
        except (BrokenPipeError, ConnectionResetError):
            call.end = "hung up"
        finally:
            # Nobody waits for the rest, and the model need not write it.
            upstream.close()
        self.close_connection = call.end != "whole"

    def _pass_on(self, response, call):
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers["Content-Type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        text, was_kept = "", False
        for part in _parts(response):
            chunk = _read(part)
            written = "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", []))
            text += written
            call.tokens += bool(written)
            call.usage = chunk.get("usage", call.usage)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            if not was_kept and _has_an_event(text):
                was_kept = True
                if (otherwise := self._wait_for_permission()) is not None:
                    return otherwise
        self.wfile.write(b"0\r\n\r\n")
        return "whole"

    def _wait_for_permission(self):
        """None, or how the call ended instead."""
        end = time.monotonic() + TIMEOUT
        while not self.server.recorder.may_go_on.wait(0.02):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return "hung up"
            if time.monotonic() > end:
                return "kept"
        return None

    def log_message(self, *_):
        pass


def _parts(response):
    """The server-sent events of an answer, as their bytes, when they come; an answer without such comes whole."""
    part = b""
    for line in response:
        part += line
        if not line.strip():
            yield part
            part = b""
    if part:
        yield part


def _read(part):
    data = part.strip().removeprefix(b"data: ")
    return json.loads(data) if data.startswith(b"{") else {}


def _has_an_event(text):
    """Whether the first element of the first array is there to its end."""
    try:
        json.JSONDecoder().raw_decode(text.partition("[")[2].lstrip())
    except ValueError:
        return False
    return True
