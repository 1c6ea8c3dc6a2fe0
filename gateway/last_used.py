"""When each key was last used: noted in memory by every call, written behind, read by the admin API.

A call pays for one assignment. What waits is one number a key, so that the keys themselves are its bound.
"""

import asyncio
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, cast

import structlog

from gateway.store import keys
from gateway.store.connection import Store, translated
from gateway.timestamps import from_milliseconds

log = structlog.get_logger(__name__)

_SECONDS = 60.0
_BATCH = 1000


class LastUsed:
    """What this replica has seen and not written yet. `seconds` between two writes."""

    def __init__(self, store: Store, seconds: float = _SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._seen: dict[str, float] = {}
        self._writing = asyncio.Lock()
        self._script = store.redis.register_script((files("gateway.store") / "last_used.lua").read_bytes())

    def seen(self, key_id: str, now: float) -> None:
        """A key was used at `now`, seconds since the epoch; never waits, never fails."""
        self._seen[key_id] = now

    async def run(self) -> None:
        """Writes until it is cancelled. While the store is away, what was seen is kept."""
        away = False
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.flush()
                away = False
            except Exception as error:  # noqa: BLE001 - whatever it is, times written later are better than none
                if not away:
                    log.warning("last_used_times_wait", cause=str(error), waiting=len(self._seen))
                away = True

    async def flush(self) -> None:
        """Writes what was seen so far. Raises StoreUnavailable; what was not written is kept."""
        async with self._writing:
            pending = list(self._seen.items())
            for start in range(0, len(pending), _BATCH):
                batch = pending[start : start + _BATCH]
                await self._write(batch)
                for key_id, used in batch:
                    if self._seen.get(key_id) == used:  # else it was used again meanwhile
                        del self._seen[key_id]

    async def _write(self, batch: Sequence[tuple[str, float]]) -> None:
        arguments: list[str | int] = []
        for key_id, used in batch:
            arguments += [key_id, int(used * 1000)]
        with translated():
            await cast("Any", self._script(keys=[keys.LAST_USED, keys.table(keys.KEYS)], args=arguments))


async def read(store: Store, ids: Sequence[str]) -> dict[str, str]:
    """When those of `ids` that were ever used were last used, RFC 3339. Raises StoreUnavailable."""
    if not ids:
        return {}
    with translated():
        found = await cast("Any", store.redis.hmget(keys.LAST_USED, list(ids)))
    return {key_id: from_milliseconds(int(used)) for key_id, used in zip(ids, found, strict=True) if used is not None}


async def forget(store: Store, key_id: str) -> None:
    """Forgets a key once it is revoked. Raises StoreUnavailable."""
    with translated():
        await cast("Any", store.redis.hdel(keys.LAST_USED, key_id))
