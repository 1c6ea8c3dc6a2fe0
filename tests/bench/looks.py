"""How a gateway is looked at once: each function gives a `Look` for one kind of figure, units in the values' names.

All raise Void where an answer was not 200 or not whole, or where upstream and callers do not agree.
"""

import asyncio
import time
from collections.abc import Sequence

import uvloop

from tests.bench import figures
from tests.bench.bench import Bench, Look, Void
from tests.bench.client import Answer, Caller
from tests.bench.kernel import Cores, Meter, resident_kb, tree
from tests.bench.load import CONNECTIONS, body, press
from tests.bench.running import GATEWAY_CORES, LOAD_CORES, Running, control
from tests.bench.upstream import TUNED

KB = 1024
STREAMS, CHUNKS, PAUSE_MS = 64, 400, 10
RATE, STREAM_RATE = 300, 50
OPEN = 1000
_WARM_SECONDS = 1
_APART = 0.8  # reads of the callers' for each chunk; with fewer, other things are measured than relaying one


def cost(
    bench: Bench, seconds: float, size: int, connections: int = CONNECTIONS, cores: frozenset[int] = LOAD_CORES
) -> Look:
    """CPU time of a request with a body of `size` bytes, under as many requests as the gateway takes."""

    def look(gateway: Running, _: int) -> dict[str, float]:
        content = body(size, gateway.model)
        unwarmed = bench.seen(gateway)
        press(gateway, content, _WARM_SECONDS, bench.folder, connections, cores)
        before = bench.settled(gateway, unwarmed)
        meters = [Meter([pid]) for pid in tree(gateway.pid)]
        store = Meter([gateway.store] if gateway.store else [])
        core = Cores(GATEWAY_CORES)
        loaded = press(gateway, content, seconds, bench.folder, connections, cores)
        others = _others_share(core, meters)
        after = bench.settled(gateway, before)
        spent = [meter.nanoseconds() for meter in meters]
        stored = store.nanoseconds()
        requests = after.requests - before.requests
        if loaded.fault:
            raise Void(loaded.fault)
        if not 0 <= requests - loaded.requests <= connections:
            raise Void(f"the upstream saw {requests} requests, the callers {loaded.requests} answers")
        values = {
            "cpu_us": sum(spent) / requests / 1000,
            "requests_per_s": loaded.requests / loaded.seconds,
            "capacity_per_s": 1e9 * requests / max(spent),  # with a core for each of its processes
        }
        if cores == LOAD_CORES:  # else the load itself is among the others
            values["others_share"] = others
        if gateway.store:
            values["store_us"] = stored / requests / 1000
            values["spans_share"] = (after.spans - before.spans) / requests
            values["records_share"] = (after.records - before.records) / requests
        return values

    return look


def stream_cost(bench: Bench, chunks: int = CHUNKS) -> Look:
    """CPU time of a chunk that is relayed: so many streams at a time, whose chunks come one by one."""

    def look(gateway: Running, _: int) -> dict[str, float]:
        content = body(KB, gateway.model, f"{chunks}x{PAUSE_MS}")
        warm = body(KB, gateway.model, f"20x{PAUSE_MS}")
        uvloop.run(_streams(gateway, warm))
        time.sleep(0.6)  # the spans of what came before are sent
        meter, sent = Meter(tree(gateway.pid)), control(bench.plain).get("chunks", 0)
        core = Cores(GATEWAY_CORES)
        answers = uvloop.run(_streams(gateway, content))
        others = _others_share(core, [meter])
        time.sleep(0.6)  # and those of these, at our cost
        spent, sent = meter.nanoseconds(), control(bench.plain)["chunks"] - sent
        received = sum(answer.chunks for answer in answers)
        _check(answers)
        if received != sent or sent != STREAMS * chunks:
            raise Void(f"the upstream sent {sent} chunks, the callers have {received}")
        reads = sum(answer.reads for answer in answers)
        if reads < _APART * received:
            raise Void(f"chunks came together: {reads} reads for {received} of them")
        return {
            "chunk_us": spent / received / 1000,
            "chunks": received,
            "reads_per_chunk": reads / received,
            "others_share": others,
        }

    return look


def latency(bench: Bench, seconds: float) -> Look:
    """Milliseconds from a request's writing to its answer's end, at a constant rate, through and direct by turns."""

    def look(gateway: Running, _: int) -> dict[str, float]:
        through = Caller.of(gateway, body(KB, gateway.model))
        direct = Caller(bench.plain, "sk-t0", body(KB, TUNED % "t0"))
        timed = uvloop.run(_by_turns(through, direct, RATE, seconds))
        return _added(*([1000 * (answer.ended - answer.begun) for answer in answers] for answers in timed))

    return look


def first_chunk(bench: Bench, seconds: float) -> Look:
    """The same for the first chunk of streams."""

    def look(gateway: Running, _: int) -> dict[str, float]:
        through = Caller.of(gateway, body(KB, gateway.model, "3x5"))
        direct = Caller(bench.plain, "sk-t0", body(KB, TUNED % "t0", "3x5"))
        timed = uvloop.run(_by_turns(through, direct, STREAM_RATE, seconds))
        return _added(*([1000 * (answer.first - answer.begun) for answer in answers] for answers in timed))

    return look


def memory(bench: Bench) -> Look:
    """Resident memory of a gateway that has just answered its first call, and what each open stream adds."""

    def look(gateway: Running, _: int) -> dict[str, float]:
        call = Caller.of(gateway, body(KB, gateway.model))
        few = Caller.of(gateway, body(KB, gateway.model, "3x5"))
        many = Caller.of(gateway, body(KB, gateway.model, "2x600000"))
        idle, before, held = uvloop.run(_held(gateway, call, few, many))
        opened = control(bench.plain)["open"]
        if opened < OPEN:
            raise Void(f"of {OPEN} streams, {opened} are open")
        return {"idle_mb": idle / 1024, "stream_kb": (held - before) / OPEN}

    return look


async def _held(gateway: Running, call: Caller, few: Caller, many: Caller) -> tuple[int, int, int]:
    """Kilobytes: after the first call, after some streams that have ended, with many that are open."""
    try:
        _check([await call.call()])
        idle = _resident(gateway)
        _check([await few.call() for _ in range(5)])
        before = _resident(gateway)
        answers = [await many.begin() for _ in range(OPEN)]
        async with asyncio.timeout(60):
            while not all(answer.first for answer in answers):  # noqa: ASYNC110 - a condition of many
                await asyncio.sleep(0.05)
        return idle, before, _resident(gateway)
    finally:
        for caller in (call, few, many):
            caller.close()


async def _streams(gateway: Running, content: bytes) -> list[Answer]:
    """As many streams at a time, each begun a little after the one before, so that chunks do not come together."""
    caller = Caller.of(gateway, content)
    try:
        await caller.open(STREAMS)
        calls = []
        for _ in range(STREAMS):
            calls.append(asyncio.create_task(caller.call()))
            await asyncio.sleep(2 * PAUSE_MS / 1000 / STREAMS)
        return await asyncio.gather(*calls)
    finally:
        caller.close()


async def _by_turns(through: Caller, direct: Caller, rate: float, seconds: float) -> list[list[Answer]]:
    """So many calls a second of each, at a constant rate whether or not answers come, one's between the other's."""
    callers = (through, direct)
    loop = asyncio.get_running_loop()
    try:
        for caller in callers:
            await caller.open(16)
            await asyncio.gather(*(caller.call() for _ in range(16)))
        calls: tuple[list[asyncio.Task[Answer]], ...] = ([], [])
        begun = loop.time() + 0.05
        for number in range(round(2 * rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate / 2 - loop.time()))
            calls[number % 2].append(asyncio.create_task(callers[number % 2].call()))
        timed = [await asyncio.gather(*tasks) for tasks in calls]
    finally:
        for caller in callers:
            caller.close()
    for answers in timed:
        _check(answers)
    return timed


def _added(through: list[float], direct: list[float]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        ours, bare = figures.quantile(through, part), figures.quantile(direct, part)
        values |= {f"added_{name}_ms": ours - bare, f"{name}_ms": ours, f"direct_{name}_ms": bare}
    return values


def _others_share(core: Cores, meters: Sequence[Meter]) -> float:
    """What part of the gateway's core went to anything but the gateway, interrupts included."""
    busy, every = core.busy()
    own = sum(meter.nanoseconds() for meter in meters) / 1e9
    return max(0.0, busy - own) / every


def _check(answers: list[Answer]) -> None:
    bad = [answer.status for answer in answers if answer.status != 200]
    if bad:
        raise Void(f"{len(bad)} of {len(answers)} answers were not 200 but {sorted(set(bad))}")


def _resident(gateway: Running) -> int:
    return sum(resident_kb(pid) for pid in tree(gateway.pid))
