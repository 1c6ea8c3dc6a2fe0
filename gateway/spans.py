"""What a span says: the attempt, and every attribute's name. Nothing else names an attribute, and nothing here is sent
or sampled.

Source: semantic-conventions-genai, "Spans".
"""

import time
from typing import Any

from msgspec import Struct, field

from gateway.alike import Alike, Tried
from gateway.otlp_form import Form, Numbers
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


def tried(attempt: Attempt) -> Tried:
    """What a finished attempt says as others do."""
    served = attempt.served
    return Tried(
        operation=attempt.operation,
        provider_kind=attempt.provider_kind,
        host=attempt.host,
        port=attempt.port,
        fine_tuned=attempt.fine_tuned,
        reason=attempt.reason,
        job_id=attempt.job_id,
        routed_model=attempt.routed_model,
        stream=attempt.stream,
        status=attempt.status,
        error=attempt.error,
        served_model=served.model,
        finish_reasons=served.finish_reasons,
    )


def name_of(attempt: Attempt | Tried) -> str:
    """The span's name."""
    return f"{attempt.operation} {attempt.routed_model}" if attempt.routed_model else attempt.operation


def known_before(attempt: Attempt | Tried) -> dict[str, Any]:
    """What the conventions want a sampler to see."""
    known = {
        "gen_ai.operation.name": attempt.operation,
        "gen_ai.provider.name": KINDS[attempt.provider_kind].provider_name,
        "gen_ai.request.model": attempt.routed_model,
        "server.address": attempt.host,
        "server.port": attempt.port,
    }
    return {name: value for name, value in known.items() if value is not None}


def attributes(attempt: Attempt, call_id: str, alike: Alike) -> dict[str, Any]:
    """All attributes of a finished attempt's span, as the SDK takes them."""
    said = {
        **_repeated(alike),
        _CALL_ID: call_id,
        _RESPONSE_ID: attempt.served.response_id,
        _FIRST_CHUNK: _first_chunk(attempt),
        **dict(zip(_TOKENS, _tokens(attempt.served), strict=True)),
    }
    return {name: value for name, value in said.items() if value is not None}


def _repeated(alike: Alike) -> dict[str, Any]:
    """What many spans say alike."""
    attempt = alike.tried
    assert attempt is not None  # noqa: S101 - there is no span of a call without one
    return {
        **known_before(attempt),
        "fine_tuned": attempt.fine_tuned,
        "gen_ai.request.stream": True if attempt.stream else None,
        "gen_ai.response.model": attempt.served_model,
        "gen_ai.response.finish_reasons": attempt.finish_reasons or None,
        "housestyle.tenant": alike.tenant,
        "housestyle.workflow": alike.workflow,
        "housestyle.requested_model": alike.requested_model,
        "housestyle.reason": attempt.reason,
        "housestyle.job_id": attempt.job_id,
        "housestyle.revision": alike.revision,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error,
    }


# What a span has of its own.
_CALL_ID = "housestyle.call_id"
_RESPONSE_ID = "gen_ai.response.id"
_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
_TOKENS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)


def _first_chunk(attempt: Attempt) -> float | None:
    """Seconds until it came, of a stream."""
    if attempt.first_chunk is None or not attempt.stream:
        return None
    return (attempt.first_chunk - attempt.started) / 1e9


def _tokens(served: Served) -> tuple[int | None, ...]:
    """In the order of _TOKENS."""
    return (
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
        self._call_id, self._response_id, self._first_chunk = map(form.writer, (_CALL_ID, _RESPONSE_ID, _FIRST_CHUNK))
        self._tokens = tuple(Numbers(form.writer(name)).__getitem__ for name in _TOKENS)
        self._kept: dict[Alike, bytes] = {}

    def encode(self, call: Trace, attempt: Attempt, call_id: str, alike: Alike) -> bytes:
        """A finished attempt's span, for the form's envelope. `sampler_attributes` are not in it."""
        served = attempt.served
        read, written, cached, kept, thought = self._tokens
        return self._form.span(
            (call.trace_id, attempt.span_id),
            (attempt.started, attempt.ended),
            call.parent_id,
            state=attempt.state,
            error=attempt.error is not None,
            named=self._kept.get(alike) or self._keep(alike),
            attributes=(
                self._call_id(call_id),
                self._response_id(served.response_id),
                self._first_chunk(_first_chunk(attempt)),
                read(served.input_tokens),
                written(served.output_tokens),
                cached(served.cached_tokens),
                kept(served.cache_creation_tokens),
                thought(served.reasoning_tokens),
            ),
        )

    def _keep(self, alike: Alike) -> bytes:
        assert alike.tried is not None  # noqa: S101 - there is no span of a call without one
        made = self._form.named(name_of(alike.tried), _repeated(alike))
        if len(made) <= _KEPT_LENGTH:
            if len(self._kept) >= _KEPT_SPANS:
                self._kept.clear()
            self._kept[alike] = made
        return made
