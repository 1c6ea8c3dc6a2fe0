"""Keeps the routes in memory as the store has them: loads them once, then follows the change stream.

Nothing is lost by a disconnect: the stream is read from the change that was applied last, and each change must name it
as the one before (`store/marks.py`). A hole means a reload; another history is told, and never taken over by itself.
Nothing on a call's way comes here.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, cast

import structlog

from gateway.replicas import is_live
from gateway.routing import Routes
from gateway.store import keys, marks
from gateway.store.address import connect
from gateway.store.connection import Store, StoreDiverged, StoreUnavailable, translated
from gateway.store.marks import Mark, Meta, Relation
from gateway.store.rows import parse_row

log = structlog.get_logger(__name__)

_BLOCK_MS = 1000
_BATCH = 1000
_RETRY_SECONDS = 0.1
_AGAIN_AFTER_BUG = 1.0
_AGAIN_WHILE_DIVERGED = 0.5
_PATIENCE_SECONDS = 2.0
_MOST_CAUSES = 20


class StoreState(StrEnum):
    """What the store is to this replica, as `/readyz` says it."""

    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    DIVERGED = "diverged"


class _Reload(Exception):
    """What is held cannot be brought up to date change by change."""


class Follower:
    """Loads and follows. `changed` is set after every application, `loaded` while the routes are whole.

    `state` says how the last read went, and `cause` why. `announce` tells the other replicas of this one, with the
    revision that it has applied; `told` hears of the state and the revision after every read.
    """

    def __init__(
        self,
        store: Store,
        routes: Routes,
        announce: Callable[[int], Awaitable[None]],
        told: Callable[[StoreState, int], None] = lambda *_: None,
    ) -> None:
        self.changed = asyncio.Event()
        self.loaded = asyncio.Event()
        self.state = StoreState.UNREACHABLE
        self.cause = "the store has not been reached yet"
        self._store = store
        self._routes = routes
        self._announce = announce
        self._told = told
        self._causes: set[str] = set()  # of this outage, that were said
        self._promised = 0  # the store has said that it has come so far
        self._reader = connect(store.url, blocking=True)

    @property
    def applied(self) -> int:
        """The revision that calls obey, for the other replicas; 0, none, while the routes are loaded again.

        While the store's history is another, nothing is changed that could be acknowledged; but what is known here
        counts for `store/accept`.
        """
        whole = self.loaded.is_set() or self.state is StoreState.DIVERGED
        return self._routes.revision if whole else 0

    async def run(self) -> None:
        """Loads, then follows until it is cancelled. Outages are waited out."""
        try:
            while True:
                try:
                    if not self.loaded.is_set():
                        await self._load()
                    await self._follow()
                except _Reload as reason:
                    log.warning("routes_are_loaded_again", cause=str(reason), revision=self._routes.revision)
                    self.loaded.clear()
                    self.changed.set()  # nobody is to count on what was applied until then
                except StoreUnavailable as error:
                    state = StoreState.DIVERGED if isinstance(error, StoreDiverged) else StoreState.UNREACHABLE
                    self._tell(state, str(error))
                    await asyncio.sleep(_RETRY_SECONDS if state is StoreState.UNREACHABLE else _AGAIN_WHILE_DIVERGED)
                except Exception as error:
                    log.exception("following_failed", revision=self._routes.revision)
                    self._tell(StoreState.UNREACHABLE, f"following failed: {type(error).__name__}")
                    self.loaded.clear()
                    await asyncio.sleep(_AGAIN_AFTER_BUG)
        finally:
            with contextlib.suppress(Exception):  # a connection that is broken already
                await self._reader.aclose()

    def _tell(self, state: StoreState, cause: str = "") -> None:
        news = cause and cause not in self._causes and len(self._causes) < _MOST_CAUSES
        if state is not self.state or news:
            say = log.info if state is StoreState.CONNECTED else log.warning
            say(f"store_{state}", cause=cause or None, revision=self._routes.revision)
        if state is StoreState.CONNECTED:
            self._causes.clear()
        elif news:
            self._causes.add(cause)
        self.state, self.cause = state, cause
        self._told(state, self._routes.revision)

    async def _load(self) -> None:
        """Loads every row, then what changed meanwhile, and only then shows any of it to calls.

        A replica that is new says so before it looks for the last time: from then on changes wait for it.
        """
        begun = time.perf_counter()
        fresh = self._routes.empty_copy()
        fresh.mark = await self._beginning()
        for table in keys.FOLLOWED:
            async for field, row in self._store.scan(table):
                fresh.apply(table, field, row, row.revision)
        await self._catch_up(fresh)
        if self._routes.mark == Mark():
            await self._announce(0)
            await self._catch_up(fresh)
        self._routes.become(fresh)
        self._store.saw(fresh.mark)
        self.loaded.set()
        self.changed.set()
        self._tell(StoreState.CONNECTED)
        log.info("routes_loaded", revision=fresh.revision, seconds=round(time.perf_counter() - begun, 3))

    async def _beginning(self) -> Mark:
        """The mark that loading begins with. Raises StoreDiverged where the store is not to be believed."""
        known = self._routes.mark
        furthest = max((seen.revision for seen in await self._store.census() if is_live(seen)), default=0)
        meta = await self._store.meta()
        if marks.relation(known, meta) is Relation.DIVERGED:
            await self._diverged(meta)
        if known == Mark() and (meta.diverged is not None or furthest > meta.mark.revision):
            raise StoreDiverged  # others know more than it does
        self._promised = 0
        return meta.mark

    async def _catch_up(self, routes: Routes) -> None:
        while await self._advance(routes, block_ms=None):
            pass

    async def _follow(self) -> None:
        """Applies each change as it comes, for as long as each is the next one."""
        while True:
            if await self._advance(self._routes, _BLOCK_MS):
                self._store.saw(self._routes.mark)
                self.changed.set()

    async def _advance(self, routes: Routes, block_ms: int | None) -> bool:
        """Applies what the stream has after the applied change. Raises _Reload, StoreDiverged, StoreUnavailable."""
        entries, meta = await self._read(f"{routes.revision}-0", block_ms)
        await self._judge(routes.mark, meta)
        if not entries and self._promised > routes.revision:
            raise _Reload(f"the stream lacks what came after revision {routes.revision}")
        self._promised = meta.mark.revision
        for entry_id, fields in entries:
            revision = int(entry_id.partition(b"-")[0])
            if revision != routes.revision + 1:
                raise _Reload(f"the stream goes on with revision {revision}")
            mark = marks.follows(routes.mark, fields.pop(marks.LINK), revision)
            if mark is None:
                await self._diverged(meta)
            else:
                _apply(routes, fields, mark)
        if routes is self._routes:
            told = meta.diverged is not None or bool(meta.doubters)
            self._tell(StoreState.DIVERGED if told else StoreState.CONNECTED, str(StoreDiverged()) if told else "")
        return bool(entries)

    async def _judge(self, known: Mark, meta: Meta) -> None:
        """Raises _Reload or StoreDiverged where the store's history is not what it was."""
        relation = marks.relation(known, meta)
        if relation is Relation.ACCEPTED:
            raise _Reload("an admin has said which state holds")
        if relation is Relation.DIVERGED:
            await self._diverged(meta)

    async def _diverged(self, meta: Meta) -> None:
        """Says so to everybody, through the store. Raises StoreDiverged; _Reload where nothing was known here yet."""
        if self._routes.mark == Mark():
            raise _Reload("the store was replaced while it was being read")
        await self._store.diverged(meta.mark, self._routes.mark)
        raise StoreDiverged

    async def _read(self, after: str, block_ms: int | None) -> tuple[Any, Meta]:
        """What the stream has after an id, and the store's word after that. A server that hangs is one that is away.

        Raises StoreUnavailable.
        """
        try:
            with translated():
                async with asyncio.timeout((block_ms or 0) / 1000 + _PATIENCE_SECONDS):
                    async with self._reader.pipeline(transaction=False) as pipe:
                        pipe.xread({keys.CHANGES: after}, _BATCH, block_ms)
                        pipe.hmget(keys.META, marks.FIELDS)
                        found, values = await cast("Any", pipe.execute())
        except StoreUnavailable:
            with contextlib.suppress(Exception):  # whatever is left of it is not to be used again
                await self._reader.connection_pool.disconnect()
            raise
        return (found[0][1] if found else []), marks.parse_meta(values)


def _apply(routes: Routes, fields: dict[bytes, bytes], mark: Mark) -> None:
    for name, value in fields.items():
        table, _, field = name.decode().partition("/")
        routes.apply(table, field, parse_row(value) if value else None, mark.revision)
    routes.mark = mark
