"""The figures of jobs that `/metrics` shows: read from the store in the background, four times a minute.

Of retiring models the job worker's daily round keeps the index that is read here; which job is active now is read from
the tenants' rows. Of jobs that have ended the worker keeps count.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
import structlog
from msgspec import Struct

from finetune.states import TABLE
from gateway.job_metrics import JobMetrics, RetiringModel
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable, translated

log = structlog.get_logger(__name__)

_SECONDS = 15.0
_DAY = 86400.0
_WITHIN = (90, 30, 7)  # days
_MOST_SHOWN = 100
_BATCH = 200
_MOST_READ = 20_000  # jobs, of which most are active only where there are few


class _Active(Struct, frozen=True):
    job_id: str


class _Tenant(Struct, frozen=True):
    """Of a tenant's row what is needed here, so that thousands of them are read in no time."""

    active: _Active | None = None
    deleted: bool = False


class _Job(Struct, frozen=True):
    status: str


_TENANT = msgspec.json.Decoder(_Tenant)
_JOB = msgspec.json.Decoder(_Job)


class JobFigures:
    """Reads. `figures` is what the metrics show; while the store is away it stays as it was."""

    def __init__(self, store: Store, figures: JobMetrics, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._figures = figures
        self._clock = clock

    async def run(self) -> None:
        """Reads until it is cancelled."""
        while True:
            try:
                await self.read()
            except StoreUnavailable:
                pass  # the follower says so, and in a metric
            except Exception:
                log.exception("job_figures_cannot_be_read")
            await asyncio.sleep(_SECONDS)

    async def read(self) -> None:
        """Reads once. Raises StoreUnavailable."""
        now = self._clock()
        counts = {days: await self._count(now, now + days * _DAY) for days in _WITHIN}
        self._figures.show_retiring(await self._active(now), counts)
        self._figures.show_states(await self._states())

    async def _states(self) -> dict[str, int]:
        """Jobs by status: those that have ended as they were counted then, the live ones as they stand."""
        with translated():
            ended = await cast("Any", self._store.redis.hgetall(keys.ENDED_JOBS))
        states = dict.fromkeys(TABLE, 0) | {status.decode(): int(count) for status, count in ended.items()}
        for status in await self._live():
            states[status] = states.get(status, 0) + 1
        return states

    async def _live(self) -> list[str]:
        """The status of each job that is under way."""
        ids = await self._store.fields(keys.LIVE_JOBS)
        by_tenant: dict[str, list[str]] = {}
        for job_id, row in zip(ids, await self._store.rows(keys.LIVE_JOBS, ids), strict=True):
            if row is not None:
                by_tenant.setdefault(row.body.decode(errors="replace"), []).append(job_id)
        found: list[str] = []
        for tenant, job_ids in by_tenant.items():
            for row in await self._store.rows(keys.jobs_of(tenant), job_ids):
                with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                    found += [_JOB.decode(row.body).status] if row is not None else []
        return found

    async def _count(self, since: float, until: float) -> int:
        with translated():
            return int(await cast("Any", self._store.redis.zcount(keys.RETIRING, f"({since}", until)))

    async def _active(self, now: float) -> list[RetiringModel]:
        """The active jobs whose models end first, or have ended."""
        found: list[RetiringModel] = []
        for start in range(0, _MOST_READ, _BATCH):
            with translated():
                asked = self._store.redis.zrangebyscore(
                    keys.RETIRING, "-inf", now + _WITHIN[0] * _DAY, start=start, num=_BATCH, withscores=True
                )
                batch = await cast("Any", asked)
            jobs = [(*member.decode().split("/", 1), ends) for member, ends in batch]
            active = await self._active_jobs([tenant for tenant, _, _ in jobs])
            found += [
                RetiringModel(tenant, job_id, (ends - now) / _DAY)
                for tenant, job_id, ends in jobs
                if active.get(tenant) == job_id
            ]
            if len(batch) < _BATCH or len(found) >= _MOST_SHOWN:
                break
        return found[:_MOST_SHOWN]

    async def _active_jobs(self, tenants: list[str]) -> dict[str, str]:
        names = list(dict.fromkeys(tenants))
        active: dict[str, str] = {}
        for name, row in zip(names, await self._store.rows(keys.TENANTS, names), strict=True):
            try:
                tenant = _TENANT.decode(row.body) if row is not None else _Tenant()
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # whoever follows the store says so
            if tenant.active is not None and not tenant.deleted:
                active[name] = tenant.active.job_id
        return active
