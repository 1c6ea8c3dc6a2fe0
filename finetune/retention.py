"""What is no longer kept: data sets of jobs that ended long ago, and what teachers answered as long ago.

What an active job was trained on stays until it is active no more: somebody may have to answer for it.
"""

import asyncio
import time
from datetime import UTC, datetime

import fsspec
import msgspec
import structlog
from msgspec.structs import replace

from finetune import records, states, steps
from finetune.records import Stored
from finetune.values import Job, decode
from gateway.store import keys
from gateway.store.connection import Conflict, Store
from gateway.store.rows import TenantRow, tenant_row

log = structlog.get_logger(__name__)

TEACHER_CACHE = "teacher"


async def end(store: Store, artifacts_url: str, days: int) -> None:
    """Ends what is older than `days`, of every tenant; one that fails stops no other. Raises StoreUnavailable."""
    async for name, row in store.scan(keys.TENANTS):
        try:
            await _end(store, tenant_row(row), artifacts_url.rstrip("/"), days * 86400.0)
        except (OSError, msgspec.MsgspecError):
            log.exception("artifacts_cannot_end", tenant=name)


async def _end(store: Store, tenant: TenantRow, artifacts_url: str, seconds: float) -> None:
    table = keys.jobs_of(tenant.tenant)
    ids = await store.fields(table)
    for job_id, row in zip(ids, await store.rows(table, ids), strict=True):
        if row is None:
            continue
        job = decode(row.body)
        if not _has_ended(job, tenant, time.time() - seconds):
            continue
        await asyncio.to_thread(remove_folder, records.artifact_of(artifacts_url, job))
        words = f"What the job was trained on ended with its time, {seconds / 86400:g} days."
        try:
            await records.save(store, Stored(job, row), replace(job, artifact_ended=True), ("artifact_ended", words))
        except Conflict:
            continue  # looked at again tomorrow
        log.info("artifact_ended", tenant=tenant.tenant, job_id=job_id)
    if ids:
        await asyncio.to_thread(_remove_older, f"{artifacts_url}/{tenant.tenant}/{TEACHER_CACHE}", seconds)


def _has_ended(job: Job, tenant: TenantRow, before: float) -> bool:
    """Whether a job's data set is to go: it ended before that time, has one, and does not answer calls now."""
    active = tenant.active is not None and tenant.active.job_id == job.id
    if job.finished_at is None or not states.is_final(job) or job.dataset is None or job.artifact_ended or active:
        return False
    return steps.seconds_since(job.finished_at, before) > 0


def remove_folder(url: str) -> None:
    """Removes what lies under an fsspec URL, if anything does. Raises OSError."""
    filesystem, path = fsspec.core.url_to_fs(url)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)


def _remove_older(url: str, seconds: float) -> None:
    filesystem, folder = fsspec.core.url_to_fs(url)
    if not filesystem.exists(folder):
        return
    for path in filesystem.find(folder):
        age = datetime.now(UTC) - filesystem.modified(path)
        if age.total_seconds() > seconds:
            filesystem.rm_file(path)
