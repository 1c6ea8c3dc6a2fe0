"""A collector of spans: a real HTTP server that takes OTLP in protobuf and in JSON, as any collector does."""

import base64
import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.processes import wait_until


class Collector:
    """The spans that arrived. `endpoint` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.spans: list[Span] = []

    def of_call(self, call_id: str, count: int = 1) -> list[Span]:
        """The spans of a call, in the order of their start, once `count` have arrived."""

        def found() -> list[Span]:
            return [span for span in list(self.spans) if attributes(span).get("housestyle.call_id") == call_id]

        wait_until(lambda: len(found()) >= count, what=f"{count} span(s) of {call_id}")
        return sorted(found(), key=lambda span: span.start_time_unix_nano)


def request_of(content_type: str, body: bytes) -> ExportTraceServiceRequest:
    """What an exporter has sent. Ids in JSON are hex, where protobuf's own mapping has base64."""
    if content_type != "application/json":
        return cast("ExportTraceServiceRequest", ExportTraceServiceRequest.FromString(body))
    said = json.loads(body)
    for resource in said["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for key in {"traceId", "spanId", "parentSpanId"} & set(span):
                    span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    made = ExportTraceServiceRequest()
    ParseDict(said, made)
    return made


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as Python values."""
    return {pair.key: _value(pair.value) for pair in span.attributes}


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in request_of(self.headers["content-type"], body).resource_spans:
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, str(kind))
