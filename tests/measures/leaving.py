"""From a caller's leaving to the moment at which the provider sees the end of its connection. Half of the calls are
streamed and have begun, half have not been answered yet."""

import asyncio
import time
from typing import NamedTuple

from tests.measures.stage import Caller, Stage, Tenant, until

_AT_ONCE = 20


class Left(NamedTuple):
    """`milliseconds`: of each call, sorted."""

    milliseconds: list[float]

    def quantile(self, part: float) -> float:
        """The time that so many of the calls did not exceed."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(part * len(self.milliseconds)))]


async def leave(stage: Stage, tenant: Tenant, calls: int, run: int) -> Left:
    """Makes `calls` calls, `_AT_ONCE` at a time, and leaves them all."""
    left: dict[str, int] = {}
    waited = (await asyncio.to_thread(stage.seen))["waiting"]
    for batch in range(calls // _AT_ONCE):
        callers: dict[str, Caller] = {}
        for number in range(_AT_ONCE):
            name = f"{run}-{batch}-{number}"
            callers[name] = await Caller.at(stage)
            body = b'{"model":"default","stream":%b}' % (b"true" if number % 2 else b"false")
            callers[name].ask(tenant, "leave", body, x_id=name)
        waited += _AT_ONCE
        await until(lambda waited=waited: stage.seen()["waiting"] == waited)
        for number, caller in enumerate(callers.values()):
            if number % 2:
                await caller.reader.readuntil(b"\n\n")
        for name, caller in callers.items():
            left[name] = time.monotonic_ns()
            caller.close()
        await until(lambda callers=callers: callers.keys() <= stage.seen()["ended"].keys())
    ended = (await asyncio.to_thread(stage.seen))["ended"]
    return Left(sorted((ended[name] - at) / 1e6 for name, at in left.items()))
