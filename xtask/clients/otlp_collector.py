"""A collector for `mockforge serve`, and a client whose trace its spans belong to.

Argument: the program. Spans are read with OpenTelemetry's own definitions for Python, which share nothing with the crates
that wrote them.
"""

import gzip
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from checks import Checks
from mockforge import Mockforge
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from websockets.sync.client import connect

TIMEOUT = 10
PROGRAM = sys.argv[1]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
checks = Checks()


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent; `self.url` is where."""

    def __init__(self):
        self.requests = []
        super().__init__(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self):
        """Each span with the resource that it is of."""
        for _, _, request in list(self.requests):
            for of_resource in request.resource_spans:
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        yield span, values(of_resource.resource.attributes)

    def named(self, name):
        return [span for span, _ in self.spans() if span.name == name]

    def wait_for(self, name, count):
        deadline = time.monotonic() + TIMEOUT
        while len(self.named(name)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.named(name)


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        self.server.requests.append((self.path, dict(self.headers), request))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def values(attributes):
    kind = {"string_value", "int_value", "bool_value", "double_value"}
    pairs = ((each.key, each.value.WhichOneof("value"), each.value) for each in attributes)
    return {key: getattr(value, which) for key, which, value in pairs if which in kind}


def talk(server, path, *texts, headers=None):
    with connect(f"{server.url}/{path}", additional_headers=headers, open_timeout=TIMEOUT) as connection:
        for text in texts:
            connection.send(text)
            connection.recv(timeout=TIMEOUT)


def traced():
    collector = Collector()
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=of-ours",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        # Messages are sent while their connection is open.
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    server = Mockforge(PROGRAM, "serve", variables=variables)
    traceparent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with connect(f"{server.url}/traced?token=secret", additional_headers=traceparent) as connection:
        for message in ["hello", b"\0" * 300, "secret"]:
            connection.send(message)
            connection.recv(timeout=TIMEOUT)
        early = collector.wait_for("WS Message outbound", 3)
        checks.equal("messages come while the connection is open", len(early), 3)
        checks.equal("and it comes later", len(collector.named("WS Connect /ws/traced")), 0)
    talk(server, "other", "x", headers={"traceparent": f"00-{TRACE}-{PARENT}-0"})
    talk(server, "unsampled", "x", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    checks.equal("it ends well", server.stop(), 0)

    paths = {path for path, _, _ in collector.requests}
    checks.equal("where spans are sent", paths, {"/v1/traces"})
    keys = {headers.get("x-key") for _, headers, _ in collector.requests}
    checks.equal("the headers that are asked for", keys, {"of-ours"})
    resources = [resource for _, resource in collector.spans()]
    names = {(resource["service.name"], resource["deployment.environment.name"]) for resource in resources}
    checks.equal("who sends them", names, {("mockforge", "test")})

    connections = collector.named("WS Connect /ws/traced")
    checks.equal("one span of the connection", len(connections), 1)
    connection = connections[0]
    checks.equal("its trace", connection.trace_id.hex(), TRACE)
    checks.equal("its parent", connection.parent_span_id.hex(), PARENT)
    checks.equal("its kind", connection.kind, Span.SPAN_KIND_SERVER)
    attributes = values(connection.attributes)
    for name, expected in [
        ("ws.path", "/ws/traced"),
        ("network.protocol.name", "websocket"),
        ("ws.status", "client_close"),
    ]:
        checks.equal(name, attributes.get(name), expected)
    checks.like("network.peer.address", attributes.get("network.peer.address", ""), r"127\.0\.0\.1:\d+")
    for direction, sizes in [("inbound", [5, 300, 6]), ("outbound", [11, 300, 12])]:
        inside = [
            span
            for span in collector.named(f"WS Message {direction}")
            if span.parent_span_id == connection.span_id and span.trace_id == connection.trace_id
        ]
        said = [values(span.attributes) for span in inside]
        checks.equal(f"ws.message.size {direction}", [each["ws.message.size"] for each in said], sizes)
        kinds = [each["ws.message.type"] for each in said]
        checks.equal(f"ws.message.type {direction}", kinds, ["text", "binary", "text"])
        checks.equal(f"ws.direction {direction}", {each["ws.direction"] for each in said}, {direction})
        checks.equal(f"status {direction}", {span.status.code for span in inside}, {Status.STATUS_CODE_OK})
    other = collector.named("WS Connect /ws/other")
    checks.equal("a broken traceparent is ignored", [span.parent_span_id.hex() for span in other], [""])
    checks.equal("what is not to be recorded", collector.named("WS Connect /ws/unsampled"), [])
    everything = b"".join(request.SerializeToString() for _, _, request in collector.requests)
    checks.equal("no payload and no query", b"secret" in everything, False)
    collector.shutdown()


def without_collector():
    """Who listens nowhere is no reason not to serve, and not to end."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    for what, variables in [
        ("a collector that is away", {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free}"}),
        ("an exporter that there is not", {"OTEL_TRACES_EXPORTER": "zipkin"}),
    ]:
        server = Mockforge(PROGRAM, "serve", is_quiet=True, variables=variables)
        talk(server, "x", "x")
        checks.equal(what, server.stop(), 0)


def forbidden():
    """Who is told not to send spans sends none."""
    collector = Collector()
    for variables in [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_EXPORTER": "none"},
    ]:
        server = Mockforge(PROGRAM, "serve", variables=variables)
        talk(server, "x", "x")
        checks.equal(f"it ends well with {variables}", server.stop(), 0)
    checks.equal("nothing is sent", collector.requests, [])
    collector.shutdown()


traced()
without_collector()
forbidden()
checks.finish("otlp")
