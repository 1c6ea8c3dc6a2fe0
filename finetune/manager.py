"""One tick of one job: load, decide, act, save. It can be killed anywhere and run again.

The decisions are in `steps.py`, the states in `states.py`; what runs the ticks is in `worker.py`. Whatever a
tick needs of the gateway is handed in.
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx2
import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from finetune import activation, records, states, steps
from finetune.backends.base import Access, Backend, Factory, Order, Refused, TryAgain
from finetune.dataset import DatasetSummary, build, open_train
from finetune.records import Stored
from finetune.steps import Step
from finetune.values import Job
from finetune.vaults import VaultNotAllowed, VaultUnreadable, open_vault, roots_of
from gateway.store import audits, keys
from gateway.store.audits import WORKER
from gateway.store.connection import Conflict, Store, StoreUnavailable, Write
from gateway.store.rows import Row, TenantRow, tenant_row

log = structlog.get_logger(__name__)

_AGAIN_AFTER_BUG = 30.0
_STALE_CLAIM_SECONDS = 5.0
_LEAVING_SECONDS = 24 * 3600.0  # how long a deleted tenant's provider is asked to end its jobs


class Tick(Struct):
    """A tick under way: the job as last loaded or saved, and the tenant that it belongs to."""

    stored: Stored
    row: Row
    tenant: TenantRow

    @property
    def job(self) -> Job:
        """The job as it stands in the store."""
        return self.stored.job

    @property
    def to_cancel(self) -> bool:
        """Whether the job is to end: its admin says so, or its tenant is gone."""
        return self.job.cancel_requested or self.tenant.deleted


class Manager:
    """Ticks jobs. `access` opens a tenant's provider (None: it has none of that name)."""

    def __init__(
        self,
        store: Store,
        *,
        access: Callable[[TenantRow, str], Access | None],
        http: Callable[[], httpx2.AsyncClient],
        backends: dict[str, Factory],
        artifacts_url: str,
        vault_roots: tuple[str, ...],
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._access = access
        self._http = http
        self._backends = backends
        self._artifacts = artifacts_url.rstrip("/")
        self._roots = vault_roots
        self._poll_seconds = poll_seconds

    async def tick(self, tenant: str, job_id: str) -> float | None:
        """Does the one thing that the job's state asks for. Seconds until the next tick; None: the job is over.

        Raises StoreUnavailable.
        """
        stored = await records.load(self._store, tenant, job_id)
        row = await self._store.row(keys.TENANTS, tenant)
        if stored is None or row is None or states.is_final(stored.job):
            return None
        tick = Tick(stored, row, tenant_row(row))
        try:
            step = await self._act(tick)
            await self._save(tick, step)
        except Conflict:
            return 0.0  # somebody else saved first; look again
        return step.again

    async def _act(self, tick: Tick) -> Step:
        job = tick.job
        if tick.to_cancel and not job.claimed_at and not job.provider_job_id:  # nothing was made at the provider
            return steps.ended(states.move(job, "cancelled", records.now()))
        try:
            step = await _STEPS[job.status](self, tick)
            return replace(step, job=replace(step.job, failures=0))
        except Refused as refused:
            return steps.ended(states.fail(tick.job, refused.code, refused.message, records.now()))
        except TryAgain as failure:
            if tick.tenant.deleted and _seconds_since(tick.tenant.updated_at) > _LEAVING_SECONDS:
                return steps.ended(states.move(tick.job, "cancelled", records.now()))
            return steps.after_failure(tick.job, failure, records.now())
        except (Conflict, StoreUnavailable):
            raise
        except Exception:
            log.exception("tick_failed", job_id=job.id, tenant=job.tenant, state=job.status)
            unexpected = TryAgain("The worker failed on this; its log has the cause.", after=_AGAIN_AFTER_BUG)
            return steps.after_failure(tick.job, unexpected, records.now())

    async def _save(self, tick: Tick, step: Step) -> None:
        """A job that becomes `ready` makes its model known to the data plane in the same change."""
        job = replace(step.job, checked_at=time.time())
        also: tuple[Write, ...] = ()
        audit = b""
        if job.status == "ready" and not tick.tenant.deleted:
            access = self._access(tick.tenant, job.provider)
            account = access.sealed_account if access is not None else None
            known = activation.known(tick.tenant, job, account, now=records.now())
            also = (Write(keys.TENANTS, job.tenant, tick.row, msgspec.json.encode(known)),)
            after = {"job_id": job.id, "model": job.fine_tuned_model}
            now, action = records.now(), "job.ready"
            audit = audits.encode(WORKER, time=now, action=action, tenant=job.tenant, before=None, after=after)
        await records.save(self._store, tick.stored, job, *step.events, also=also, audit=audit)

    async def _queued(self, tick: Tick) -> Step:
        job, now = tick.job, records.now()
        if job.backend not in self._backends:
            words = f"Fine-tuning with the backend {job.backend} is not supported yet."
            raise Refused("backend_not_supported_yet", words)
        if self._access(tick.tenant, job.provider) is None:
            raise Refused("provider_not_configured", f"The tenant has no provider {job.provider!r}.")
        return Step(states.move(job, "snapshotting", now), (("snapshotting", "The Vault is being read."),))

    async def _snapshotting(self, tick: Tick) -> Step:
        if tick.tenant.vault is None:
            raise Refused("vault_unreadable", "The tenant has no Vault.")
        try:
            dataset = await asyncio.to_thread(self._build, tick.job, tick.tenant.vault.url)
        except (VaultUnreadable, VaultNotAllowed) as error:
            raise Refused("vault_unreadable", str(error)) from None
        except OSError as error:  # the artifacts' place, or a second tick that builds the same
            raise TryAgain(f"The training file could not be written: {error}") from None
        return steps.after_snapshot(tick.job, dataset, records.now())

    def _build(self, job: Job, vault_url: str) -> DatasetSummary:
        return build(open_vault(vault_url, roots_of(self._roots, job.tenant)).chunks(), self._artifact(job))

    def _artifact(self, job: Job) -> str:
        return records.artifact_of(self._artifacts, job)

    async def _uploading(self, tick: Tick) -> Step:
        """Uploads, or finds what was uploaded; then makes the provider's job, or finds it."""
        job = tick.job
        async with self._backend(tick) as backend:
            if job.training_file_id is None:
                file_id = await self._upload(backend, job)
                if file_id is None:
                    words = "The training file is not the one that was recorded; it is built again."
                    return Step(states.move(job, "snapshotting", records.now()), (("snapshotting", words),))
                return Step(
                    replace(job, training_file_id=file_id, updated_at=records.now()),
                    (("uploaded", f"The training file is {file_id} at the provider."),),
                )
            made = await backend.find_job(job.uid)
            if made is not None:
                return steps.adopted(job, made, records.now())
            settling = steps.settling(job, time.time())
            if settling:
                return Step(job, again=settling)
            if tick.to_cancel:
                return steps.ended(states.move(job, "cancelled", records.now()))
            return await self._create(tick, backend, job.training_file_id)

    async def _create(self, tick: Tick, backend: Backend, file_id: str) -> Step:
        """Only who saves the claim sets out to create: two ticks at once cannot make two jobs."""
        claimed = replace(tick.job, claimed_at=time.time())
        tick.stored = await records.save(self._store, tick.stored, claimed)
        if time.time() - claimed.claimed_at > _STALE_CLAIM_SECONDS:
            return Step(claimed)  # this process was frozen in between; another may have taken over
        seed = steps.seed_of(claimed.options)
        try:
            made = await backend.create_job(
                Order(claimed.uid, claimed.base_model, file_id, claimed.hyperparameters, seed),
            )
        except TryAgain as failure:
            kept = steps.after_failed_create(claimed, failure, time.time())
            tick.stored = await records.save(self._store, tick.stored, kept)
            raise
        return steps.adopted(claimed, made, records.now())

    async def _upload(self, backend: Backend, job: Job) -> str | None:
        """The file's id at the provider; None where the artifact is not what the job says it is trained on."""
        assert job.dataset is not None  # noqa: S101 - `uploading` follows a snapshot
        name = f"{job.uid}-{job.dataset.sha256}.jsonl"
        with tempfile.TemporaryDirectory(prefix="housestyle-") as directory:
            file = Path(directory) / "train.jsonl"
            if await asyncio.to_thread(_fetch, self._artifact(job), file) != job.dataset.sha256:
                return None
            found = await backend.find_file(name, file.stat().st_size)
            return found or await backend.upload(name, file)

    async def _training(self, tick: Tick) -> Step:
        job = tick.job
        assert job.provider_job_id is not None  # noqa: S101 - `training` follows its creation
        async with self._backend(tick) as backend:
            if tick.to_cancel:
                await backend.cancel(job.provider_job_id)
            told = await backend.job(job.provider_job_id)
            usable = told.phase == "succeeded" and bool(
                told.fine_tuned_model and await backend.is_usable(told.fine_tuned_model),
            )
        return steps.after_poll(job, told, usable=usable, poll_seconds=self._poll_seconds, now=records.now())

    @asynccontextmanager
    async def _backend(self, tick: Tick) -> AsyncIterator[Backend]:
        job = tick.job
        access = self._access(tick.tenant, job.provider)
        if access is None:
            raise Refused("provider_not_configured", f"The tenant has no provider {job.provider!r}.")
        backend = self._backends[job.backend](access, self._http())
        try:
            yield backend
        finally:
            await backend.close()


_STEPS: dict[str, Callable[[Manager, Tick], Awaitable[Step]]] = {
    "queued": Manager._queued,
    "snapshotting": Manager._snapshotting,
    "uploading": Manager._uploading,
    "training": Manager._training,
}


def _fetch(folder: str, file: Path) -> str:
    """Copies a job's training file; its SHA-256 in hex."""
    digest = hashlib.sha256()
    with open_train(folder) as source, file.open("wb") as target:
        while block := source.read(1 << 20):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def _seconds_since(rfc3339: str) -> float:
    return time.time() - datetime.fromisoformat(rfc3339).timestamp()
