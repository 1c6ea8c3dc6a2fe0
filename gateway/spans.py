"""What a span says: the attempt, and every attribute's name. Nothing else names an attribute, and nothing here is sent
or sampled.

Source: semantic-conventions-genai, "Spans".
"""

import time
from typing import Any, Protocol

from msgspec import Struct, field

from gateway.otlp_form import Form, Value
from gateway.trace_context import Trace
from gateway.wire.answers import Served
from gateway.wire.kinds import KINDS

_KEPT_SPANS = 8192  # and none whose shared part is longer than
_KEPT_LENGTH = 4096  # bytes


class Attempt(Struct):
    """One attempt at one upstream: what its span will say. Times in nanoseconds since the epoch; what lies between them
    is told by the clock that nobody sets.

    `state`: the `tracestate` of its span; `sampler_attributes`: what a sampler wants the span to say beside ours.
    """

    span_id: int
    operation: str
    provider_kind: str
    host: str | None
    port: int | None
    fine_tuned: bool
    reason: str
    job_id: str | None
    routed_model: str | None
    stream: bool
    started: int = field(default_factory=time.time_ns)
    begun: int = field(default_factory=time.perf_counter_ns)
    ended: int = 0
    first_chunk: int | None = None
    status: int | None = None
    error: str | None = None
    served: Served = Served()
    sampled: bool = False
    state: str = ""
    sampler_attributes: dict[str, Any] = {}

    def begin(self) -> None:
        """It begins now: what came before was the gateway's own."""
        self.started, self.begun = time.time_ns(), time.perf_counter_ns()

    def now(self) -> int:
        """The time, as this attempt tells it."""
        return self.started + time.perf_counter_ns() - self.begun

    @property
    def span_hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return self.span_id.to_bytes(8, "big").hex()


class CallFacts(Protocol):
    """What the spans of all attempts of a call share. A call's Why record has it."""

    @property
    def call_id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def workflow(self) -> str | None: ...
    @property
    def requested_model(self) -> str | None: ...
    @property
    def revision(self) -> int: ...


def name_of(attempt: Attempt) -> str:
    """The span's name."""
    return f"{attempt.operation} {attempt.routed_model}" if attempt.routed_model else attempt.operation


def known_before(attempt: Attempt) -> dict[str, Any]:
    """What the conventions want a sampler to see."""
    known = {
        "gen_ai.operation.name": attempt.operation,
        "gen_ai.provider.name": KINDS[attempt.provider_kind].provider_name,
        "gen_ai.request.model": attempt.routed_model,
        "server.address": attempt.host,
        "server.port": attempt.port,
    }
    return {name: value for name, value in known.items() if value is not None}


def attributes(attempt: Attempt, facts: CallFacts) -> dict[str, Any]:
    """All attributes of a finished attempt's span, as the SDK takes them."""
    own = dict(zip(_NAMES, _own(attempt, facts), strict=True))
    return {name: value for name, value in {**_repeated(attempt, facts), **own}.items() if value is not None}


def _repeated(attempt: Attempt, facts: CallFacts) -> dict[str, Any]:
    """What many spans say alike. `SpanEncoder.encode` keeps the bytes under these very values."""
    served = attempt.served
    return {
        **known_before(attempt),
        "fine_tuned": attempt.fine_tuned,
        "gen_ai.request.stream": True if attempt.stream else None,
        "gen_ai.response.model": served.model,
        "gen_ai.response.finish_reasons": served.finish_reasons or None,
        "housestyle.tenant": facts.tenant,
        "housestyle.workflow": facts.workflow,
        "housestyle.requested_model": facts.requested_model,
        "housestyle.reason": attempt.reason,
        "housestyle.job_id": attempt.job_id,
        "housestyle.revision": facts.revision,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error,
    }


# What a span has of its own, in the order of `_own`.
_NAMES = (
    "housestyle.call_id",
    "gen_ai.response.id",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)


def _own(attempt: Attempt, facts: CallFacts) -> tuple[Value | None, ...]:
    served = attempt.served
    first = attempt.first_chunk if attempt.stream else None
    return (
        facts.call_id,
        served.response_id,
        None if first is None else (first - attempt.started) / 1e9,
        served.input_tokens,
        served.output_tokens,
        served.cached_tokens,
        served.cache_creation_tokens,
        served.reasoning_tokens,
    )


class SpanEncoder:
    """Attempts in a form of OTLP. What many spans say alike is encoded once; the memo is emptied when it is full."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._writers = tuple(map(form.writer, _NAMES))
        self._kept: dict[tuple[object, ...], bytes] = {}

    def encode(self, call: Trace, attempt: Attempt, facts: CallFacts) -> bytes:
        """A finished attempt's span, for the form's envelope. `sampler_attributes` are not in it."""
        served = attempt.served
        alike = (
            facts.tenant,
            facts.revision,
            attempt.routed_model,
            attempt.reason,
            attempt.job_id,
            attempt.fine_tuned,
            attempt.stream,
            attempt.operation,
            attempt.provider_kind,
            attempt.host,
            attempt.port,
            facts.workflow,
            facts.requested_model,
            served.model,
            served.finish_reasons,
            attempt.status,
            attempt.error,
        )
        own = _own(attempt, facts)
        return self._form.span(
            (call.trace_id, attempt.span_id),
            (attempt.started, attempt.ended),
            call.parent_id,
            state=attempt.state,
            error=attempt.error is not None,
            named=self._kept.get(alike) or self._keep(alike, attempt, facts),
            attributes=[write(value) for write, value in zip(self._writers, own, strict=True) if value is not None],
        )

    def _keep(self, alike: tuple[object, ...], attempt: Attempt, facts: CallFacts) -> bytes:
        made = self._form.named(name_of(attempt), _repeated(attempt, facts))
        if len(made) <= _KEPT_LENGTH:
            if len(self._kept) >= _KEPT_SPANS:
                self._kept.clear()
            self._kept[alike] = made
        return made
