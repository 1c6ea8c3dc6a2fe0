"""Why records: one for every call of a known tenant, written behind in batches, read by the admin API.

A call only appends to a bounded queue here. What did not fit is counted. A batch goes to the store as one script with
one argument a tenant: a command for each record would cost more than all else that is done for it.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.resources import files
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
_FLUSH_SECONDS = 0.1
_PAGE = 500
_RECENT_SECONDS = 3600
# A record is written after its call, by another clock: look from this long before the call's own time.
_CLOCK_SKEW_MS = 60_000
_TO_THE_MINUTE = len("2026-11-22T12:00")


class WhyRecord(Struct, frozen=True):
    """The contract's WhyRecord. `time` is when the call arrived, RFC 3339 UTC."""

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


_DECODER = msgspec.json.Decoder(WhyRecord)
_ENCODER = msgspec.json.Encoder()
# Of these the model was not the gateway's to choose.
_NOT_CHOSEN = (None, "endpoint_not_tunable", "foreign_fine_tune")


class WhyWriter:
    """The queue and its writer. `lost` counts the records that found no room."""

    def __init__(self, store: Store, keep: int, days: int) -> None:
        self.lost = 0
        self._store = store
        self._keep = keep
        self._keep_ms = days * 86_400_000
        self._queue: deque[WhyRecord] = deque()
        self._writing = asyncio.Lock()
        self._script = store.redis.register_script((files("gateway.store") / "why.lua").read_bytes())

    @property
    def waiting(self) -> int:
        """How many records are not in the store yet."""
        return len(self._queue)

    def put(self, record: WhyRecord) -> None:
        """Takes a record; never waits, never fails."""
        if len(self._queue) >= _QUEUE:
            self.lost += 1
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
                    log.warning("why_records_wait", cause=str(error), waiting=len(self._queue))
                away = True

    async def flush(self) -> None:
        """Writes all that was put so far. Raises StoreUnavailable; what was not written stays queued."""
        async with self._writing:
            while self._queue:
                batch = [self._queue[i] for i in range(min(_BATCH, len(self._queue)))]
                await self._write(batch)
                for _ in batch:
                    self._queue.popleft()

    async def _write(self, batch: Sequence[WhyRecord]) -> None:
        """A batch whose answer does not come is written again: at least once, never lost."""
        oldest = int(time.time() * 1000) - self._keep_ms
        by_tenant = _by_tenant(batch)
        counts = _counts(batch)
        names = [keys.why_of(tenant) for tenant in by_tenant] + [keys.recent_of(*place) for place in counts]
        arguments: list[Any] = [len(by_tenant), self._keep, f"{oldest}-0", _RECENT_SECONDS + 600]
        arguments += [_ENCODER.encode_lines(records) for records in by_tenant.values()]
        arguments += [f"{fine_tuned} {stock}" for stock, fine_tuned in counts.values()]
        with translated():
            await cast("Any", self._script(keys=names, args=arguments))


def _by_tenant(batch: Sequence[WhyRecord]) -> dict[str, list[WhyRecord]]:
    """The records of each tenant, in their order."""
    found: defaultdict[str, list[WhyRecord]] = defaultdict(list)
    for record in batch:
        found[record.tenant].append(record)
    return found


def _counts(batch: Sequence[WhyRecord]) -> dict[tuple[str, int], list[int]]:
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


async def recent_calls(store: Store, tenant: str) -> tuple[int, int]:
    """How many calls the last hour's records count, and how many of them the fine-tuned model answered."""
    now = int(time.time()) // 60
    with translated():
        async with store.redis.pipeline(transaction=False) as pipe:
            for minute in range(now - _RECENT_SECONDS // 60 + 1, now + 1):
                pipe.hgetall(keys.recent_of(tenant, minute))
            counts = await pipe.execute()
    fine_tuned = sum(int(count.get(b"fine_tuned", 0)) for count in counts)
    return fine_tuned + sum(int(count.get(b"stock", 0)) for count in counts), fine_tuned


class Page(Struct, frozen=True):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: list[WhyRecord]
    next_cursor: str | None


class WhyReader:
    """Answers the admin API's questions from the tenant's stream."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def one(self, tenant: str, call_id: str) -> WhyRecord | None:
        """The record of a call; call ids begin with their time, so only what came after is looked at."""
        try:
            since = int(call_id.removeprefix("call_")[:12], 16)
        except ValueError:
            return None
        start = f"{max(0, since - _CLOCK_SKEW_MS)}-0"
        while True:
            with translated():
                page = await cast("Any", self._store.redis.xrange(keys.why_of(tenant), start, "+", _PAGE))
            for _, fields in page:
                record = _DECODER.decode(fields[b"record"])
                if record.call_id == call_id:
                    return record
            if len(page) < _PAGE:
                return None
            start = f"({page[-1][0].decode()}"

    async def page(self, tenant: str, wanted: Callable[[WhyRecord], bool], limit: int, cursor: str | None) -> Page:
        """The newest `limit` wanted records older than `cursor`. Raises StoreUnavailable."""
        found: list[WhyRecord] = []
        async for entry_id, record in self._newest_first(tenant, cursor):
            if wanted(record):
                found.append(record)
                if len(found) == limit:
                    return Page(found, entry_id)
        return Page(found, None)

    async def _newest_first(self, tenant: str, cursor: str | None) -> AsyncIterator[tuple[str, WhyRecord]]:
        end = f"({cursor}" if cursor else "+"
        while True:
            with translated():
                page = await cast("Any", self._store.redis.xrevrange(keys.why_of(tenant), end, "-", _PAGE))
            for entry_id, fields in page:
                yield entry_id.decode(), _DECODER.decode(fields[b"record"])
            if len(page) < _PAGE:
                return
            end = f"({page[-1][0].decode()}"
