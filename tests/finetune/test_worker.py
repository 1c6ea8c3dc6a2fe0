"""Real workers on one Redis: killed in the middle, or two at once, they make every job once."""

import asyncio
from collections.abc import Awaitable, Callable

from finetune import records
from finetune.values import Job
from tests.support.jobs import Workshop
from tests.support.sandbox import CREATE, POLL, UPLOAD, Account


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 45) -> None:
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


async def test_a_worker_that_is_killed_loses_nothing_and_makes_nothing_twice(workshop: Workshop) -> None:
    """One job held in each state by its provider; the worker killed -9; another takes over."""
    uploading, creating, answered, training = jobs = [await workshop.new_job() for _ in range(4)]
    uploading[1].order("timeout_after", UPLOAD)  # done, and never answered
    creating[1].order("timeout_after", CREATE)
    answered[1].order("slow_first_byte", CREATE, seconds=30)
    training[1].order("status", POLL, times=None, status="running")

    async def held() -> bool:
        return (
            len(uploading[1].files()) == 1
            and len(creating[1].jobs()) == 1
            and len(answered[1].jobs()) == 1
            and (await workshop.load(training[0])).status == "training"
        )

    with workshop.worker() as first:
        await until(held, "every job held")
        first.kill()
    queued = await workshop.new_job()
    jobs.append(queued)
    statuses = [(await workshop.load(job)).status for job, _ in jobs]
    assert statuses == ["uploading", "uploading", "uploading", "training", "queued"]
    training[1].clear()
    with workshop.worker():
        await until(lambda: all_ready(workshop, jobs), "every job ready")
    for _, account in jobs:
        assert (len(account.jobs()), len(account.files())) == (1, 1)
        assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1


async def test_two_workers_share_four_jobs_and_make_each_once(workshop: Workshop) -> None:
    jobs = [await workshop.new_job() for _ in range(4)]
    with workshop.worker() as one, workshop.worker() as two:
        await until(lambda: all_ready(workshop, jobs), "every job ready")
        assert one.poll() is None
        assert two.poll() is None
    for job, account in jobs:
        assert (len(account.jobs()), len(account.files())) == (1, 1)
        assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1
        kinds = [event.kind for event in (await records.timeline(workshop.store, job.id, 100, None))[0]]
        assert kinds.count("ready") == kinds.count("training") == 1
