"""What becomes known of a call on its way, and the record of it. Values only; the steps are in `lifecycle.py`."""

import time

from msgspec import Struct

from gateway import timestamps
from gateway.call_metrics import Ended
from gateway.compiling import TenantRoutes
from gateway.endpoints import Target
from gateway.incoming import Relayed
from gateway.prices import Prices
from gateway.telemetry import Attempt, Trace
from gateway.why import WhyRecord
from gateway.wire.answers import Served
from gateway.wire.body import RequestBody
from policies.values import Call, Caller, Decision, Reason

_NOTHING_SERVED = Served()
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


def record(call: CallState, routes: TenantRoutes, caller: Caller, prices: Prices) -> WhyRecord:
    """The call's Why record, made when it is over."""
    last = call.attempts[-1] if call.attempts else None
    served = last.served if last else _NOTHING_SERVED
    decision = call.decision
    now = time.perf_counter_ns()
    streamed = call.events or (call.body is not None and call.body.stream)
    return WhyRecord(
        call_id=call.call_id,
        trace_id=call.trace.hex,
        span_id=last.span_hex if last else None,
        time=timestamps.from_seconds(call.arrived),
        tenant=routes.route.tenant,
        key_id=caller.key_id,
        workflow=call.workflow,
        endpoint=call.endpoint,
        requested_model=call.recorded_model,
        routed_model=last.routed_model if last else None,
        served_model=served.model,
        provider=decision.provider if decision else None,
        fine_tuned=call.fine_tuned,
        reason=call.reason,
        job_id=decision.job_id if decision else None,
        revision=routes.route.revision,
        attempts=len(call.attempts),
        status=call.status,
        error=call.error,
        response_id=served.response_id,
        stream=streamed,
        input_tokens=served.input_tokens,
        output_tokens=served.output_tokens,
        cost_usd=_cost(call, routes, prices),
        duration_ms=round((now - call.begun) / 1e6, 3),
        time_to_first_chunk_ms=round((call.first_chunk - call.begun) / 1e6, 3)
        if streamed and call.first_chunk is not None
        else None,
        cancelled=call.cancelled,
    )


def ended(call: CallState, record: WhyRecord | None) -> Ended:
    """What the metrics count of the call; without a record, its tenant is not known."""
    if record is None:
        return Ended(None, call.reason, call.status, call.error, call.cancelled, fine_tuned=False, seconds=0)
    duration = round(record.duration_ms * 1e6)
    upstream = sum(attempt.ended - attempt.started for attempt in call.attempts)
    return Ended(
        tenant=record.tenant,
        reason=call.reason,
        status=call.status,
        error=call.error,
        cancelled=call.cancelled,
        fine_tuned=record.fine_tuned,
        seconds=duration / 1e9,
        overhead=max(0, duration - upstream - call.body_wait) / 1e9 if call.attempts else None,
        cost_usd=record.cost_usd,
    )


def _cost(call: CallState, routes: TenantRoutes, prices: Prices) -> float | None:
    """US dollars, of the attempt that answered: one before it was refused, and costs nothing. None where that is not
    known."""
    if not call.attempts:
        return None
    last = call.attempts[-1]
    made = routes.route.fine_tunes.get(last.routed_model) if last.routed_model else None
    return prices.cost(
        last.provider_kind,
        last.routed_model,
        last.served,
        fine_tuned=last.fine_tuned,
        base_model=made.base_model if made else None,
    )


def short(text: str | None) -> str | None:
    """A text of any length, as long as it is recorded."""
    return text[:_RECORDED_LENGTH] if text else text
