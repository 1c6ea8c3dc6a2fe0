"""The steps at the provider: upload, look the job up or make it, follow it, tidy up. What they decide is in `steps.py`.

Nothing is made here before it was looked for, and nothing is made by anybody whose claim was not saved.
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from msgspec import Struct
from msgspec.structs import replace

from finetune import curves, records, states, steps
from finetune.backends.base import Backend, Order, ProviderEvent, ProviderJob, Refused, TryAgain
from finetune.curves import Point
from finetune.dataset import open_train, open_validation
from finetune.steps import Step
from finetune.ticking import Tick, Tools
from finetune.values import Job
from gateway.store.connection import Write

_STALE_CLAIM_SECONDS = 5.0


class Stepped(Struct, frozen=True):
    """A step, and what is to be written with it."""

    step: Step
    also: tuple[Write, ...] = ()


async def uploading(tools: Tools, tick: Tick) -> Step:
    """Uploads, or finds what was uploaded; then makes the provider's job, or finds it."""
    job = tick.job
    async with tools.backend(tick) as backend:
        if job.training_file_id is None or (_validates(job) and job.validation_file_id is None):
            return await _one_file(tools, backend, job)
        made = await backend.find_job(job.uid)
        if made is not None:
            return steps.adopted(job, made, records.now())
        settling = steps.settling(job, time.time())
        if settling:
            return Step(job, again=settling)
        if tick.ending:
            return steps.end(job, tick.ending, records.now())
        return await _create(tools, tick, backend)


async def training(tools: Tools, tick: Tick) -> Stepped:
    """Asks the provider for the job, and takes over all that it tells."""
    job, ending = tick.job, tick.ending
    assert job.provider_job_id is not None  # noqa: S101 - `training` follows its creation
    async with tools.backend(tick) as backend:
        if ending:
            await backend.cancel(job.provider_job_id)
        told = await backend.job(job.provider_job_id)
        news = await backend.events(job.provider_job_id, job.seen_event)
        usable = told.phase == "succeeded" and bool(
            told.fine_tuned_model and await backend.is_usable(told.fine_tuned_model),
        )
        if usable:
            job, results = await _extras(backend, job, told)
        else:
            results = []
    step = steps.after_poll(job, told, usable=usable, poll_seconds=tools.poll_seconds, now=records.now(), ending=ending)
    if not states.is_final(step.job) and tick.overdue > steps.ENDING_SECONDS:
        step = steps.end(step.job, "deadline_exceeded", records.now())
    also = await _curve(tools, job, news, results)
    await _report(tools, step.job, news)
    return Stepped(steps.with_news(step, news), also)


async def tidying(tools: Tools, tick: Tick) -> Step:
    """Deletes what was uploaded for a job that is over. What cannot be deleted is said, and left."""
    job = tick.job
    try:
        async with tools.backend(tick) as backend:
            for file_id in steps.uploaded(job):
                await backend.delete_file(file_id)
    except Refused as refused:
        return steps.tidied(job, refused.message)
    except TryAgain as failure:
        if steps.seconds_since(job.finished_at or job.updated_at, time.time()) > steps.TIDY_SECONDS:
            return steps.tidied(job, failure.message)
        raise
    return steps.tidied(job)


async def _one_file(tools: Tools, backend: Backend, job: Job) -> Step:
    """Uploads the next file that is not there yet; a data set that is not the recorded one is built again."""
    assert job.dataset is not None  # noqa: S101 - `uploading` follows a snapshot
    which, opened, digest = "training", open_train, job.dataset.sha256
    if job.training_file_id is not None:
        which, opened, digest = "validation", open_validation, job.dataset.validation_sha256 or ""
    file_id = await _uploaded(backend, tools.artifact(job), opened, digest, f"{job.uid}-{digest}.jsonl")
    if file_id is None:
        words = f"The {which} file is not the one that was recorded; it is built again."
        again = replace(states.move(job, "snapshotting", records.now()), training_file_id=None, validation_file_id=None)
        return Step(again, (("snapshotting", words),))
    field = {"training": "training_file_id", "validation": "validation_file_id"}[which]
    after = replace(job, updated_at=records.now(), failures=0, **{field: file_id})
    return Step(after, (("uploaded", f"The {which} file is {file_id} at the provider."),))


async def _uploaded(
    backend: Backend, folder: str, opened: Callable[[str], IO[bytes]], digest: str, name: str
) -> str | None:
    """The file's id at the provider; None where the artifact is not what the job says it is trained on."""
    with tempfile.TemporaryDirectory(prefix="housestyle-") as directory:
        file = Path(directory) / name
        if await asyncio.to_thread(_fetch, opened, folder, file) != digest:
            return None
        found = await backend.find_file(name, file.stat().st_size)
        return found or await backend.upload(name, file)


async def _create(tools: Tools, tick: Tick, backend: Backend) -> Step:
    """Only who saves the claim sets out to create: two ticks at once cannot make two jobs."""
    claimed = replace(tick.job, claimed_at=time.time())
    tick.stored = await records.save(tools.store, tick.stored, claimed)
    if time.time() - claimed.claimed_at > _STALE_CLAIM_SECONDS:
        return Step(claimed)  # this process was frozen in between; another may have taken over
    assert claimed.training_file_id is not None  # noqa: S101 - what was uploaded before
    order = Order(
        claimed.uid,
        claimed.base_model,
        claimed.training_file_id,
        claimed.hyperparameters,
        steps.seed_of(claimed.options),
        claimed.validation_file_id,
    )
    try:
        made = await backend.create_job(order)
    except TryAgain as failure:
        kept = steps.after_failed_create(claimed, failure, time.time())
        tick.stored = await records.save(tools.store, tick.stored, kept)
        raise
    return steps.adopted(claimed, made, records.now())


async def _extras(backend: Backend, job: Job, told: ProviderJob) -> tuple[Job, list[Point]]:
    """Checkpoints and result files of a job that is done. They are tried for, and their want holds no model back."""
    assert job.provider_job_id is not None  # noqa: S101 - it is being polled
    try:
        kept = await backend.checkpoints(job.provider_job_id)
        results = await backend.results(told.result_files)
    except (TryAgain, Refused) as failure:
        if isinstance(failure, TryAgain) and job.failures < steps.EXTRA_TRIES:
            raise
        words = f"The provider's checkpoints or result files could not be had: {failure.message}"
        return states.warn(job, "results_missing", words), []
    return replace(job, checkpoints=tuple(one for one in kept if one.model != told.fine_tuned_model)), results


async def _curve(tools: Tools, job: Job, news: list[ProviderEvent], results: list[Point]) -> tuple[Write, ...]:
    """The write that takes what was measured into the job's curve; nothing where nothing was."""
    measured = [one.point for one in news if one.point is not None]
    if not measured and not results:
        return ()
    known, row = await records.curve(tools.store, job.tenant, job.id)
    return (records.curve_write(job, row, curves.merged(known, measured, results)),)


async def _report(tools: Tools, job: Job, news: list[ProviderEvent]) -> None:
    if states.is_final(job):
        await records.report(tools.store, job.id, None)
        return
    for one in reversed(news):
        told = curves.steps_told(one.message)
        if one.point is not None and told is not None:
            await records.report(tools.store, job.id, records.Progress("training", *told))
            return


def _validates(job: Job) -> bool:
    return job.dataset is not None and job.dataset.validation_examples > 0


def _fetch(opened: Callable[[str], IO[bytes]], folder: str, file: Path) -> str:
    """Copies one of a data set's files; its SHA-256 in hex."""
    digest = hashlib.sha256()
    with opened(folder) as source, file.open("wb") as target:
        while block := source.read(1 << 20):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()
