"""The step that reads the Vault and writes the data set, in a thread, beside the ticks of other jobs.

It says how far it is, ends soon after its job is to end, and asks what it costs before anything is paid for. What
builds is loaded by that thread: a worker that has no job yet need not pay for its arrays and patterns.
"""

import asyncio
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from finetune import cost, records, states, steps
from finetune.backends.base import Refused, TryAgain
from finetune.cost import Estimate
from finetune.dataset import BuildSettings, DatasetDamaged, DatasetMissing, DatasetSummary, copy_dataset
from finetune.dataset.count import Counter, open_counter
from finetune.dataset.outcomes import Ask, RedactorMissing, TeacherBusy, TeacherRefused
from finetune.retention import TEACHER_CACHE
from finetune.steps import Step
from finetune.ticking import Tick, Tools
from finetune.values import Job, settings_of
from finetune.vaults import VaultNotAllowed, VaultUnreadable
from gateway.store.connection import StoreUnavailable
from gateway.store.rows import TenantRow

if TYPE_CHECKING:
    from finetune.dataset.build import Progress
    from finetune.dataset.teacher import TeacherTokens, TeacherWriter

MAX_BUILDS = 1
"""At once in one worker: a build takes a core, and its memory is what a worker's is measured by."""

# A later tick reads the whole Vault again, so a teacher that is busy is waited for rather than come back to.
_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 1.0
_FULL_AGAIN_SECONDS = 1.0


class _Stopped(Exception):
    """The build is wanted no longer."""


class _Limits(Struct, frozen=True):
    """What the job may cost, in US dollars. `spent`: by the tenant's other jobs of the last days."""

    job: float | None
    tenant: float | None
    spent: float

    def refusal(self, estimate: Estimate | None) -> str | None:
        """The words of `cost_limit_exceeded`; None where the job may go on."""
        return cost.check_limits(estimate, self.job, self.tenant, self.spent)


class _Wanted(Struct, frozen=True):
    """A data set to be built. `ask` asks its teacher, where it has one."""

    tenant: TenantRow
    job: Job
    settings: BuildSettings
    limits: _Limits
    ask: Ask | None


class _Built(Struct, frozen=True):
    """A data set, and what its teacher cost (empty: it had none)."""

    dataset: DatasetSummary
    taught: tuple[Estimate | None, ...] = ()


class Snapshots:
    """Builds data sets, a few at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._building = 0
        self._leaving = threading.Event()

    def stop(self) -> None:
        """Every build under way ends soon, and no other begins."""
        self._leaving.set()

    async def snapshotting(self, tick: Tick) -> Step:
        """Builds the job's data set, or copies another job's. Raises Refused, TryAgain, StoreUnavailable."""
        if self._leaving.is_set():
            return Step(tick.job, again=_FULL_AGAIN_SECONDS)
        limits = await self._limits(tick)  # a store that is away must not leave the place taken
        if self._building >= MAX_BUILDS:
            return Step(tick.job, again=_FULL_AGAIN_SECONDS)
        self._building += 1
        try:
            built = await self._built(tick, limits)
        except _Stopped:
            return Step(tick.job)
        except (VaultUnreadable, VaultNotAllowed, RedactorMissing) as error:
            raise Refused("vault_unreadable", str(error)) from None
        except (DatasetMissing, DatasetDamaged):
            words = "What the other job was trained on is not whole any more, so no job can be made of it."
            raise Refused("vault_unreadable", words) from None
        except TeacherRefused as refused:
            raise Refused(refused.code, refused.message) from None
        except TeacherBusy as busy:
            raise TryAgain(f"The teacher model does not answer: {busy}.", after=busy.after) from None
        except OSError as error:  # the artifacts' place, or a second tick that builds the same
            raise TryAgain(f"The training file could not be written: {error}") from None
        finally:
            self._building -= 1
        return _priced(tick.job, built, limits)

    async def _limits(self, tick: Tick) -> _Limits:
        """Raises StoreUnavailable."""
        limit, spent = tick.tenant.cost_limit_usd, 0.0
        if limit is not None:
            since = time.time() - cost.TENANT_DAYS * 86400
            others = await records.since(self._tools.store, tick.job.tenant, since)
            spent = sum(other.estimated_cost_usd or 0.0 for other in others if other.id != tick.job.id)
        return _Limits(tick.job.options.get("cost_limit_usd"), limit, spent)

    async def _built(self, tick: Tick, limits: _Limits) -> _Built:
        """The build in its thread; ended where the job is to end, or the worker is."""
        at: list[records.Progress] = []
        stop = threading.Event()

        def progress(stage: str, done: int, total: int | None) -> None:
            at[:] = [records.Progress(stage, done, total)]
            if stop.is_set() or self._leaving.is_set():
                raise _Stopped

        job, store, settings = tick.job, self._tools.store, settings_of(tick.job)
        teacher = self._tools.ask(tick.tenant, job.provider) if settings.writer == "teacher" else nullcontext()
        async with teacher as ask:
            wanted = _Wanted(tick.tenant, job, settings, limits, ask)
            work = asyncio.create_task(asyncio.to_thread(self._build, wanted, progress))
            try:
                while not (await asyncio.wait({work}, timeout=_LOOK_SECONDS))[0]:
                    if at:
                        await records.report(store, job.id, at[0])
                    if await self._is_unwanted(job):
                        stop.set()
                return work.result()
            finally:
                stop.set()
                await asyncio.wait({work})
                await records.report(store, job.id, None)

    async def _is_unwanted(self, job: Job) -> bool:
        """Whether somebody asked for the job's end meanwhile, or it went on elsewhere."""
        try:
            stored = await records.load(self._tools.store, job.tenant, job.id)
        except StoreUnavailable:
            return False
        return stored is None or stored.job.cancel_requested or stored.job.status != "snapshotting"

    def _build(self, wanted: _Wanted, progress: "Progress") -> _Built:
        """In a thread of its own."""
        from finetune.dataset.build import build
        from finetune.dataset.redact import open_redactor

        job, settings = wanted.job, wanted.settings
        folder = self._tools.artifact(job)
        if job.source_job is not None:
            source = self._tools.artifact(replace(job, id=job.source_job))
            try:
                return _Built(copy_dataset(source, folder).summary)
            except FileNotFoundError:  # written before there was a validation file
                raise DatasetMissing from None
        chunks = self._tools.open_vault(wanted.tenant).chunks()
        counter, redactor = open_counter(job.base_model), open_redactor(settings.redact)
        if wanted.ask is None:
            return _Built(build(chunks, folder, progress, settings, redactor=redactor, counter=counter))
        taught: list[Estimate | None] = []
        with self._teacher(wanted, wanted.ask, counter, taught) as teacher:
            made = build(chunks, folder, progress, settings, teacher, redactor, counter)
        return _Built(made, tuple(taught))

    def _teacher(self, wanted: _Wanted, ask: Ask, counter: Counter, taught: list[Estimate | None]) -> "TeacherWriter":
        """The tenant's own stock model. What it will cost is put into `taught`. Raises TeacherRefused."""
        from finetune.dataset.teacher import Patience, TeacherWriter

        tenant, job = wanted.tenant, wanted.job
        provider = self._tools.access_of(tenant, job.provider)
        model = tenant.providers[job.provider].default_model
        price = self._tools.teacher_price(provider.kind, model)

        def allow(tokens: "TeacherTokens") -> None:
            taught.append(cost.estimate_teacher(price, tokens.input, tokens.output))
            refusal = wanted.limits.refusal(cost.total(*taught))
            if refusal is not None:
                raise TeacherRefused("cost_limit_exceeded", refusal)

        return TeacherWriter(
            ask,
            model=f"{provider.base_url} {model}",
            cache_url=f"{self._tools.artifacts_url}/{job.tenant}/{TEACHER_CACHE}",
            settings=wanted.settings,
            consent=job.consent,
            allow=allow,
            count=counter.count,
            patience=Patience(total=_PATIENCE_SECONDS),
        )


def _priced(job: Job, built: _Built, limits: _Limits) -> Step:
    """What the job will cost is told, and judged, before anything is uploaded."""
    dataset = built.dataset
    runs = cost.epochs(job.hyperparameters.get("n_epochs"), dataset.examples)
    training = cost.estimate(job.base_model, dataset.tokens, runs, job.options.get("price_per_million_tokens"))
    whole = cost.total(training, *built.taught)
    priced = replace(job, estimated_cost_usd=whole.usd if whole else None)
    step = steps.after_snapshot(priced, dataset, records.now())
    refusal = limits.refusal(whole)
    if refusal is not None and not states.is_final(step.job):
        seen = replace(priced, dataset=dataset)
        return steps.ended(states.fail(seen, "cost_limit_exceeded", refusal, records.now()))
    words = f"About ${whole.usd:,.2f}: {whole.words}." if whole else "What it will cost is not known here."
    return Step(step.job, (*step.events, ("cost", words)) if step.again is not None else step.events, step.again)
