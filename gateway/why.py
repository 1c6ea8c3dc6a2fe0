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

from gateway import timestamps
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
_MOST_TOKENS = 10**9  # that one call is believed to have used
_MOST_USD = 10**3  # and to have cost: what Redis adds up has 63 bits
_TO_THE_MINUTE = len("2026-11-22T12:00")
_TO_THE_DAY = len("2026-11-22")


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
# Of these the model was not the gateway's to choose.
_NOT_CHOSEN = (None, "endpoint_not_tunable", "foreign_fine_tune")


class _Batch(Struct, frozen=True):
    """The first records of the queue as they are sent. The very same is sent again where no answer came."""

    records: int
    names: list[str]
    arguments: list[Any]


class WhyWriter:
    """The queue and its writer. A record is written once, however often it has to be sent.

    `on_lost` hears of records that found no room, or no store at the end, and how many.
    """

    def __init__(self, store: Store, keep: int, days: int, on_lost: Callable[[int], object] = lambda _: None) -> None:
        self._on_lost = on_lost
        self._store = store
        self._keep = keep
        self._days = min(days, _MOST_DAYS)
        self._room = _QUEUE
        self._queue: deque[WhyRecord] = deque()
        self._id = secrets.token_hex(8)
        self._number = 0
        self._batch: _Batch | None = None
        self._writing = asyncio.Lock()
        self._script = store.script("why")

    @property
    def waiting(self) -> int:
        """How many records are not known to be written."""
        return len(self._queue)

    def put(self, record: WhyRecord) -> None:
        """Takes a record; never waits, never fails."""
        if len(self._queue) >= self._room:
            self._on_lost(1)
        else:
            self._queue.append(record)

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
        now = datetime.now(UTC)
        oldest = now - timedelta(days=self._days)
        entries, minutes, days = _entries(batch), _minutes(batch), _days(batch)
        names = [keys.why_writer(self._id)]
        names += [keys.why_of(records[0].tenant) for records in entries]
        names += [keys.recent_of(*place) for place in minutes]
        for tenant, day in days:
            names += [keys.why_day_of(tenant, day), keys.why_days_of(tenant)]
        kept = self._days * _DAY_SECONDS
        arguments: list[Any] = [self._number, _REMEMBERED_SECONDS, len(entries), len(minutes), self._keep]
        # A day's count is kept a day longer than the records: the last of them may have come at its end.
        arguments += [f"{max(0, int(oldest.timestamp() * 1000))}-0", kept, _MINUTE_SECONDS, kept + _DAY_SECONDS]
        arguments += [f"{oldest:%Y%m%d}", _MOST_COMBINATIONS]
        arguments += [_entry(records) for records in entries]
        arguments += [f"{fine_tuned} {stock}" for stock, fine_tuned in minutes.values()]
        arguments += [_lines(day, counts) for (_, day), counts in days.items()]
        return _Batch(len(batch), names, arguments)


def _entries(batch: Sequence[WhyRecord]) -> list[list[WhyRecord]]:
    """The records of each tenant, in their order, so many together."""
    found: defaultdict[str, list[WhyRecord]] = defaultdict(list)
    for record in batch:
        found[record.tenant].append(record)
    return [
        records[at : at + MOST_TOGETHER] for records in found.values() for at in range(0, len(records), MOST_TOGETHER)
    ]


def _entry(records: Sequence[WhyRecord]) -> bytes:
    """Records of a tenant as `store/why.lua` takes them."""
    earliest = min(record.time for record in records)
    return b"%d %b\n" % (len(records), earliest.encode()) + _ENCODER.encode_lines(records)


def _minutes(batch: Sequence[WhyRecord]) -> dict[tuple[str, int], list[int]]:
    """Calls by tenant and minute since the epoch: of the stock model, of the fine-tuned one."""
    minutes: dict[str, int] = {}
    found: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for record in batch:
        if record.reason in _NOT_CHOSEN:
            continue
        written = record.time[:_TO_THE_MINUTE]
        minute = minutes.get(written)
        if minute is None:
            minute = minutes[written] = int(timestamps.to_seconds(f"{written}Z")) // 60
        found[record.tenant, minute][record.fine_tuned] += 1
    return found


Counts = dict[tuple[bool, str | None, str | None], list[int]]


def _days(batch: Sequence[WhyRecord]) -> dict[tuple[str, str], Counts]:
    """By tenant and day, for each arm, model and workflow: the numbers that `store/why.lua` calls METRICS."""
    flat: dict[tuple[str, str, bool, str | None, str | None], list[int]] = {}
    for record in batch:
        model = record.routed_model or record.requested_model
        place = (record.tenant, record.time[:_TO_THE_DAY], record.fine_tuned, model, record.workflow)
        count = flat.get(place)
        if count is None:
            count = flat[place] = [0, 0, 0, 0, 0, 0]
        count[0] += 1
        if record.status >= 400 or record.status == 0 or record.error is not None:
            count[1] += 1
        if record.input_tokens:
            count[2] += _believed(record.input_tokens)
        if record.output_tokens:
            count[3] += _believed(record.output_tokens)
        cost = record.cost_usd
        if cost is not None and 0 <= cost <= _MOST_USD:
            count[4] += round(cost * 1e9)
        else:
            count[5] += 1
    found: defaultdict[tuple[str, str], Counts] = defaultdict(dict)
    for (tenant, day, fine_tuned, model, workflow), count in flat.items():
        found[tenant, day][fine_tuned, model, workflow] = count
    return found


def _believed(tokens: int) -> int:
    """What a provider says of a call's tokens, within reason."""
    return min(max(tokens, 0), _MOST_TOKENS)


def _lines(day: str, counts: Counts) -> bytes:
    lines = [day.encode()]
    for combination, count in counts.items():
        lines.append(b"%d %d %d %d %d %d " % tuple(count) + _ENCODER.encode(combination))
    return b"\n".join(lines)
