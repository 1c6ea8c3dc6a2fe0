"""One tick of one job: load, decide, act, save. It can be killed anywhere and run again.

The steps are in `snapshotting.py` and `at_provider.py`, their decisions in `steps.py`, the states in `states.py`; what
runs the ticks is in `worker.py`.
"""

import time

import msgspec
import structlog
from msgspec.structs import replace

from finetune import activation, at_provider, records, retirement, states, steps
from finetune.at_provider import Stepped
from finetune.backends.base import Access, Refused, TryAgain
from finetune.dataset import DatasetMissing
from finetune.retirement import Dates
from finetune.snapshotting import Snapshots
from finetune.steps import Step
from finetune.ticking import Tick, Tools
from finetune.values import Job
from gateway.store import audits, keys
from gateway.store.audits import WORKER
from gateway.store.connection import Conflict, StoreUnavailable, Write
from gateway.store.rows import tenant_row

log = structlog.get_logger(__name__)

_AGAIN_AFTER_BUG = 30.0


class Manager:
    """Ticks jobs."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._snapshots = Snapshots(tools)

    def stop(self) -> None:
        """The worker is to leave: what takes long is broken off, and done by another."""
        self._snapshots.stop()

    async def tick(self, tenant: str, job_id: str) -> float | None:
        """Does the one thing that the job's state asks for. Seconds until the next tick; None: the job is over.

        Raises StoreUnavailable.
        """
        stored = await records.load(self._tools.store, tenant, job_id)
        row = await self._tools.store.row(keys.TENANTS, tenant)
        if stored is None or row is None or stored.job.is_over:
            return None
        tick = Tick(stored, row, tenant_row(row), steps.overdue(stored.job, time.time()))
        try:
            stepped = await self._act(tick)
            await self._save(tick, stepped)
        except Conflict:
            return 0.0  # somebody else saved first; look again
        return stepped.step.again

    async def _act(self, tick: Tick) -> Stepped:
        job = tick.job
        if tick.ending and not job.untidy and not job.claimed_at and not job.provider_job_id:  # nothing was made there
            return Stepped(steps.untidy(job, steps.end(job, tick.ending, records.now())))
        try:
            stepped = await self._step(tick)
        except Refused as refused:
            return Stepped(
                steps.untidy(job, steps.ended(states.fail(tick.job, refused.code, refused.message, records.now())))
            )
        except TryAgain as failure:
            if _leaving_too_long(tick):
                return Stepped(steps.end(tick.job, "cancelled", records.now()))
            return Stepped(steps.after_failure(tick.job, failure, records.now()))
        except (Conflict, StoreUnavailable):
            raise
        except Exception:
            log.exception("tick_failed", job_id=job.id, tenant=job.tenant, state=job.status)
            unexpected = TryAgain("The worker failed on this; its log has the cause.", after=_AGAIN_AFTER_BUG)
            return Stepped(steps.after_failure(tick.job, unexpected, records.now()))
        return Stepped(steps.untidy(job, stepped.step), stepped.also)

    async def _step(self, tick: Tick) -> Stepped:
        """Raises Refused, TryAgain, Conflict, StoreUnavailable."""
        if tick.job.untidy:
            return Stepped(await at_provider.tidying(self._tools, tick))
        match tick.job.status:
            case "queued":
                step = await self._queued(tick)
            case "snapshotting":
                step = await self._snapshots.snapshotting(tick)
            case "uploading":
                step = await self._uploading(tick)
            case _:
                return _calm(await at_provider.training(self._tools, tick))
        return Stepped(step)

    async def _queued(self, tick: Tick) -> Step:
        """Whether the job can be made at all is said before anything is read."""
        job, tools = tick.job, self._tools
        access = tools.access(tick.tenant, job.provider)
        backend = tools.factory(job)(access or Access("", "", None), tools.http())
        try:
            await backend.check()
        finally:
            await backend.close()
        dates = await tools.known_dates(tick.tenant, job.provider)
        dated, events = _dated(dates, job, tools.access_of(tick.tenant, job.provider).kind)
        words = "The Vault is being read." if job.source_job is None else f"The data set of {job.source_job} is taken."
        return Step(states.move(dated, "snapshotting", records.now()), (*events, ("snapshotting", words)))

    async def _uploading(self, tick: Tick) -> Step:
        """The provider is asked about the base model before it is sent anything."""
        job = tick.job
        if job.training_file_id is None and not job.claimed_at:
            dates = await self._tools.dates(tick.tenant, job.provider)
            dated, events = _dated(dates, job, self._tools.access_of(tick.tenant, job.provider).kind)
            if dated != job:
                return Step(dated, events)
        try:
            return await at_provider.uploading(self._tools, tick)
        except DatasetMissing:
            words = "The data set is not where it was written; it is built again."
            return Step(states.move(tick.job, "snapshotting", records.now()), (("snapshotting", words),))

    async def _save(self, tick: Tick, stepped: Stepped) -> None:
        """A job that becomes `ready` makes its models known to the data plane in the same change."""
        job = replace(stepped.step.job, checked_at=time.time())
        also, audit = stepped.also, b""
        if job.status == "ready" and tick.job.status != "ready" and not tick.tenant.deleted:
            known, audit = self._known(tick, job)
            also = (*also, known)
        await records.save(self._tools.store, tick.stored, job, *stepped.step.events, also=also, audit=audit)

    def _known(self, tick: Tick, job: Job) -> tuple[Write, bytes]:
        access = self._tools.access(tick.tenant, job.provider)
        account = access.sealed_account if access is not None else None
        now = records.now()
        known = activation.known(tick.tenant, job, account, now=now)
        after = {"job_id": job.id, "model": job.fine_tuned_model}
        audit = audits.encode(WORKER, time=now, action="job.ready", tenant=job.tenant, before=None, after=after)
        return Write(keys.TENANTS, job.tenant, tick.row, msgspec.json.encode(known)), audit


def _dated(dates: Dates, job: Job, kind: str) -> tuple[Job, tuple[tuple[str, str], ...]]:
    """The job with what is known of its base model's end. Raises Refused where no job can be started on it."""
    now = records.now()
    reason = dates.why_not_tunable(job.base_model, kind, now)
    if reason is not None:
        raise Refused("base_model_not_tunable", reason)
    return retirement.after_round(job, dates.retirement(job.base_model, kind), now)


def _calm(stepped: Stepped) -> Stepped:
    """What was answered ends a run of failures."""
    return replace(stepped, step=replace(stepped.step, job=replace(stepped.step.job, failures=0)))


def _leaving_too_long(tick: Tick) -> bool:
    gone = steps.seconds_since(tick.tenant.updated_at, time.time()) if tick.tenant.deleted else 0.0
    return gone > steps.ENDING_SECONDS and not states.is_final(tick.job)
