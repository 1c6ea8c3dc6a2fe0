"""What calls learn of a job that is ready, written to it behind them: once, also when the store was away meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from finetune import records, states
from finetune.records import Stored
from finetune.values import Job
from finetune.warnings import JobWarnings
from gateway.store.connection import Store, StoreUnavailable
from tests.support.jobs import job_value
from tests.support.redis import stoppable

TENANT = "acme"


@contextlib.asynccontextmanager
async def writing(store: Store) -> AsyncIterator[JobWarnings]:
    """A writer at work."""
    warnings = JobWarnings(store)
    task = asyncio.create_task(warnings.run())
    try:
        yield warnings
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def made(store: Store, job_id: str) -> Job:
    job = job_value(id=job_id, status="ready", fine_tuned_model="ft:1")
    await store.commit(records.creation(job))
    return job


async def loaded(store: Store, job_id: str) -> Stored:
    stored = await records.load(store, TENANT, job_id)
    assert stored is not None
    return stored


async def warned(store: Store, job_id: str) -> list[tuple[str, str]]:
    """The job's warnings, once it has ours; a store that is away is waited for."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreUnavailable):
                found = [(warning.code, warning.message) for warning in (await loaded(store, job_id)).job.warnings]
                if "model_refused" in dict(found):
                    return found
            await asyncio.sleep(0.02)


async def test_a_refused_model_is_written_to_its_job_and_its_timeline(store: Store) -> None:
    await made(store, "job_1")
    async with writing(store) as warnings:
        warnings.model_refused(TENANT, "job_1", "ft:1")
        [(code, message)] = await warned(store, "job_1")
    assert code == "model_refused"
    assert "ft:1" in message
    job = (await loaded(store, "job_1")).job
    assert (job.status, job.fine_tuned_model) == ("ready", "ft:1"), "nothing else is another"
    events, _ = await records.timeline(store, "job_1", 10, None)
    assert [(event.kind, event.message) for event in events] == [("warning", message)]


async def test_however_often_it_is_put_it_stands_once(store: Store) -> None:
    for number in range(3):
        await made(store, f"job_{number}")
    async with writing(store) as warnings:
        for _ in range(2):
            for number in range(3):
                warnings.model_refused(TENANT, f"job_{number}", "ft:1")
            for number in range(3):
                assert len(await warned(store, f"job_{number}")) == 1
        await made(store, "job_last")
        warnings.model_refused(TENANT, "job_0", "ft:1")
        warnings.model_refused(TENANT, "job_last", "ft:1")
        await warned(store, "job_last")  # so what was put before it is done too
    for number in range(3):
        events, _ = await records.timeline(store, f"job_{number}", 10, None)
        assert len(events) == 1


async def test_another_replica_that_warns_too_adds_none(store: Store) -> None:
    await made(store, "job_1")
    async with writing(store) as one, writing(store) as other:
        one.model_refused(TENANT, "job_1", "ft:1")
        other.model_refused(TENANT, "job_1", "ft:1")
        await made(store, "job_2")
        await made(store, "job_3")
        one.model_refused(TENANT, "job_2", "ft:1")
        other.model_refused(TENANT, "job_3", "ft:1")
        for job_id in ("job_2", "job_3", "job_1"):
            assert len(await warned(store, job_id)) == 1
    events, _ = await records.timeline(store, "job_1", 10, None)
    assert len(events) == 1


async def test_a_warning_joins_those_that_stand(store: Store) -> None:
    await made(store, "job_1")
    stored = await loaded(store, "job_1")
    await records.save(store, stored, states.warn(stored.job, "another", "Words."))
    async with writing(store) as warnings:
        warnings.model_refused(TENANT, "job_1", "ft:1")
        assert [code for code, _ in await warned(store, "job_1")] == ["another", "model_refused"]


async def test_a_job_that_is_gone_is_passed_over(store: Store) -> None:
    await made(store, "job_1")
    async with writing(store) as warnings:
        warnings.model_refused(TENANT, "job_gone", "ft:1")
        warnings.model_refused(TENANT, "job_1", "ft:1")
        assert await warned(store, "job_1")
    assert await records.load(store, TENANT, "job_gone") is None


@pytest.mark.parametrize("jobs", [1, 3])
async def test_what_is_put_while_the_store_is_away_is_written_when_it_is_back(tmp_path: Path, jobs: int) -> None:
    with stoppable(tmp_path) as redis:
        store = Store(redis.url)
        try:
            for number in range(jobs):
                await made(store, f"job_{number}")
            redis.stop()
            async with writing(store) as warnings:
                for number in range(jobs):
                    warnings.model_refused(TENANT, f"job_{number}", "ft:1")
                redis.start()
                for number in range(jobs):
                    assert len(await warned(store, f"job_{number}")) == 1
        finally:
            await store.close()
