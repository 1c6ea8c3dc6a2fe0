"""Encoded spans on their way: batches, the specification's variables, what a collector may do, and what is lost."""

import contextlib
import gzip
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import certifi
import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from structlog.testing import capture_logs

from gateway import otlp
from gateway.span_sender import Batching, SpanSender, batching, form
from tests.gateway.upstream.certificates import Authority
from tests.support.processes import wait_until

_READ: dict[str | None, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}
EXAMPLE = ReadableSpan("", SpanContext(1, 1, is_remote=False), resource=Resource({"service.name": "gateway"}))


class Sink:
    """A collector that answers as it is told, and holds its answers back while `go` is not set."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[int] = []
        self.go = threading.Event()
        self.go.set()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.batches: list[list[str]] = []
        self.said, self.said_type = b"", "application/x-protobuf"

    @property
    def names(self) -> list[str]:
        """Of all spans that were taken."""
        return [name for batch in self.batches for name in batch]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.asked.append((path, headers))
        self.go.wait(30)
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            (resource,) = ExportTraceServiceRequest.FromString(
                _READ[headers.get("content-encoding")](body)
            ).resource_spans
            assert resource.resource.attributes[0].value.string_value == "gateway"
            self.batches.append([span.name for scope in resource.scope_spans for span in scope.spans])
        return status


@contextlib.contextmanager
def collecting(authority: Authority | None = None) -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            said = collector.said if status == 200 else b""
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.send_header("content-type", collector.said_type)
            if status == 503:
                self.send_header("retry-after", "0")
            if 300 <= status < 400:
                self.send_header("location", f"{collector.url}/elsewhere")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority is not None:
        server.socket = authority.server("localhost").wrap_socket(server.socket, server_side=True)
    collector = Sink(
        f"https://localhost:{server.server_port}" if authority else f"http://127.0.0.1:{server.server_port}"
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def sink(environ: pytest.MonkeyPatch) -> Iterator[Sink]:
    with collecting() as sink:
        environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        yield sink


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, without what this machine says of exporters, batches, proxies and whom to trust."""
    for name in os.environ:
        if name.startswith("OTEL_") or name.lower().endswith(("_proxy", "_ca_bundle", "ssl_cert_file")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    return monkeypatch


class Heard:
    """What a sender said of its losses."""

    def __init__(self) -> None:
        self.dropped: list[int] = []
        self.failures = 0

    def failed(self) -> None:
        self.failures += 1


@contextlib.contextmanager
def sending(heard: Heard | None = None) -> Iterator[SpanSender]:
    heard = heard or Heard()
    sender = SpanSender(form(os.environ), EXAMPLE, os.environ, heard.dropped.append, heard.failed)
    try:
        yield sender
    finally:
        sender.shutdown()


def span(name: str) -> bytes:
    return otlp.span((1, 2), (3, 4), 0, state="", error=False, named=otlp.named(name, {}), attributes=())


# what is sent


def test_a_collector_gets_what_was_put_and_nothing_else(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    """The exporter's session is the way in for our bytes. If a release of the SDK closes it, this is where it shows."""
    with sending() as sender:
        for number in range(3):
            sender.put(span(f"s{number}"))
    assert sink.batches == [["s0", "s1", "s2"]]
    ((path, headers),) = sink.asked
    assert path == "/v1/traces"
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")


def test_a_full_batch_does_not_wait(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    with sending() as sender:
        for number in range(10):
            sender.put(span(f"s{number}"))
        wait_until(lambda: len(sink.names) >= 8, what="two batches")
    assert sink.names == [f"s{number}" for number in range(10)]
    assert max(map(len, sink.batches)) == 4


def test_what_is_no_full_batch_goes_after_the_delay(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    with sending() as sender:
        sender.put(span("first"))
        wait_until(lambda: sink.names == ["first"], what="the first")
        sender.put(span("second"))
        wait_until(lambda: sink.names == ["first", "second"], what="the second, over the same connection")


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_compression(sink: Sink, environ: pytest.MonkeyPatch, compression: str) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    with sending() as sender:
        sender.put(span("s"))
    assert sink.names == ["s"]
    assert sink.asked[0][1].get("content-encoding", "none") == compression


def test_the_traces_own_endpoint_and_headers(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{sink.url}/here?a=1")
    environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    environ.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret,x-other=two%20words")
    with sending() as sender:
        sender.put(span("s"))
    ((path, headers),) = sink.asked
    assert path == "/here?a=1"
    assert (headers["x-key"], headers["x-other"]) == ("secret", "two words")


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_CERTIFICATE", "SSL_CERT_FILE"])
def test_tls_with_an_authority_of_ones_own(environ: pytest.MonkeyPatch, tmp_path: Any, variable: str) -> None:
    authority = Authority(tmp_path)
    with collecting(authority) as sink:
        environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        environ.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "500")
        stranger = Heard()
        with sending(stranger) as sender:
            sender.put(span("to a stranger"))
        environ.setenv(variable, str(authority.file))
        environ.setenv("REQUESTS_CA_BUNDLE", certifi.where())  # who names an authority means that one
        with sending() as sender:
            sender.put(span("s"))
    assert sink.names == ["s"]
    assert stranger.dropped == [1]


# what goes wrong


def test_a_collector_that_is_busy_is_asked_again(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    sink.answers = [503, 503, 200]
    heard = Heard()
    with sending(heard) as sender:
        sender.put(span("s"))
        sender.shutdown()
    assert sink.names == ["s"]
    assert (len(sink.asked), heard.dropped, heard.failures) == (3, [], 0)


def test_an_outage_is_counted_and_said_once_and_so_is_its_end(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    sink.answers = [400, 400, 200, 200, 400]
    heard = Heard()
    with capture_logs() as logs:
        with sending(heard) as sender:
            for number in range(10):
                sender.put(span(f"s{number}"))
        assert sink.names == ["s4", "s5", "s6", "s7"]
    assert (heard.dropped, heard.failures) == ([2, 2, 2], 3)
    assert [entry["event"] for entry in logs] == ["span_export_failing", "span_export_recovered", "span_export_failing"]


@pytest.mark.parametrize("status", [302, 307, 308, 204])
def test_what_is_sent_elsewhere_did_not_arrive(sink: Sink, status: int) -> None:
    sink.answers = [status]
    heard = Heard()
    with capture_logs() as logs, sending(heard) as sender:
        sender.put(span("s"))
    assert len(sink.asked) == 1, "no redirect is followed"
    if status == 204:
        assert (heard.dropped, heard.failures, logs) == ([], 0, [])
    else:
        assert (heard.dropped, heard.failures) == ([1], 1)
        assert [(entry["event"], entry["cause"]) for entry in logs] == [
            ("span_export_failing", f"it answered {status}")
        ]


def test_a_collector_that_is_not_there_is_told_with_its_cause(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    environ.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
    with capture_logs() as logs, sending(Heard()) as sender:
        sender.put(span("s"))
    [failing] = [entry for entry in logs if entry["event"] == "span_export_failing"]
    assert "Connection" in failing["cause"]


@pytest.mark.parametrize("json", [False, True])
def test_spans_that_a_collector_leaves_out_are_counted(sink: Sink, *, json: bool) -> None:
    said = ExportTraceServiceResponse()
    said.partial_success.rejected_spans, said.partial_success.error_message = 2, "too old"
    sink.said = MessageToJson(said).encode() if json else said.SerializeToString()
    sink.said_type = "application/json" if json else "application/x-protobuf"
    heard = Heard()
    with capture_logs() as logs, sending(heard) as sender:
        for number in range(3):
            sender.put(span(f"s{number}"))
    assert (heard.dropped, heard.failures) == ([2], 0)
    assert [(entry["event"], entry["cause"]) for entry in logs] == [("spans_rejected", "too old")]


def test_an_answer_that_is_no_otlp_is_none_the_less_a_yes(sink: Sink) -> None:
    sink.said, sink.said_type = b"\xff<html>ok</html>", "application/x-protobuf"
    heard = Heard()
    with sending(heard) as sender:
        sender.put(span("s"))
    assert (sink.names, heard.dropped, heard.failures) == (["s"], [], 0)


def test_a_full_queue_drops_and_counts(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    environ.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
    sink.go.clear()
    heard = Heard()
    with sending(heard) as sender:
        sender.put(span("under way"))
        wait_until(lambda: len(sink.asked) == 1, what="the first on its way")
        for name in ("waits", "waits too", "no room", "nor here"):
            sender.put(span(name))
        assert heard.dropped == [1, 1]
        sink.go.set()
    assert sink.names == ["under way", "waits", "waits too"]
    assert heard.failures == 0


def test_nobody_there(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    environ.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
    heard = Heard()
    with sending(heard) as sender:
        for number in range(1200):
            sender.put(span(f"s{number}"))
    assert sum(heard.dropped) == 1200
    assert heard.failures >= 1


def test_a_collector_that_says_nothing_does_not_hold_up_the_end(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    environ.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
    sink.go.clear()
    heard = Heard()
    with sending(heard) as sender:
        for number in range(5):
            sender.put(span(f"s{number}"))
    assert not sink.go.is_set(), "it ended while the collector still kept its answer"
    wait_until(lambda: sum(heard.dropped) == 5, what="every span accounted for")


def test_after_the_end_spans_are_dropped(sink: Sink, environ: pytest.MonkeyPatch) -> None:
    heard = Heard()
    with sending(heard) as sender:
        sender.shutdown()
        sender.put(span("late"))
    assert heard.dropped == [1]
    assert sink.asked == []


# the specification's variables


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Batching(2048, 512, 5.0, 10.0)),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "4096", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1024"}, Batching(4096, 1024)),
        ({"OTEL_BSP_SCHEDULE_DELAY": "250"}, Batching(delay=0.25)),
        ({"OTEL_BSP_SCHEDULE_DELAY": ""}, Batching()),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "100"}, Batching(queue=100, batch=100)),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3000"}, Batching(timeout=3.0)),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "500"}, Batching(timeout=0.5)),
    ],
)
def test_how_spans_are_batched(environ: dict[str, str], expected: Batching) -> None:
    with capture_logs() as logs:
        assert batching(environ) == expected
    assert logs == []


@pytest.mark.parametrize(
    "name", ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_SCHEDULE_DELAY"]
)
@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_number_that_cannot_be_used_is_said(name: str, value: str) -> None:
    with capture_logs() as logs:
        assert batching({name: value}) == Batching()
    assert [(entry["event"], entry["variable"]) for entry in logs] == [("unusable_variable", name)]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
@pytest.mark.parametrize("protocol", ["grpc", "http/JSON", "http/protobuf"])
def test_another_protocol_is_said_and_not_spoken(
    sink: Sink, environ: pytest.MonkeyPatch, name: str, protocol: str
) -> None:
    environ.setenv(name, protocol)
    with capture_logs() as logs, sending() as sender:
        sender.put(span("s"))
    assert sink.names == ["s"]
    said = [(entry["event"], entry["value"]) for entry in logs]
    assert said == ([] if protocol == "http/protobuf" else [("unsupported_protocol", protocol)])
