"""What a span says: the attempt, and every attribute's name. Nothing else names an attribute, and nothing here is sent
or sampled.

Source: semantic-conventions-genai, "Spans".
"""

from typing import Any

from msgspec import Struct

from gateway.otlp_form import Form, Value
from gateway.trace_context import Trace
from gateway.wire.answers import Served
from gateway.wire.kinds import KINDS

_KEPT_ROUTES = 16_384


class Attempt(Struct):
    """One attempt at one upstream: what its span will say. Times in nanoseconds since the epoch.

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
    started: int
    ended: int = 0
    first_chunk: int | None = None
    status: int | None = None
    error: str | None = None
    served: Served = Served()
    sampled: bool = False
    state: str = ""
    sampler_attributes: dict[str, Any] = {}

    @property
    def span_hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return f"{self.span_id:016x}"


class CallFacts(Struct, frozen=True):
    """What the spans of all attempts of a call share."""

    call_id: str
    tenant: str
    workflow: str | None
    requested_model: str | None
    revision: int


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
    own = zip(_NAMES, _own(attempt, facts), strict=True)
    together = {**_shared(attempt, facts), **dict(own)}
    return {name: value for name, value in together.items() if value is not None}


def _shared(attempt: Attempt, facts: CallFacts) -> dict[str, Any]:
    """What the spans of a route have in common. `SpanEncoder.encode` keeps the bytes under these very values."""
    return {
        **known_before(attempt),
        "fine_tuned": attempt.fine_tuned,
        "gen_ai.request.stream": True if attempt.stream else None,
        "housestyle.tenant": facts.tenant,
        "housestyle.reason": attempt.reason,
        "housestyle.job_id": attempt.job_id,
        "housestyle.revision": facts.revision,
    }


# What a call's span has of its own, in the order of `_own`.
_NAMES = (
    "housestyle.call_id",
    "gen_ai.response.id",
    "gen_ai.response.time_to_first_chunk",
    "housestyle.workflow",
    "housestyle.requested_model",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "http.response.status_code",
    "error.type",
)
_NEVER_TWICE = frozenset(_NAMES[:3])


def _own(attempt: Attempt, facts: CallFacts) -> tuple[Value | None, ...]:
    served = attempt.served
    streamed = attempt.stream and attempt.first_chunk is not None
    return (
        facts.call_id,
        served.response_id,
        (attempt.first_chunk - attempt.started) / 1e9 if streamed and attempt.first_chunk is not None else None,
        facts.workflow,
        facts.requested_model,
        served.model,
        served.finish_reasons or None,
        served.input_tokens,
        served.output_tokens,
        served.cached_tokens,
        served.cache_creation_tokens,
        served.reasoning_tokens,
        attempt.status,
        attempt.error,
    )


class SpanEncoder:
    """Attempts in a form of OTLP. What the spans of a route share is encoded once; a memo that is full is emptied."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._memos = tuple(form.memo(name, unique=name in _NEVER_TWICE) for name in _NAMES)
        self._shared: dict[tuple[object, ...], bytes] = {}

    def encode(self, call: Trace, attempt: Attempt, facts: CallFacts) -> bytes:
        """A finished attempt's span, for the form's envelope. `sampler_attributes` are not in it."""
        route = (
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
        )
        parent = call.parent
        return self._form.span(
            (call.trace_id, attempt.span_id),
            (attempt.started, attempt.ended),
            (parent.span_id, parent.is_remote) if parent else None,
            state=attempt.state,
            error=attempt.error is not None,
            named=self._shared.get(route) or self._encode_shared(route, attempt, facts),
            attributes=[memo[value] for memo, value in zip(self._memos, _own(attempt, facts), strict=True)],
        )

    def _encode_shared(self, route: tuple[object, ...], attempt: Attempt, facts: CallFacts) -> bytes:
        if len(self._shared) >= _KEPT_ROUTES:
            self._shared.clear()
        self._shared[route] = made = self._form.named(name_of(attempt), _shared(attempt, facts))
        return made
