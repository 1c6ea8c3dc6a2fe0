"""Data sets end with their time, unless their job is active; what teachers answered ends as late."""

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from finetune import records, retention
from finetune.values import Job
from gateway.store.rows import ActiveRow
from tests.support.jobs import Workshop, run

DAYS = 30
LONG_AGO = time.time() - (DAYS + 1) * 86400


def written(seconds: float) -> str:
    """The time as records have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def folder(workshop: Workshop, job: Job) -> Path:
    """The job's artifact."""
    return Path(urlsplit(workshop.artifacts_url).path) / job.tenant / job.id


async def over(workshop: Workshop, finished: float) -> Job:
    """A ready job that ended then."""
    job, _ = await workshop.new_job()
    await run(workshop.manager(), job)
    await workshop.change(job, finished_at=written(finished))
    return await workshop.load(job)


async def test_a_data_set_ends_with_its_time(workshop: Workshop) -> None:
    old, young = await over(workshop, LONG_AGO), await over(workshop, time.time())
    active = await over(workshop, LONG_AGO)
    await workshop.change_tenant(active, active=ActiveRow(active.id, 1.0, written(LONG_AGO), "key_1"))
    await retention.end(workshop.store, workshop.artifacts_url, DAYS)
    assert not folder(workshop, old).exists()
    assert folder(workshop, young).exists()
    assert folder(workshop, active).exists(), "somebody may have to answer for it"
    assert [(await workshop.load(job)).artifact_ended for job in (old, young, active)] == [True, False, False]
    events = (await records.timeline(workshop.store, old.id, 200, None))[0]
    assert events[-1].kind == "artifact_ended"
    await retention.end(workshop.store, workshop.artifacts_url, DAYS)
    assert len((await records.timeline(workshop.store, old.id, 200, None))[0]) == len(events), "it is told once"


async def test_what_a_teacher_answered_ends_as_late(workshop: Workshop) -> None:
    job = await over(workshop, time.time())
    cache = folder(workshop, job).parent / retention.TEACHER_CACHE
    cache.mkdir()
    for name, modified in (("old", LONG_AGO), ("young", time.time())):
        (cache / name).write_text("{}")
        os.utime(cache / name, (modified, modified))
    await retention.end(workshop.store, workshop.artifacts_url, DAYS)
    assert [path.name for path in cache.iterdir()] == ["young"]


@pytest.mark.parametrize("row", [b"not json", b'{"tenant": 5}'])
async def test_a_damaged_row_keeps_no_other_tenant_from_its_end(workshop: Workshop, row: bytes) -> None:
    from gateway.store import keys
    from gateway.store.connection import Write

    old = await over(workshop, LONG_AGO)
    await workshop.store.commit([Write(keys.TENANTS, "aaa-damaged", None, row)])
    await retention.end(workshop.store, workshop.artifacts_url, DAYS)
    assert not folder(workshop, old).exists()
