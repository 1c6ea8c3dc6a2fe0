"""The collector of spans: `python -m tests.bench.sink` prints its port, takes OTLP/HTTP in protobuf or JSON, and
answers under `/control` how many spans came. They are counted when that is asked, so that it costs nothing meanwhile.
"""

import gzip
import json
import zlib

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench.serving import Connection, serve


class Sink:
    """What came and was not counted yet, and the count."""

    def __init__(self) -> None:
        self._spans = 0
        self._waiting: list[tuple[bytes, bytes]] = []

    def handle(self, connection: Connection) -> None:
        """One request."""
        if connection.path == b"/control":
            self._spans += sum(spans_of(*one) for one in self._waiting)
            self._waiting.clear()
            connection.answer(json.dumps({"spans": self._spans}).encode())
        else:
            self._waiting.append((connection.encoding, connection.body))
            connection.answer(b"{}")


def spans_of(encoding: bytes, body: bytes) -> int:
    """How many spans an export holds. Source: the OTLP specification, "OTLP/HTTP", both of its encodings."""
    if encoding == b"gzip":
        body = gzip.decompress(body)
    elif encoding == b"deflate":
        body = zlib.decompress(body)
    if body[:1] == b"{":
        told = json.loads(body)
        return sum(len(scope["spans"]) for resource in told["resourceSpans"] for scope in resource["scopeSpans"])
    export = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in export.resource_spans for scope in resource.scope_spans)


if __name__ == "__main__":
    serve(Sink().handle)
