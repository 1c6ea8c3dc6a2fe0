"""Why records, read: one of a call, those that are asked for page by page, or all of them.

A search looks through the tenant's stream, newest first, in small steps inside Redis (`store/why_scan.lua`), so that
only what is wanted travels; it is matched here once more. A record's id, and so a page's cursor, is its entry's time
and the record's own number (`store/why.lua`). Nothing here writes.
"""

import sys
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
from msgspec import Struct

from gateway import timestamps
from gateway.store import keys
from gateway.store.connection import Store, translated
from gateway.why import MOST_TOGETHER, WhyRecord

_STEP = 5000  # records that one step looks at, of a thousand entries at most: Redis does nothing else meanwhile
_AT_ONCE = 200  # records of one step: decoding them keeps the event loop from calls
MOST_LOOKED_AT = 120_000  # records for one page, however rare what is asked for: all that a tenant keeps by default
# A record's time is its gateway's, its id the store's. A call that is asked for is looked for further back: there is
# one to be found, and the rest costs little.
_CLOCK_SKEW_MS = 300_000
_CLOCK_SKEW_OF_ONE_MS = 86_400_000
_USUAL_SKEW_MS = 1000
_USUAL_MS = 60_000  # from a call's arrival until its record is written
_DAY_MS = 86_400_000
_LAST_SECOND = 253_402_300_799.0  # of the year 9999

_TEXTS = ("call_id", "trace_id", "job_id", "workflow", "reason")
_DECODER = msgspec.json.Decoder(WhyRecord)


class Wanted(Struct, frozen=True):
    """Which records are asked for: those that have all of these. None: any.

    `since` (inclusive) and `until` (exclusive) are seconds since the epoch, of the call's arrival.
    """

    call_id: str | None = None
    trace_id: str | None = None
    job_id: str | None = None
    workflow: str | None = None
    reason: str | None = None
    fine_tuned: bool | None = None
    since: float | None = None
    until: float | None = None


class Page(Struct, frozen=True):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: list[WhyRecord]
    next_cursor: str | None


class _Step(Struct, frozen=True):
    """What a step found, by record id; how many it looked at; at which last ("": there are no more), and where the
    entries begin that it did not look through."""

    found: list[tuple[str, WhyRecord]]
    looked_at: int
    last: str
    at: str


class _Range(Struct, frozen=True):
    """What a step goes through: the command; the ids of the entries from where and until where; the id of the record
    after which it goes on, or ""; how many records."""

    command: str
    at: str
    to: str
    after: str
    most: int = _STEP


class WhyReader:
    """Answers the admin API's questions. What is older than `days` is not shown, be it still there or not."""

    def __init__(self, store: Store, days: int) -> None:
        self._store = store
        self._keep_ms = days * _DAY_MS
        self._scan = store.script("why_scan")

    async def one(self, tenant: str, call_id: str) -> WhyRecord | None:
        """The record of a call. Raises StoreUnavailable."""
        wanted = Wanted(call_id=call_id)
        arrived = _arrived(call_id)
        if arrived is None:
            return None
        oldest = self._from(wanted)
        # Forwards, since it was written soon after its call arrived: first where it is unless clocks differ much.
        near = max(oldest, arrived - _USUAL_SKEW_MS)
        return await self._first(tenant, wanted, near, str(max(near, arrived + _USUAL_MS))) or await self._first(
            tenant, wanted, oldest, "+"
        )

    async def _first(self, tenant: str, wanted: Wanted, oldest: int, to: str) -> WhyRecord | None:
        at, after = f"{oldest}-0", ""
        while True:
            step = await self._step(_Range("XRANGE", at, to, after), tenant, wanted, 1)
            if step.found:
                return step.found[0][1]
            if not step.last:
                return None
            at, after = step.at, step.last

    async def page(
        self, tenant: str, wanted: Wanted, limit: int, cursor: str | None, most: int = MOST_LOOKED_AT
    ) -> Page:
        """The newest `limit` wanted records older than `cursor`. Raises StoreUnavailable.

        After `most` records the page ends with what was found, be it nothing; its cursor leads on.
        """
        found: list[tuple[str, WhyRecord]] = []
        looked_at = 0
        async for step in self._newest_first(tenant, wanted, cursor, limit + 1, most):
            found += step.found
            looked_at += step.looked_at
            if len(found) > limit:
                return Page(_records(found[:limit]), found[limit - 1][0])
            if looked_at >= most and step.last:
                return Page(_records(found), step.last)
        return Page(_records(found), None)

    async def all(self, tenant: str, wanted: Wanted, cursor: str | None) -> AsyncIterator[list[WhyRecord]]:
        """Every wanted record older than `cursor`, newest first, some at a time (or none). Raises StoreUnavailable."""
        async for step in self._newest_first(tenant, wanted, cursor, _AT_ONCE, sys.maxsize):
            yield _records(step.found)

    async def _newest_first(
        self, tenant: str, wanted: Wanted, cursor: str | None, room: int, most: int
    ) -> AsyncIterator[_Step]:
        at, after, to = _entry_of(cursor), cursor or "", f"{self._from(wanted)}-0"
        while most > 0:
            way = _Range("XREVRANGE", at, to, after, min(most, _STEP))
            step = await self._step(way, tenant, wanted, min(room, _AT_ONCE))
            yield step
            if not step.last:
                return
            at, after = step.at, step.last
            most -= step.looked_at

    async def _step(self, way: _Range, tenant: str, wanted: Wanted, room: int) -> _Step:
        latest = "" if wanted.until is None else _text(wanted.until)
        arguments: list[Any] = [way.command, way.at, way.to, way.after, way.most, room, latest, *_marks(wanted)]
        with translated():
            last, at, looked_at, flat = await cast("Any", self._scan(keys=[keys.why_of(tenant)], args=arguments))
        pairs = [(flat[i].decode(), _DECODER.decode(flat[i + 1])) for i in range(0, len(flat), 2)]
        found = [(entry_id, record) for entry_id, record in pairs if matches(record, wanted)]
        return _Step(found, looked_at, last.decode(), at.decode())

    def _from(self, wanted: Wanted) -> int:
        """The time in the id of the oldest entry that may be wanted: a record is written after its call has arrived."""
        oldest = int(time.time() * 1000) - self._keep_ms
        if wanted.since is not None:
            oldest = max(oldest, int(wanted.since * 1000) - _CLOCK_SKEW_MS)
        arrived = None if wanted.call_id is None else _arrived(wanted.call_id)
        if arrived is not None:
            oldest = max(oldest, arrived - _CLOCK_SKEW_OF_ONE_MS)
        return max(0, oldest)


def matches(record: WhyRecord, wanted: Wanted) -> bool:
    """Whether the record is one of those."""
    for name in _TEXTS:
        text = getattr(wanted, name)
        if text is not None and getattr(record, name) != text:
            return False
    if wanted.fine_tuned is not None and record.fine_tuned is not wanted.fine_tuned:
        return False
    if wanted.since is None and wanted.until is None:
        return True
    seconds = timestamps.to_seconds(record.time)
    return (wanted.since is None or seconds >= wanted.since) and (wanted.until is None or seconds < wanted.until)


def _entry_of(cursor: str | None) -> str:
    """Where entries begin, newest first, of which one of the first has this record; "+" for none."""
    if not cursor:
        return "+"
    time_ms, _, number = cursor.partition("-")
    return f"{time_ms}-{int(number) + MOST_TOGETHER}"


def _marks(wanted: Wanted) -> list[bytes]:
    """What a wanted record's JSON has in it, and no other's: inside a text, every quotation mark has a backslash.

    Without the mark before the name, which would be tried at each of a record's marks; no other name ends so.
    """
    texts = [(name, getattr(wanted, name)) for name in _TEXTS]
    marks = [f'{name}":'.encode() + msgspec.json.encode(text) for name, text in texts if text is not None]
    if wanted.fine_tuned is not None:
        marks.append(b'fine_tuned":true' if wanted.fine_tuned else b'fine_tuned":false')
    return marks


def _arrived(call_id: str) -> int | None:
    """When a call arrived, in milliseconds since the epoch; its id begins with that."""
    try:
        return int(call_id.removeprefix("call_")[:12], 16)
    except ValueError:
        return None


def _text(seconds: float) -> str:
    """The time in the form that records have it, in which text order is time order."""
    return timestamps.from_seconds(min(max(seconds, 0.0), _LAST_SECOND))


def _records(found: list[tuple[str, WhyRecord]]) -> list[WhyRecord]:
    return [record for _, record in found]
