"""The way of encoded spans to a collector: a bounded queue, a thread, OTLP over HTTP. What a span says is not known
here.

Variables as the OpenTelemetry specification has them; those that begin with OTEL_EXPORTER_OTLP_ the SDK reads.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping

import structlog
from msgspec import Struct
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TIMEOUT,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
)
from opentelemetry.sdk.trace import ReadableSpan

from gateway import otlp, otlp_json
from gateway.otlp_form import Form

log = structlog.get_logger(__name__)

USUAL_PROTOCOL = "http/protobuf"
_WELL = "span_export_recovered"
_FORMS: dict[str, Form] = {USUAL_PROTOCOL: otlp, "http/json": otlp_json}
SUPPORTED_PROTOCOLS = tuple(_FORMS)
_PROTOCOLS = (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL)


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
        from gateway.span_transport import Transport  # requests and urllib3: not for a gateway that sends no spans

        self._how = batching(environ)
        self._envelope = form.envelope(example)
        self._transport = Transport(form.CONTENT_TYPE, self._how.timeout)
        self._on_dropped = on_dropped
        self._on_failed = on_failed
        self._queue: deque[bytes] = deque()
        self._awake = threading.Event()
        self._closing = False
        self._abandoned = False
        self._state = _WELL
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
        except Exception as error:  # noqa: BLE001 - whatever it is, the next batch may go
            self._account("span_export_failing", len(batch), str(error) or type(error).__name__)
            return
        if not sent.taken:
            self._account("span_export_failing", len(batch), sent.cause)
        elif sent.rejected:
            self._account("spans_rejected", min(sent.rejected, len(batch)), sent.cause)
        else:
            self._account(_WELL, 0)

    def _account(self, state: str, lost: int, cause: str | None = None) -> None:
        """Counts what is lost; says once that an export failed or left spans out, and once that it works again."""
        if lost:
            self._on_dropped(lost)
        if state == "span_export_failing":
            self._on_failed()
        if state != self._state:
            self._state = state
            log.warning(state, **{"cause": cause} if cause else {})


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
