"""The way of encoded spans to a collector: a bounded queue, a thread, OTLP over HTTP. What a span says is not known
here.

Variables as the OpenTelemetry specification has them; those that begin with OTEL_EXPORTER_OTLP_ the SDK reads.
"""

import gzip
import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import requests
import structlog
from msgspec import Struct
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TIMEOUT,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext

from gateway import otlp, otlp_json
from gateway.otlp_form import Form

log = structlog.get_logger(__name__)

USUAL_PROTOCOL = "http/protobuf"
_FORMS: dict[str, Form] = {USUAL_PROTOCOL: otlp, "http/json": otlp_json}
SUPPORTED_PROTOCOLS = tuple(_FORMS)
_PROTOCOLS = (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL)
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


class Batching(Struct, frozen=True):
    """How spans are sent: `queue` and `batch` in spans, `delay` and `timeout` in seconds."""

    queue: int = 2048
    batch: int = 512
    delay: float = 5.0
    timeout: float = 10.0


def batching(environ: Mapping[str, str]) -> Batching:
    """The OTEL_BSP_* variables as the SDK's BatchSpanProcessor reads them, and the exporter's time-out, which is in
    milliseconds too, as the specification has it (the SDK's own exporter takes seconds). Whole numbers; what cannot be
    used is said and left at its default.
    """
    usual = Batching()
    queue = int(_number(environ, OTEL_BSP_MAX_QUEUE_SIZE, usual.queue, int))
    own = environ.get(OTEL_EXPORTER_OTLP_TRACES_TIMEOUT)
    timeout = OTEL_EXPORTER_OTLP_TRACES_TIMEOUT if own else OTEL_EXPORTER_OTLP_TIMEOUT
    return Batching(
        queue=queue,
        batch=min(queue, int(_number(environ, OTEL_BSP_MAX_EXPORT_BATCH_SIZE, usual.batch, int))),
        delay=_number(environ, OTEL_BSP_SCHEDULE_DELAY, usual.delay * 1000, int) / 1000,
        timeout=_number(environ, timeout, usual.timeout * 1000, int) / 1000,
    )


def form(environ: Mapping[str, str]) -> Form:
    """The form that OTEL_EXPORTER_OTLP_PROTOCOL asks for. One that is not known is said, and protobuf is used."""
    variable, asked = protocol(environ)
    if asked and asked not in _FORMS:
        log.error("unsupported_protocol", variable=variable, value=asked, supported=list(_FORMS), used=USUAL_PROTOCOL)
    return _FORMS.get(asked, otlp)


def protocol(environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that says the protocol, and what it says; "" twice where none does."""
    named = ((name, environ.get(name, "").strip()) for name in _PROTOCOLS)
    return next(((name, asked) for name, asked in named if asked), ("", ""))


class SpanSender:
    """Sends spans in batches from a thread of its own. `put` is for one other thread.

    `on_dropped` hears of spans that are lost, `on_failed` of batches that were; both from either thread.
    """

    def __init__(
        self,
        form: Form,
        example: ReadableSpan,
        environ: Mapping[str, str],
        on_dropped: Callable[[int], object],
        on_failed: Callable[[], object],
    ) -> None:
        self._how = batching(environ)
        self._envelope = form.envelope(example)
        self._transport = Transport(form.CONTENT_TYPE, self._how.timeout)
        self._on_dropped = on_dropped
        self._on_failed = on_failed
        self._queue: deque[bytes] = deque()
        self._awake = threading.Event()
        self._closing = False
        self._abandoned = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="span-sender", daemon=True)
        self._thread.start()

    def put(self, span: bytes) -> None:
        """Takes a span as the form's `span` makes it; never waits, never fails. What finds no room is dropped."""
        waiting = len(self._queue)
        if waiting >= self._how.queue or self._closing:
            self._on_dropped(1)
            return
        self._queue.append(span)
        if waiting + 1 >= self._how.batch and not self._awake.is_set():
            self._awake.set()

    def shutdown(self) -> None:
        """Sends what is left, for as long as the exporter's time-out; the rest is dropped."""
        if self._closing:
            return
        self._closing = True
        self._awake.set()
        self._thread.join(self._how.timeout)
        self._abandoned = True
        self._transport.shutdown()
        left = len(self._queue)
        if left:
            self._on_dropped(left)
            log.warning("spans_left_behind", spans=left)

    def _run(self) -> None:
        while not self._closing:
            full = self._awake.wait(self._how.delay)
            self._awake.clear()
            if not full:
                self._send_batch()
            while len(self._queue) >= self._how.batch and not self._closing:
                self._send_batch()
        while self._queue and not self._abandoned:
            self._send_batch()

    def _send_batch(self) -> None:
        """The oldest that wait, if any do."""
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._how.batch))]
        if not batch:
            return
        try:
            sent = self._transport.send(self._envelope.around(batch))
        except Exception:  # noqa: BLE001 - whatever it is, the next batch may go
            sent = False
        self._account(len(batch), sent=sent)

    def _account(self, spans: int, *, sent: bool) -> None:
        """Counts what is lost; says once that an export failed, and once that it works again."""
        if not sent:
            self._on_failed()
            self._on_dropped(spans)
        if sent is self._failing:
            self._failing = not sent
            log.warning("span_export_recovered" if sent else "span_export_failing")


class Transport:
    """Bytes through the SDK's OTLPSpanExporter: its endpoint, headers, TLS, compression, retries and time-outs.

    The exporter has no public way in for bytes, but takes a session of requests' as an argument. It is given one span,
    and the session puts the batch in the place of that span's bytes.
    """

    def __init__(self, content_type: str, timeout: float) -> None:
        self._stand_in = (ReadableSpan("", SpanContext(1, 1, is_remote=False), resource=Resource.get_empty()),)
        self._session = _Session(content_type)
        self._exporter = OTLPSpanExporter(session=self._session, timeout=timeout)

    def send(self, batch: bytes) -> bool:
        """Whether the collector took it. Takes as long as the exporter's time-out allows."""
        self._session.carry(batch)
        done = self._exporter.export(self._stand_in)
        return done is SpanExportResult.SUCCESS and self._session.carried

    def shutdown(self) -> None:
        """Ends the wait for another try, and the connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no type here


class _Session(requests.Session):
    """Sends what it was told to carry, whatever else it is asked to send; compressed as the headers say.

    `carried`: whether it was asked at all; if not, the exporter has found another way, and the batch is lost.
    """

    def __init__(self, content_type: str) -> None:
        super().__init__()
        self.carried = False
        self._content_type = content_type
        self._batch = b""
        self._compressed: tuple[str, bytes] | None = None
        self._environment: Any = None

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Proxies and certificates, read from the environment once: every request goes to the same place.

        Authorities: the exporter's own, else SSL_CERT_FILE's, else those that requests knows of.
        """
        if self._environment is None:
            self._environment = super().merge_environment_settings(url, proxies, stream, verify, cert)
            authorities = self.verify if isinstance(self.verify, str) else os.environ.get("SSL_CERT_FILE")
            if authorities:
                self._environment["verify"] = authorities
        return self._environment

    def carry(self, batch: bytes) -> None:
        """What the next requests are to send."""
        self._batch = batch
        self._compressed = None
        self.carried = False

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """See requests.Session."""
        self.carried = True
        request.prepare_body(self._body(str(request.headers.get("content-encoding", ""))), None)
        request.headers["content-type"] = self._content_type
        return super().send(request, **kwargs)

    def _body(self, encoding: str) -> bytes:
        """Compressed once, however often it is sent."""
        if self._compressed is None or self._compressed[0] != encoding:
            compress = _COMPRESS.get(encoding)
            self._compressed = (encoding, compress(self._batch) if compress else self._batch)
        return self._compressed[1]


def _number(environ: Mapping[str, str], name: str, usual: float, read: Callable[[str], float]) -> float:
    given = environ.get(name)
    if not given:
        return usual
    try:
        number = read(given)
    except ValueError:
        number = 0
    if number > 0:
        return number
    log.error("unusable_variable", variable=name, value=given, used=usual)
    return usual
