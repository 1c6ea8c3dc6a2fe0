"""Jobs in the store: made, read and saved by compare-and-set, each step with a line in the job's timeline.

No provider, no dataset, no decision about what comes next.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from msgspec import Struct

from finetune.curves import Point
from finetune.values import Job, decode, encode
from gateway.store import keys
from gateway.store.connection import Note, Store, StoreUnavailable, Write, translated
from gateway.store.rows import Row


class Stored(Struct, frozen=True):
    """A job and the row that it stands in, which a save compares with."""

    job: Job
    row: Row


class Event(Struct, frozen=True):
    """A line of a job's timeline."""

    time: str
    kind: str
    message: str


class Progress(Struct, frozen=True):
    """How far the long work of a job's state has come. `total` is null while it is not known."""

    stage: str
    done: int
    total: int | None = None


def new_id(prefix: str) -> str:
    """A time-ordered id: milliseconds, then 80 random bits, in hex."""
    return f"{prefix}_{int(time.time() * 1000):012x}{os.urandom(10).hex()}"


def now() -> str:
    """The time, RFC 3339 UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def artifact_of(artifacts_url: str, job: Job) -> str:
    """The folder of a job's data set and manifest."""
    return f"{artifacts_url.rstrip('/')}/{job.tenant}/{job.id}"


async def load(store: Store, tenant: str, job_id: str) -> Stored | None:
    """The job, or None. Raises StoreUnavailable."""
    row = await store.row(keys.jobs_of(tenant), job_id)
    return Stored(decode(row.body), row) if row is not None else None


async def page(store: Store, tenant: str, limit: int, before: str | None) -> tuple[list[Job], str | None]:
    """Jobs, newest first, older than `before`; and where the next page begins. Raises StoreUnavailable."""
    ids = [job_id for job_id in reversed(await store.fields(keys.jobs_of(tenant))) if not before or job_id < before]
    chosen = ids[:limit]
    rows = await store.rows(keys.jobs_of(tenant), chosen)
    jobs = [decode(row.body) for row in rows if row is not None]
    return jobs, chosen[-1] if len(ids) > limit else None


async def since(store: Store, tenant: str, seconds: float) -> list[Job]:
    """The tenant's jobs that were made since then (seconds since the epoch), in the order of their making.

    Raises StoreUnavailable.
    """
    first = f"job_{int(seconds * 1000):012x}"
    ids = [job_id for job_id in await store.fields(keys.jobs_of(tenant)) if job_id >= first]
    rows = await store.rows(keys.jobs_of(tenant), ids)
    return [decode(row.body) for row in rows if row is not None]


async def live(store: Store) -> list[tuple[str, str]]:
    """`(tenant, job id)` of every job for which something is left to do. Raises StoreUnavailable."""
    ids = await store.fields(keys.LIVE_JOBS)
    rows = await store.rows(keys.LIVE_JOBS, ids)
    return [
        (row.body.decode(errors="replace"), job_id) for job_id, row in zip(ids, rows, strict=True) if row is not None
    ]


def creation(job: Job) -> list[Write]:
    """The writes that make a job; the caller commits them with its own."""
    return [
        Write(keys.jobs_of(job.tenant), job.id, None, encode(job)),
        Write(keys.LIVE_JOBS, job.id, None, job.tenant.encode()),
    ]


async def save(
    store: Store,
    before: Stored,
    after: Job,
    *events: tuple[str, str],
    also: tuple[Write, ...] = (),
    audit: bytes = b"",
) -> Stored:
    """Replaces the job, with `also` in the same change, and gives it back. Raises Conflict, StoreUnavailable.

    `audit` is the record of what `also` changes. Each event is `(kind, message)`. A job for which nothing is left to do
    leaves the live ones here, and nowhere else.
    """
    ends = after.is_over and not before.job.is_over
    body = encode(after)
    writes = [Write(keys.jobs_of(after.tenant), after.id, before.row, body), *also]
    if ends:
        row = await store.row(keys.LIVE_JOBS, after.id)
        if row is not None:
            writes.append(Write(keys.LIVE_JOBS, after.id, row, None))
    notes = [note(after.id, kind, message) for kind, message in events]
    committed = await store.commit(writes, audit=audit, tenant=after.tenant, notes=notes)
    if ends:
        await count_ended(store, after)
    return Stored(after, Row(b"%d %s" % (committed.revision, body), committed.revision, body))


async def count_ended(store: Store, job: Job) -> None:
    """Counts a job for which nothing is left to do. It is for a metric, so a store that is away is no error."""
    with contextlib.suppress(StoreUnavailable), translated():
        await cast("Any", store.redis.hincrby(keys.ENDED_JOBS, job.status, 1))


def note(job_id: str, kind: str, message: str) -> Note:
    """A line for the job's timeline, to be written with a change."""
    return Note(keys.timeline_of(job_id), msgspec.json.encode(Event(now(), kind, message)))


async def timeline(store: Store, job_id: str, limit: int, after: str | None) -> tuple[list[Event], str | None]:
    """The job's timeline, oldest first, and where the next page begins. Raises StoreUnavailable."""
    start = f"({after}" if after else "-"
    with translated():
        found = await cast("Any", store.redis.xrange(keys.timeline_of(job_id), start, "+", limit + 1))
    events = [msgspec.json.decode(fields[b"event"], type=Event) for _, fields in found[:limit]]
    return events, found[limit - 1][0].decode() if len(found) > limit else None


async def curve(store: Store, tenant: str, job_id: str) -> tuple[list[Point], Row | None]:
    """The job's training curve by step, and the row that it stands in. Raises StoreUnavailable."""
    row = await store.row(keys.curves_of(tenant), job_id)
    return (msgspec.json.decode(row.body, type=list[Point]), row) if row is not None else ([], None)


def curve_write(job: Job, before: Row | None, points: list[Point]) -> Write:
    """The write that replaces the job's training curve."""
    return Write(keys.curves_of(job.tenant), job.id, before, msgspec.json.encode(points))


async def report(store: Store, job_id: str, progress: Progress | None) -> None:
    """Says how far a job has come (None: nothing is under way). It is a help, so a store that is away is no error."""
    with contextlib.suppress(StoreUnavailable), translated():
        if progress is None:
            await cast("Any", store.redis.hdel(keys.PROGRESS, job_id))
        else:
            await cast("Any", store.redis.hset(keys.PROGRESS, job_id, msgspec.json.encode(progress)))


async def progress(store: Store, job_ids: Sequence[str]) -> dict[str, Progress]:
    """How far each of these jobs has come, where that is known. Raises StoreUnavailable."""
    if not job_ids:
        return {}
    with translated():
        found = await cast("Any", store.redis.hmget(keys.PROGRESS, list(job_ids)))
    return {
        job_id: msgspec.json.decode(raw, type=Progress)
        for job_id, raw in zip(job_ids, found, strict=True)
        if raw is not None
    }


async def wake(store: Store, tenant: str, job_id: str) -> None:
    """Asks a worker for a tick of this job now; where that cannot be said, the worker's own round finds the job."""
    with contextlib.suppress(StoreUnavailable), translated():
        await cast("Any", store.redis.rpush(keys.WAKE, f"{tenant}/{job_id}"))


async def ticked_since(store: Store, tenant: str, job_id: str, since: float, seconds: float) -> Stored | None:
    """The job once a tick looked at it after `since`, or as it is after `seconds`. Raises StoreUnavailable."""
    deadline = time.monotonic() + seconds
    while True:
        stored = await load(store, tenant, job_id)
        if stored is None or stored.job.is_over or stored.job.checked_at >= since:
            return stored
        if time.monotonic() > deadline:
            return stored
        await asyncio.sleep(0.05)
