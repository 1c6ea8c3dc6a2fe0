"""Workers killed -9 at fifty moments that nobody chose: every job is made once, and every one is ready."""

import asyncio
import os
import random
import signal
import time

from finetune import records
from finetune.values import Job
from tests.support.jobs import Workshop
from tests.support.nursery import nursery
from tests.support.sandbox import Account

KILLS = 50
AT_LEAST_LIVE = 4


async def statuses(workshop: Workshop, jobs: list[tuple[Job, Account]]) -> list[str]:
    """Of every job; none may end otherwise than `ready`."""
    found = [await workshop.load(job) for job, _ in jobs]
    assert not [job.error for job in found if job.status in ("failed", "cancelled")]
    return [job.status for job in found]


async def ticked(workshop: Workshop, jobs: list[tuple[Job, Account]], since: float) -> None:
    """Waits until somebody has looked at one of the jobs."""
    async with asyncio.timeout(300):
        while True:
            found = [await workshop.load(job) for job, _ in jobs]
            if any(job.checked_at > since for job in found):
                return
            await asyncio.sleep(0.02)


async def test_fifty_kills_at_random_moments_make_no_job_twice(workshop: Workshop) -> None:
    """One worker at a time, killed within a second and a half of its first tick, with jobs in every state."""
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)  # noqa: S311 - no secret
    jobs: list[tuple[Job, Account]] = []
    with nursery(workshop.environ(), workshop.log) as workers:
        for _ in range(KILLS):
            live = [status for status in await statuses(workshop, jobs) if status != "ready"]
            jobs += [await workshop.new_job() for _ in range(max(0, AT_LEAST_LIVE - len(live)))]
            began = time.time()
            with workers.worker() as pid:
                await ticked(workshop, jobs, began)
                await asyncio.sleep(chance.uniform(0, 1.5))  # the moment is the test
                os.kill(pid, signal.SIGKILL)
    with workshop.worker():
        async with asyncio.timeout(300):
            while set(await statuses(workshop, jobs)) != {"ready"}:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.1)
    for job, account in jobs:
        kinds = [event.kind for event in (await records.timeline(workshop.store, job.id, 200, None))[0]]
        assert (len(account.jobs()), kinds.count("training"), kinds.count("ready")) == (1, 1, 1), f"seed {seed}"
