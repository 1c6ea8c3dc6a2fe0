"""Calls that are over, told of as the gateway tells: spans through the real sender to a collector, metrics, Why records
into a real Redis; in one process, so that all its threads' CPU time is theirs. `telemetry.py` compares the rounds.

What a call *is* (its trace's id, its state, the values of its attempt) is made in every round, that of nothing too.
"""

import asyncio
import random
import time
from collections.abc import Coroutine, Iterator
from itertools import cycle
from typing import Any

from msgspec import Struct

from gateway import call as calls
from gateway import price_lists, timestamps, trace_context
from gateway.call import Alikes, CallState
from gateway.compiling import TenantRoutes
from gateway.metrics import Metrics, Now
from gateway.spans import Attempt
from gateway.store.connection import Store
from gateway.telemetry import Telemetry
from gateway.trace_context import Trace
from gateway.why import WhyWriter
from gateway.wire.served import Served
from policies.values import Caller, Decision, FineTune, Provider, Reason, Role, Route

PARTS: dict[str, frozenset[str]] = {
    "nothing": frozenset(),
    "span": frozenset({"span"}),
    "metrics": frozenset({"metrics"}),
    "record": frozenset({"record"}),
    "all": frozenset({"span", "metrics", "record"}),
}
_BATCH, _PAUSE_SECONDS = 100, 0.02  # what a busy process settles: about 4,000 a second
_TENANTS, _SHAPES = 5, 2000
_PRICES = price_lists.load(None)
_TRACEPARENT = b"00-%032x-%016x-01"


class Shape(Struct, frozen=True):
    """What calls have in common that are alike."""

    routes: TenantRoutes
    caller: Caller
    decision: Decision
    asked: str
    workflow: str | None
    stream: bool
    status: int
    served: Served
    traced: bool


class Parts(Struct, frozen=True):
    """What a round tells with."""

    alikes: Alikes
    telemetry: Telemetry | None
    metrics: Metrics | None
    why: WhyWriter | None


async def settle(store: Store, part: str, number: int) -> float:
    """Settles so many calls, at a pace, and waits until all that is told of them has gone; the CPU seconds of it."""
    wanted = PARTS[part]
    parts = Parts(
        Alikes(_PRICES),
        Telemetry("measured") if "span" in wanted else None,
        Metrics("measured", 500, {}) if "metrics" in wanted else None,
        WhyWriter(store, 1_000_000, 90) if "record" in wanted else None,
    )
    shapes = cycle(_shapes())
    before = time.process_time()
    tasks = [asyncio.create_task(work) for work in _background(parts)]
    for _ in range(number // _BATCH):
        for _ in range(_BATCH):
            shape = next(shapes)
            _tell(shape, _call(shape, parts.telemetry), parts)
        await asyncio.sleep(_PAUSE_SECONDS)
    if parts.telemetry:
        await asyncio.to_thread(parts.telemetry.shutdown)
    if parts.why:
        await parts.why.flush()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return time.process_time() - before


def _background(parts: Parts) -> Iterator[Coroutine[Any, Any, None]]:
    """What goes on beside the calls."""
    if parts.why:
        yield parts.why.run()
    if parts.metrics:
        yield parts.metrics.run(lambda: Now(0, 0, 0, 0.0))


def _call(shape: Shape, telemetry: Telemetry | None) -> CallState:
    """A call that has ended; with its trace and the sampler's word where there are spans."""
    now, at = time.time(), time.time_ns()
    traceparent = _TRACEPARENT % (random.getrandbits(128), random.getrandbits(64)) if shape.traced else None
    attempt = Attempt(
        span_id=random.getrandbits(64),
        operation="chat",
        provider_kind="openai_compatible",
        host="127.0.0.1",
        port=8090,
        fine_tuned=shape.decision.fine_tuned,
        reason=shape.decision.reason,
        job_id=shape.decision.job_id,
        routed_model=shape.decision.model or shape.asked,
        stream=shape.stream,
        started=at - 900_000_000,
        ended=at,
        first_chunk=at - 500_000_000,
        status=shape.status,
        error=str(shape.status) if shape.status >= 400 else None,
        served=Served(
            shape.served.model,
            f"chatcmpl-{at:x}",
            shape.served.finish_reasons,
            at % 4000,
            at % 700,
            shape.served.cached_tokens,
            shape.served.reasoning_tokens,
        ),
    )
    trace = trace_context.read(traceparent) if telemetry else Trace(at)
    call = CallState(
        call_id=timestamps.call_id(now),
        arrived=now,
        begun=time.perf_counter_ns() - 900_000_000,
        trace=trace,
        endpoint="chat/completions",
        workflow=shape.workflow,
        caller=shape.caller,
        routes=shape.routes,
        decision=shape.decision,
        attempts=[attempt],
        status=shape.status,
        events=shape.stream,
    )
    if telemetry:
        telemetry.start(trace, attempt)
    return call


def _tell(shape: Shape, call: CallState, parts: Parts) -> None:
    """As `Lifecycle` does when a call is over. What calls say alike is looked up, and their own made, where anything is
    told."""
    if not (parts.telemetry or parts.metrics or parts.why):
        return
    known = parts.alikes.of(call, shape.routes, shape.caller)
    alike = known.alike
    if parts.metrics or parts.why:
        own = calls.own(call, known)
        if parts.metrics:
            parts.metrics.calls.settle(alike, calls.ended(call, own), call.attempts)
        if parts.why:
            parts.why.put(alike, own)
    if parts.telemetry:
        parts.telemetry.span(call.trace, call.attempts[0], call.call_id, alike)


def _shapes() -> list[Shape]:
    """So many, as chance makes them; the same in every round."""
    chance = random.Random(7)  # noqa: S311 - no secret
    tenants = [_tenant(f"firm-{number}") for number in range(_TENANTS)]
    return [_shape(chance, chance.choice(tenants)) for _ in range(_SHAPES)]


def _tenant(name: str) -> TenantRoutes:
    tuned = FineTune(f"job_{name}", "main", f"ft:gpt-4.1-mini-2025-04-14:{name}::a1b2c3", "gpt-4.1-mini-2025-04-14")
    provider = Provider("main", "gpt-4.1-mini", "account")
    route = Route(name, 17, "default_only", "stock", {"main": provider}, "main", {tuned.model: tuned}, tuned, 1.0)
    return TenantRoutes(route, suspended=False, upstreams={})


def _shape(chance: random.Random, routes: TenantRoutes) -> Shape:
    active = routes.route.active
    assert active is not None
    tuned = Decision(Reason.ACTIVE_JOB, True, "main", active.model, active.job_id)
    stock = Decision(Reason.MODEL_NOT_DEFAULT, False, "main", None, None)
    decision = tuned if chance.random() < 0.7 else stock
    asked = "gpt-4.1-mini" if decision is tuned else chance.choice(["gpt-4.1", "gpt-4o", "o4-mini"])
    status = 200 if chance.random() < 0.97 else chance.choice([429, 500])
    told = Served(decision.model or asked, None, ("stop",), 1, 1, chance.choice([None, 0, 512, 1024]), 0)
    return Shape(
        routes,
        Caller(f"key_{routes.route.tenant}", Role.CALLER, routes.route.tenant),
        decision,
        asked,
        chance.choice([None, "assistant", "due-diligence"]),
        chance.random() < 0.5,
        status,
        told if status == 200 else Served(),
        chance.random() < 0.8,
    )
