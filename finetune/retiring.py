"""The daily round: jobs get the dates of their models' ends, and warnings as these come near.

Nothing is decided here (`retirement.py`), and no provider spoken to (`told_models.py`). The round can be killed
anywhere and run again, by several workers at once: a job is saved by compare-and-set, and a warning stands on it once.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import structlog
from msgspec.structs import replace

from finetune import records, retirement, states
from finetune.records import Stored
from finetune.retirement import Dates
from finetune.told_models import Accounts, ToldModels
from finetune.values import Job
from gateway.store import audits, keys
from gateway.store.audits import WORKER
from gateway.store.connection import Conflict, Store, StoreUnavailable, Write, translated
from gateway.store.rows import TenantRow, tenant_row
from gateway.store.tasks import ended

log = structlog.get_logger(__name__)

_AT_ONCE = 8  # tenants
_TRIES = 5


class Retiring:
    """Goes round."""

    def __init__(self, store: Store, told_models: ToldModels, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._told_models = told_models
        self._clock = clock
        self._stopping = False

    def stop(self) -> None:
        """The worker is to leave: the round ends with the tenants that it is at, and another goes on with the rest."""
        self._stopping = True

    async def round(self) -> None:
        """Every job of every tenant, once. One tenant's trouble is logged, and is not the others'.

        Raises StoreUnavailable.
        """
        accounts, seen = Accounts(), set[str]()
        async with aclosing(_tenants(self._store)) as batches:
            async for batch in batches:
                if self._stopping:
                    return
                tasks = [asyncio.create_task(self._tenant(accounts, tenant)) for tenant in batch]
                try:
                    seen.update(*await asyncio.gather(*tasks))
                finally:
                    await ended(tasks)  # what ends the round ends all of it
        await self._forget(seen)
        await self._told_models.tidy()

    async def _tenant(self, accounts: Accounts, tenant: TenantRow) -> set[str]:
        """The tenant's jobs that the metric is to know, as its members."""
        seen: set[str] = set()
        try:
            dates: dict[str, Dates] = {}
            for job_id in await self._store.fields(keys.jobs_of(tenant.tenant)):
                stored = await records.load(self._store, tenant.tenant, job_id)
                if stored is not None and _concerns(stored.job):
                    job = await self._job(accounts, tenant, stored, dates)
                    if job.status == "ready":
                        await self._index(job)
                        seen.add(keys.job_member(job.tenant, job.id))
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("retirement_round_failed", tenant=tenant.tenant)
        return seen

    async def _job(self, accounts: Accounts, tenant: TenantRow, stored: Stored, dates: dict[str, Dates]) -> Job:
        """The job with its date and its warnings. One whose provider is gone stays as it is: nobody can call it."""
        name = stored.job.provider
        if name not in tenant.providers:
            return stored.job
        if name not in dates:
            dates[name] = await self._told_models.daily(accounts, tenant, name)
        for _ in range(_TRIES):
            try:
                return await self._save(stored, dates[name], tenant.providers[name].kind)
            except Conflict:
                found = await records.load(self._store, tenant.tenant, stored.job.id)
                if found is None or not _concerns(found.job):
                    break
                stored = found
        return stored.job  # it is being worked on; tomorrow is soon enough

    async def _save(self, stored: Stored, dates: Dates, kind: str) -> Job:
        """Raises Conflict, StoreUnavailable."""
        job, now = stored.job, _rfc3339(self._clock())
        known = dates.retirement(job.base_model, kind, job.fine_tuned_model)
        after, events = retirement.after_round(job, known, now)
        if after == job:
            return job
        also, audit = await self._known(after, now)
        return (await records.save(self._store, stored, after, *events, also=also, audit=audit)).job

    async def _known(self, job: Job, now: str) -> tuple[tuple[Write, ...], bytes]:
        """The write that tells the tenant's row the job's date, where it has another; and its audit record."""
        row = await self._store.row(keys.TENANTS, job.tenant)
        tenant = tenant_row(row) if row is not None else None
        made = tenant.fine_tunes.get(job.id) if tenant is not None else None
        if tenant is None or made is None or made.retires_at == job.retires_at or tenant.deleted:
            return (), b""
        fine_tunes = {**tenant.fine_tunes, job.id: replace(made, retires_at=job.retires_at)}
        body = msgspec.json.encode(replace(tenant, fine_tunes=fine_tunes, updated_at=now))
        audit = audits.encode(
            WORKER,
            time=now,
            action="job.retirement",
            tenant=job.tenant,
            before={"job_id": job.id, "retires_at": made.retires_at},
            after={"job_id": job.id, "retires_at": job.retires_at},
        )
        return (Write(keys.TENANTS, job.tenant, row, body),), audit

    async def _index(self, job: Job) -> None:
        """What the metric reads."""
        member = keys.job_member(job.tenant, job.id)
        with translated():
            if job.retires_at is None:
                await cast("Any", self._store.redis.zrem(keys.RETIRING, member))
            else:
                ends = datetime.fromisoformat(job.retires_at).timestamp()
                await cast("Any", self._store.redis.zadd(keys.RETIRING, {member: ends}))

    async def _forget(self, seen: set[str]) -> None:
        """Takes jobs from the metric's index that are gone, or whose tenant is."""
        with translated():
            async for raw, _ in self._store.redis.zscan_iter(keys.RETIRING, count=500):
                member = raw.decode()
                if member not in seen and not await self._stands(*member.split("/", 1)):
                    await cast("Any", self._store.redis.zrem(keys.RETIRING, member))

    async def _stands(self, tenant: str, job_id: str) -> bool:
        """Whether a job that the round did not see is there all the same: another worker's round may have found it."""
        row = await self._store.row(keys.TENANTS, tenant)
        stored = await records.load(self._store, tenant, job_id)
        return row is not None and stored is not None and not tenant_row(row).deleted


async def _tenants(store: Store) -> AsyncGenerator[list[TenantRow], None]:
    """Every tenant that is there, some at once."""
    batch: list[TenantRow] = []
    async for name, row in store.scan(keys.TENANTS):
        try:
            tenant = tenant_row(row)
        except msgspec.MsgspecError as error:
            log.error("row_cannot_be_read", table=keys.TENANTS, field=name, cause=str(error))
            continue
        if not tenant.deleted:
            batch.append(tenant)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _concerns(job: Job) -> bool:
    """Whether the end of its model is of interest: it has one that answers, or is to get one."""
    return job.status == "ready" or not states.is_final(job)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
