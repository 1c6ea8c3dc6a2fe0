"""What replicas tell each other: that they live, what they have applied; and waiting until all have applied.

Only control-plane changes wait here; a call never does.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable

import structlog
from msgspec import Struct

from gateway.store.connection import Census, Store, StoreUnavailable

log = structlog.get_logger(__name__)

LIVE_MS = 2000
UNREACHABLE_MS = 10 * 60 * 1000
_FORGET_MS = 24 * 60 * 60 * 1000
_BEAT_SECONDS = 0.5


class Propagation(Struct, frozen=True):
    """How far a change had come when it was answered."""

    replicas: int
    acknowledged: int
    unreachable: int
    milliseconds: float


class Replica:
    """This process among the replicas."""

    def __init__(self, store: Store, version: str) -> None:
        self.id = f"rep_{secrets.token_hex(6)}"
        self._store = store
        self._version = version

    async def beat(self, revision: int) -> None:
        """Says that this replica lives and has applied `revision`. Raises StoreUnavailable."""
        await self._store.beat(self.id, revision, self._version, _FORGET_MS)

    async def run(self, loaded: asyncio.Event, changed: asyncio.Event, revision: Callable[[], int]) -> None:
        """Once it is `loaded`, tells of this replica at every change and at least twice a second."""
        await loaded.wait()
        failing = False
        while True:
            changed.clear()
            try:
                await self.beat(revision())
                failing = False
            except Exception as error:  # noqa: BLE001 - a replica that stops beating for good is worse than any of them
                if not failing:
                    log.warning("beat_failed", cause=str(error))
                failing = True
                await asyncio.sleep(_BEAT_SECONDS / 5)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_SECONDS):
                    await changed.wait()

    async def leave(self) -> None:
        """Says that this replica is gone, so that nobody waits for it."""
        try:
            await self._store.forget(self.id)
        except StoreUnavailable:
            log.info("left_without_saying_so", replica=self.id)


async def acknowledged(store: Store, revision: int, seconds: float = 2.0) -> Propagation:
    """Waits until every live replica has applied `revision`, or for `seconds`. Raises StoreUnavailable."""
    begun = time.perf_counter()
    pause = 0.0005
    while True:
        seen = await store.census()
        state = _count(seen, revision, (time.perf_counter() - begun) * 1000)
        if 0 < state.replicas == state.acknowledged or time.perf_counter() - begun > seconds:
            return state
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def is_live(seen: Census) -> bool:
    """Whether a replica counts: it has been heard of in the last two seconds."""
    return abs(seen.age_ms) <= LIVE_MS  # after a failover the server's clock may be behind what was written


def _count(seen: list[Census], revision: int, milliseconds: float) -> Propagation:
    live = [replica for replica in seen if is_live(replica)]
    return Propagation(
        replicas=max(1, len(live)),  # whoever asks is one, heard of or not
        acknowledged=sum(replica.revision >= revision for replica in live),
        unreachable=sum(LIVE_MS < abs(replica.age_ms) <= UNREACHABLE_MS for replica in seen),
        milliseconds=round(milliseconds, 2),
    )
