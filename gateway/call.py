"""What becomes known of a call on its way, and the record of it. Values only; the steps are in `lifecycle.py`."""

import time
from typing import NamedTuple

from msgspec import Struct

from gateway import timestamps
from gateway.alike import Alike, Own
from gateway.call_metrics import Ended
from gateway.compiling import TenantRoutes
from gateway.endpoints import Target
from gateway.incoming import Relayed
from gateway.prices import Asked, Prices, Rates, cost
from gateway.spans import tried
from gateway.telemetry import Attempt, Trace
from gateway.wire.answers import Served
from gateway.wire.body import RequestBody
from policies.values import Call, Caller, Decision, Reason

_NOTHING_SERVED = Served()
_MOST_KNOWN = 4096
_FEW = 8  # reasons to finish: an answer may give 128
_RECORDED_LENGTH = 256  # of a model's name, in spans and records: a caller may say anything


class CallState(Struct):
    """All that becomes known of a call on its way; `settle` makes its spans and its record of it."""

    call_id: str
    arrived: float  # seconds since the epoch
    begun: int  # nanoseconds, monotonic, as all that follow
    trace: Trace
    endpoint: str
    workflow: str | None
    caller: Caller | None = None
    routes: TenantRoutes | None = None
    target: Target | None = None
    body: RequestBody | None = None
    relayed: Relayed | None = None
    asked: Call | None = None
    decision: Decision | None = None
    refusal: Reason | None = None
    attempts: list[Attempt] = []
    status: int = 0
    error: str | None = None
    bug: Exception | None = None
    body_wait: int = 0  # until the caller had sent what is read of the body
    first_chunk: int | None = None
    events: bool = False  # the answer is an event stream
    usage_added: bool = False  # the caller did not ask for the event that tells of it
    cancelled: bool = False

    @property
    def reason(self) -> Reason | None:
        """Why this model answers, as far as that was decided."""
        return self.refusal or (self.decision.reason if self.decision else None)

    @property
    def fine_tuned(self) -> bool:
        """Whether the tenant's own model answers."""
        return self.refusal is None and self.decision is not None and self.decision.fine_tuned

    @property
    def streamed(self) -> bool:
        """Whether an event stream was asked for, or answered."""
        return self.events or (self.body is not None and self.body.stream)

    @property
    def recorded_model(self) -> str | None:
        """The requested model as spans and records have it."""
        return short(self.requested)

    @property
    def requested(self) -> str | None:
        """The model that the caller named."""
        if self.body is not None:
            return self.body.requested
        named = self.target.model if self.target else None
        return named or (self.relayed.model if self.relayed else None)


class Known(NamedTuple):
    """What a call says as others do, and what its tokens cost; None where that is not known."""

    alike: Alike
    rates: Rates | None


class Alikes:
    """What calls say alike, by all that it is made of. Forgotten as a whole when it is too much. One for a process."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._known: dict[tuple[object, ...], Known] = {}

    def of(self, call: CallState, routes: TenantRoutes, caller: Caller) -> Known:
        """What a call that is over says as others do, by its last attempt."""
        last = call.attempts[-1] if call.attempts else _NO_ATTEMPT
        served = last.served
        said = (
            routes.route.tenant,
            routes.route.revision,
            caller.key_id,
            call.decision,
            call.refusal,
            call.workflow,
            call.endpoint,
            short(call.requested),
            call.events,
            call.body is not None and call.body.stream,
            call.status,
            call.error,
            call.cancelled,
            len(call.attempts),
            last.reason,
            last.job_id,
            last.routed_model,
            last.operation,
            last.provider_kind,
            last.host,
            last.port,
            last.stream,
            last.status,
            last.error,
            served.model,
            served.finish_reasons,
        )
        return self._known.get(said) or self._find(said, call, routes, caller)

    def _find(self, said: tuple[object, ...], call: CallState, routes: TenantRoutes, caller: Caller) -> Known:
        last = call.attempts[-1] if call.attempts else None
        known = Known(alike(call, routes, caller, last), _rates(last, routes, self._prices))
        if last is None or len(last.served.finish_reasons) <= _FEW:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[said] = known
        return known


def alike(call: CallState, routes: TenantRoutes, caller: Caller, attempt: Attempt | None) -> Alike:
    """What a call and one of its attempts say as others do."""
    decision = call.decision
    return Alike(
        tenant=routes.route.tenant,
        key_id=caller.key_id,
        workflow=call.workflow,
        endpoint=call.endpoint,
        requested_model=call.recorded_model,
        routed_model=attempt.routed_model if attempt else None,
        served_model=attempt.served.model if attempt else None,
        provider=decision.provider if decision else None,
        fine_tuned=call.fine_tuned,
        reason=call.reason,
        job_id=decision.job_id if decision else None,
        revision=routes.route.revision,
        attempts=len(call.attempts),
        status=call.status,
        error=call.error,
        stream=call.streamed,
        cancelled=call.cancelled,
        tried=tried(attempt) if attempt else None,
    )


def own(call: CallState, known: Known) -> Own:
    """What a call says that no other says, made when it is over."""
    last = call.attempts[-1] if call.attempts else None
    served = last.served if last else _NOTHING_SERVED
    begun, first = call.begun, call.first_chunk
    return Own(
        call.call_id,
        call.trace.hex,
        last.span_hex if last else None,
        timestamps.from_seconds(call.arrived),
        served.response_id,
        served.input_tokens,
        served.output_tokens,
        None if known.rates is None else cost(known.rates, served),
        round((time.perf_counter_ns() - begun) / 1e6, 3),
        None if first is None or not known.alike.stream else round((first - begun) / 1e6, 3),
    )


def ended(call: CallState, own: Own) -> Ended:
    """What the metrics count of a call."""
    seconds = own.duration_ms / 1e3
    elsewhere = call.body_wait
    for attempt in call.attempts:
        elsewhere += attempt.ended - attempt.started
    return Ended(seconds, max(0.0, seconds - elsewhere / 1e9) if call.attempts else None, own.cost_usd)


def _rates(last: Attempt | None, routes: TenantRoutes, prices: Prices) -> Rates | None:
    """Of the attempt that answered: one before it was refused, and costs nothing."""
    if last is None:
        return None
    made = routes.route.fine_tunes.get(last.routed_model) if last.routed_model else None
    return prices.rates(
        Asked(
            last.provider_kind,
            last.routed_model,
            last.served.model,
            last.fine_tuned,
            made.base_model if made else None,
        )
    )


def short(text: str | None) -> str | None:
    """A text of any length, as long as it is recorded."""
    return text[:_RECORDED_LENGTH] if text else text


_NO_ATTEMPT = Attempt(0, "", "", None, None, fine_tuned=False, reason="", job_id=None, routed_model=None, stream=False)
