"""A collector of spans: a real HTTP server that takes OTLP in protobuf, as any collector does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.processes import wait_until


class Collector:
    """The spans that arrived. `endpoint` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.spans: list[Span] = []

    def of_call(self, call_id: str, count: int = 1) -> list[Span]:
        """The spans of a call, in the order of their start, once `count` have arrived."""

        def found() -> list[Span]:
            return [span for span in list(self.spans) if attributes(span)["housestyle.call_id"] == call_id]

        wait_until(lambda: len(found()) >= count, what=f"{count} span(s) of {call_id}")
        return sorted(found(), key=lambda span: span.start_time_unix_nano)


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as Python values."""
    return {pair.key: _value(pair.value) for pair in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)
