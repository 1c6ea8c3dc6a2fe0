"""Why records: one for every call of a known tenant, written behind in batches. They are read in `why_reading.py`.

A call only appends to a bounded queue here. What did not fit is counted. A batch goes to the store as one script with
one argument a tenant: a command for each record would cost more than all else that is done for it. The same script
counts the calls, by minute and by day, so that what is counted and what is kept never disagree.
"""

import asyncio
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import structlog
from msgspec import Struct

from gateway import why_counting
from gateway.alike import Alike, Own
from gateway.store import keys
from gateway.store.connection import Store, translated

log = structlog.get_logger(__name__)

_QUEUE = 20_000
_BATCH = 500
MOST_TOGETHER = 100  # records of an entry: what is found in one is cut out of all its lines
_FLUSH_SECONDS = 0.1
_CLOSE_SECONDS = 2.0
_REMEMBERED_SECONDS = 86_400  # that a batch was written: how long its answer may be on its way
_MINUTE_SECONDS = 3600 + 600  # that a minute's count is kept: an hour is asked for
_DAY_SECONDS = 86_400
_MOST_DAYS = 36_500
_MOST_COMBINATIONS = 200  # of model and workflow that a tenant's day counts apart: callers can name anything


class WhyRecord(Struct, frozen=True):
    """A call: which model answered it, and why. `time` is when it arrived, RFC 3339 UTC."""

    call_id: str
    trace_id: str
    span_id: str | None
    time: str
    tenant: str
    key_id: str
    workflow: str | None
    endpoint: str
    requested_model: str | None
    routed_model: str | None
    served_model: str | None
    provider: str | None
    fine_tuned: bool
    reason: str | None
    job_id: str | None
    revision: int
    attempts: int
    status: int
    error: str | None
    response_id: str | None
    stream: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    duration_ms: float
    time_to_first_chunk_ms: float | None
    cancelled: bool


_ENCODER = msgspec.json.Encoder()
_KEPT = 4096  # parts of records that calls have alike
_ALIKE = tuple(name for name in WhyRecord.__struct_fields__ if name not in Own.__struct_fields__)


class _Batch(Struct, frozen=True):
    """The first records of the queue as they are sent. The very same is sent again where no answer came."""

    records: int
    names: list[str]
    arguments: list[Any]


class WhyWriter:
    """The queue and its writer. A call's record is written once, however often it has to be sent.

    `on_lost` hears of records that found no room, or no store at the end, and how many. `clock` gives seconds since the
    epoch.
    """

    def __init__(
        self,
        store: Store,
        keep: int,
        days: int,
        on_lost: Callable[[int], object] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._on_lost = on_lost
        self._clock = clock
        self._store = store
        self._keep = keep
        self._days = min(days, _MOST_DAYS)
        self._room = _QUEUE
        self._queue: deque[tuple[Alike, Own]] = deque()
        self._lines = Lines()
        self._id = secrets.token_hex(8)
        self._number = 0
        self._batch: _Batch | None = None
        self._writing = asyncio.Lock()
        self._script = store.script("why")

    @property
    def waiting(self) -> int:
        """How many records are not known to be written."""
        return len(self._queue)

    def put(self, alike: Alike, own: Own) -> None:
        """Takes a call's record, in its two parts; never waits, never fails."""
        if len(self._queue) >= self._room:
            self._on_lost(1)
        else:
            self._queue.append((alike, own))

    async def run(self) -> None:
        """Writes until it is cancelled. While the store is away, records wait in the queue."""
        away = False
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                await self.flush()
                away = False
            except Exception as error:  # noqa: BLE001 - whatever it is, records written later are better than none
                if not away:
                    log.warning("why_records_wait", cause=str(error), waiting=self.waiting)
                away = True

    async def flush(self) -> None:
        """Writes all that was put so far. Raises StoreUnavailable; what was not written stays queued."""
        async with self._writing:
            while self._queue:
                batch = self._batch = self._batch or self._next()
                with translated():
                    await cast("Any", self._script(keys=batch.names, args=batch.arguments))
                for _ in range(batch.records):
                    self._queue.popleft()
                self._batch = None

    async def close(self) -> None:
        """Writes what is left, for two seconds at most; what is not known to be written then is lost.

        No record is taken from now on.
        """
        self._room = 0
        until = time.monotonic() + _CLOSE_SECONDS
        cause = ""
        while self._queue and time.monotonic() < until:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    await self.flush()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again, and told in the end
                cause = str(error) or cause or type(error).__name__
                await asyncio.sleep(_FLUSH_SECONDS)
        if self._queue:
            log.error("why_records_lost", records=self.waiting, cause=cause)
            self._on_lost(self.waiting)
            self._queue.clear()

    def _next(self) -> _Batch:
        batch = [self._queue[i] for i in range(min(_BATCH, len(self._queue)))]
        self._number += 1
        now = self._clock()
        first = datetime.fromtimestamp(now, UTC) - timedelta(days=self._days)
        entries = _entries(batch)
        minutes, days = why_counting.counted(batch)
        names = [keys.why_writer(self._id)]
        names += [keys.why_of(entry[0][0].tenant) for entry in entries]
        names += [keys.recent_of(*place) for place in minutes]
        for tenant, day in days:
            names += [keys.why_day_of(tenant, day), keys.why_days_of(tenant)]
        kept = self._days * _DAY_SECONDS
        arguments: list[Any] = [self._number, _REMEMBERED_SECONDS, len(entries), len(minutes), self._keep]
        # A day's count is kept a day longer than the records: the last of them may have come at its end.
        arguments += [int(now * 1000), kept, _MINUTE_SECONDS, kept + _DAY_SECONDS]
        arguments += [f"{first:%Y%m%d}", _MOST_COMBINATIONS]
        arguments += [self._lines.entry(entry) for entry in entries]
        arguments += [f"{fine_tuned} {stock}" for stock, fine_tuned in minutes.values()]
        arguments += [why_counting.lines(day, counts) for (_, day), counts in days.items()]
        return _Batch(len(batch), names, arguments)


class Lines:
    """Records as JSON, in an order of names of its own. What calls have alike is encoded once, and kept."""

    def __init__(self) -> None:
        self._kept: dict[Alike, bytes] = {}

    def entry(self, records: Sequence[tuple[Alike, Own]]) -> bytes:
        """Records of a tenant as `store/why.lua` takes them."""
        encode, kept = _ENCODER.encode, self._kept
        earliest = min(own.time for _, own in records)
        lines = [b"%d %b" % (len(records), earliest.encode())]
        lines += [encode(own)[:-1] + (kept.get(alike) or self._keep(alike)) for alike, own in records]
        return b"\n".join(lines)

    def _keep(self, alike: Alike) -> bytes:
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        said = {name: getattr(alike, name) for name in _ALIKE}
        self._kept[alike] = made = b"," + _ENCODER.encode(said)[1:]
        return made


def _entries(batch: Sequence[tuple[Alike, Own]]) -> list[list[tuple[Alike, Own]]]:
    """The records of each tenant, in their order, so many together."""
    found: defaultdict[str, list[tuple[Alike, Own]]] = defaultdict(list)
    for record in batch:
        found[record[0].tenant].append(record)
    return [
        records[at : at + MOST_TOGETHER] for records in found.values() for at in range(0, len(records), MOST_TOGETHER)
    ]
