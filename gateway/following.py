"""Keeps the routes in memory as the store has them: loads them once, then follows the change stream.

Nothing is lost by a disconnect: the stream is read from the revision that was applied last. Nothing on a call's
way comes here.
"""

import asyncio
import contextlib
from typing import Any, cast

import structlog

from gateway.routing import Routes
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable, connect, translated
from gateway.store.rows import parse_row

log = structlog.get_logger(__name__)

_BLOCK_MS = 1000
_BATCH = 1000
_RETRY_SECONDS = 0.1
_AGAIN_AFTER_BUG = 1.0
_PATIENCE_SECONDS = 2.0


class _Hole(Exception):
    """The stream no longer has the change after the applied one; `revision` is the oldest that it has."""

    def __init__(self, revision: int) -> None:
        super().__init__(str(revision))
        self.revision = revision


class Follower:
    """Loads and follows. `changed` is set after every application, `connected` says how the last read went."""

    def __init__(self, store: Store, routes: Routes) -> None:
        self.changed = asyncio.Event()
        self.loaded = asyncio.Event()
        self.connected = False
        self._store = store
        self._routes = routes
        self._reader = connect(store.url, blocking=True)

    async def run(self) -> None:
        """Loads, then follows until it is cancelled. Outages are waited out."""
        told = False
        try:
            while True:
                try:
                    if not self.loaded.is_set():
                        await self._load()
                    await self._follow()
                except _Hole:
                    log.info("changed_faster_than_loaded")
                except Exception as error:
                    if not isinstance(error, StoreUnavailable):
                        log.exception("following_failed", revision=self._routes.revision)
                        self.loaded.clear()
                        await asyncio.sleep(_AGAIN_AFTER_BUG)
                    elif self.connected or not told:
                        log.warning("store_unavailable", cause=str(error), revision=self._routes.revision)
                    self.connected, told = False, True
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            with contextlib.suppress(Exception):  # a connection that is broken already
                await self._reader.aclose()

    async def _load(self) -> None:
        """Loads every row, then what changed meanwhile, and only then shows any of it to calls."""
        fresh = self._routes.empty_copy()
        fresh.revision = await self._store.revision()
        for table in keys.FOLLOWED:
            async for field, row in self._store.scan(table):
                fresh.apply(table, field, row, row.revision)
        while await self._advance(fresh, block_ms=None):
            pass
        self._routes.become(fresh)
        self.connected = True
        self.loaded.set()
        self.changed.set()
        log.info("routes_loaded", revision=fresh.revision)

    async def _follow(self) -> None:
        """Applies each change as it comes; returns when a reload is needed."""
        try:
            while True:
                if await self._advance(self._routes, _BLOCK_MS):
                    self.changed.set()
                self.connected = True
        except _Hole as hole:
            log.warning("change_stream_has_a_hole", applied=self._routes.revision, next=hole.revision)
            self.loaded.clear()

    async def _advance(self, routes: Routes, block_ms: int | None) -> bool:
        """Applies what the stream has after the applied revision. Raises _Hole, StoreUnavailable."""
        answer = await self._read(f"{routes.revision}-0", block_ms)
        for entry_id, fields in answer[0][1] if answer else ():
            revision = int(entry_id.partition(b"-")[0])
            if revision != routes.revision + 1:
                raise _Hole(revision)
            for name, value in fields.items():
                table, _, field = name.decode().partition("/")
                routes.apply(table, field, parse_row(value) if value else None, revision)
            routes.revision = revision
        return bool(answer)

    async def _read(self, after: str, block_ms: int | None) -> Any:
        """What the stream has after an id. A server that hangs is one that is away. Raises StoreUnavailable."""
        try:
            with translated():
                async with asyncio.timeout((block_ms or 0) / 1000 + _PATIENCE_SECONDS):
                    return await cast("Any", self._reader.xread({keys.CHANGES: after}, _BATCH, block_ms))
        except StoreUnavailable:
            with contextlib.suppress(Exception):  # whatever is left of it is not to be used again
                await self._reader.connection_pool.disconnect()
            raise
