"""Real workers on one Redis: killed in the middle, or two at once, they make every job once."""

import asyncio
from collections.abc import Awaitable, Callable

from finetune import records
from finetune.values import Job
from tests.support.jobs import Workshop
from tests.support.sandbox import CREATE, POLL, UPLOAD, Account
from tests.support.vaults import write_vault

DELETE = {"method": "DELETE", "path": "/v1/files/*"}


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 180) -> None:
    """Polls, with a deadline."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what} did not come true") from None


async def all_ready(workshop: Workshop, jobs: list[tuple[Job, Account]]) -> bool:
    """Whether every job is ready; none may end otherwise."""
    statuses = [(await workshop.load(job)).status for job, _ in jobs]
    assert not {"failed", "cancelled"} & set(statuses), statuses
    return set(statuses) == {"ready"}


async def none_live(workshop: Workshop) -> bool:
    """Whether nothing is left to do for any job."""
    return await records.live(workshop.store) == []


async def test_a_worker_that_is_killed_loses_nothing_and_makes_nothing_twice(workshop: Workshop) -> None:
    """One job held in each state, by its provider or a large Vault; the worker killed -9; another takes over."""
    uploading, creating, answered, training, tidying = jobs = [await workshop.new_job() for _ in range(5)]
    uploading[1].order("timeout_after", UPLOAD)  # done, and never answered
    creating[1].order("timeout_after", CREATE)
    answered[1].order("slow_first_byte", CREATE, seconds=30)
    training[1].order("status", POLL, times=None, status="running")
    tidying[1].order("timeout_after", DELETE)

    async def held() -> bool:
        return (
            len(uploading[1].files()) == 1
            and len(creating[1].jobs()) == 1
            and len(answered[1].jobs()) == 1
            and (await workshop.load(training[0])).status == "training"
            and len(tidying[1].calls("DELETE")) == 1
        )

    async def reading() -> bool:
        return snapshotting[0].id in await records.progress(workshop.store, [snapshotting[0].id])

    with workshop.worker() as first:
        await until(held, "every job held")
        write_vault(workshop.vault, 20_000)  # seconds' work for any machine, so that it is seen at
        jobs.append(snapshotting := await workshop.new_job())
        await until(reading, "its Vault being read")
        first.kill()
    write_vault(workshop.vault, 20)
    jobs.append(await workshop.new_job())
    statuses = [(await workshop.load(job)).status for job, _ in jobs]
    assert statuses == ["uploading", "uploading", "uploading", "training", "ready", "snapshotting", "queued"]
    training[1].clear()
    with workshop.worker():
        await until(lambda: all_ready(workshop, jobs), "every job ready")
        await until(lambda: none_live(workshop), "every file deleted")
    for _, account in jobs:
        assert (len(account.jobs()), len(account.files())) == (1, 0)
        assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1
        assert len(account.calls("POST", "/v1/files")) == 1


async def test_two_workers_share_four_jobs_and_make_each_once(workshop: Workshop) -> None:
    jobs = [await workshop.new_job() for _ in range(4)]
    with workshop.worker() as one, workshop.worker() as two:
        await until(lambda: all_ready(workshop, jobs), "every job ready")
        assert one.poll() is None
        assert two.poll() is None
    for job, account in jobs:
        assert len(account.jobs()) == 1
        assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1
        kinds = [event.kind for event in (await records.timeline(workshop.store, job.id, 100, None))[0]]
        assert kinds.count("ready") == kinds.count("training") == 1
