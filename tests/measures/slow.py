"""Callers who stop reading: what the gateway holds for each of them, once nothing moves any more."""

from collections.abc import Callable
from typing import NamedTuple

from tests.measures import memory
from tests.measures.stage import Caller, Stage, Tenant, until

_READ = 32 * 1024
_STILL = 200  # looks, 5 ms and more apart, at which nothing has moved


class Held(NamedTuple):
    """In KB for each caller: in the gateway's process while they are there, and after they have left (it keeps memory
    for the next); in the kernel for all connections of the call, the caller's and the provider's ends included."""

    each: float
    after: float
    kernel: float


async def stall(stage: Stage, tenant: Tenant, callers: int, *, streamed: bool) -> Held:
    """`callers` ask for 10 MB each, read a little, and stop; a few come before them, so that all code is loaded."""
    await _stalled(stage, tenant, 5, streamed=streamed)
    before, of_tcp = memory.Memory(stage.pid).now, memory.of_tcp()
    held, left, kernel = await _stalled(stage, tenant, callers, streamed=streamed)
    return Held((held - before) / callers, (left - before) / callers, (kernel - of_tcp) / callers)


async def _stalled(stage: Stage, tenant: Tenant, callers: int, *, streamed: bool) -> tuple[int, int, int]:
    """The gateway's memory in KB, with these callers and without them; the kernel's with them."""
    gateway = memory.Memory(stage.pid)
    stopped = [await _begin(stage, tenant, streamed=streamed) for _ in range(callers)]
    await until(_stillness(stage, callers), 120)
    held, kernel = gateway.now, memory.of_tcp()
    for caller in stopped:
        caller.writer.transport.abort()
    await until(lambda: stage.seen()["slow"] == 0)
    return held, gateway.now, kernel


async def _begin(stage: Stage, tenant: Tenant, *, streamed: bool) -> Caller:
    caller = await Caller.at(stage, buffer=_READ)
    body = b'{"model":"default","stream":%b}' % (b"true" if streamed else b"false")
    caller.ask(tenant, "slow", body, "chat/completions" if streamed else "audio/speech")
    status, _ = await caller.head()
    assert status == 200
    await caller.reader.readexactly(_READ)
    return caller


def _stillness(stage: Stage, callers: int) -> Callable[[], bool]:
    """A condition: all answers are under way, and none has moved for a while."""
    last = [-1, 0]

    def is_still() -> bool:
        seen = stage.seen()
        last[1] = last[1] + 1 if seen["sent"] == last[0] and seen["slow"] == callers else 0
        last[0] = seen["sent"]
        return last[1] >= _STILL

    return is_still
