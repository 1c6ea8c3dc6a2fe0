"""The figures of retiring models, read from a real store: active jobs only, the nearest hundred, counts of all."""

from collections.abc import Iterator

import msgspec
import pytest

from gateway.job_figures import JobFigures
from gateway.metrics import Metrics
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import ActiveRow, TenantRow
from tests.gateway.test_metrics import figures

NOW = 1_800_000_000.0
DAY = 86400.0


class Index:
    """A store with jobs whose models end, and what the metrics show of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.metrics = Metrics("1", 500, {})
        self.figures = JobFigures(store, self.metrics.jobs, lambda: NOW)

    async def tenant(self, name: str, active: str | None, **ends: float) -> None:
        """A tenant with ready jobs, by the days that their models have left."""
        row = ActiveRow(active, 1.0, "2026-11-22T12:00:00Z", "key_1") if active else None
        tenant = TenantRow(name, "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", active=row)
        await self.store.commit([Write(keys.TENANTS, name, None, msgspec.json.encode(tenant))])
        for job_id, days in ends.items():
            await self.store.redis.zadd(keys.RETIRING, {keys.job_member(name, job_id): NOW + days * DAY})

    async def shown(self) -> tuple[dict[str, float], dict[str, float]]:
        """Job → days; within → jobs."""
        await self.figures.read()
        found = figures(self.metrics.exposition())
        days = {name.split('"')[1]: value for name, value in found.items() if name.startswith("housestyle_model_ret")}
        jobs = {name.split('"')[1]: value for name, value in found.items() if name.startswith("housestyle_jobs_ret")}
        return days, jobs


@pytest.fixture
def index(store: Store) -> Iterator[Index]:
    """An empty one."""
    yield Index(store)


async def test_nothing_retires(index: Index) -> None:
    assert await index.shown() == ({}, {"90": 0, "30": 0, "7": 0})


async def test_only_active_jobs_have_a_line_and_all_ready_ones_are_counted(index: Index) -> None:
    await index.tenant("acme", "job_1", job_1=46.5, job_2=3)
    await index.tenant("bard", None, job_3=20)
    await index.tenant("cole", "job_4", job_4=91)
    await index.tenant("dent", "job_5", job_5=-2)
    await index.store.redis.zadd(keys.RETIRING, {"gone/job_6": NOW + DAY})
    await index.store.commit([Write(keys.TENANTS, "bent", None, b'{"tenant":"bent","active":7}')])
    await index.store.redis.zadd(keys.RETIRING, {"bent/job_7": NOW + DAY})
    days, jobs = await index.shown()
    assert days == {"job_1": 46.5, "job_5": -2}
    assert jobs == {"90": 5, "30": 4, "7": 3}


async def test_a_change_of_the_active_job_shows_in_the_next_minute(index: Index) -> None:
    await index.tenant("acme", "job_1", job_1=46, job_2=3)
    assert (await index.shown())[0] == {"job_1": 46}
    row = await index.store.row(keys.TENANTS, "acme")
    stock = TenantRow("acme", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z")
    await index.store.commit([Write(keys.TENANTS, "acme", row, msgspec.json.encode(stock))])
    assert (await index.shown())[0] == {}


async def test_the_hundred_that_end_first(index: Index) -> None:
    for number in range(130):
        name = f"firm-{number:03}"
        await index.tenant(name, f"job_{number}", **{f"job_{number}": 10 + number / 10, f"other_{number}": 5})
    days, jobs = await index.shown()
    assert set(days) == {f"job_{number}" for number in range(100)}
    assert jobs == {"90": 260, "30": 260, "7": 130}


async def test_jobs_by_status(index: Index) -> None:
    """Those that are under way as they stand, those that have ended as they were counted."""
    for job_id, status in (("job_1", "training"), ("job_2", "training"), ("job_3", "queued")):
        live = Write(keys.LIVE_JOBS, job_id, None, b"acme")
        body = msgspec.json.encode({"id": job_id, "status": status})
        await index.store.commit([Write(keys.jobs_of("acme"), job_id, None, body), live])
    await index.store.commit([Write(keys.LIVE_JOBS, "job_4", None, b"gone")])
    await index.store.redis.hset(keys.ENDED_JOBS, mapping={"ready": 5, "failed": 2})
    await index.figures.read()
    found = figures(index.metrics.exposition())
    states = {name.split('"')[1]: value for name, value in found.items() if name.startswith("housestyle_jobs{")}
    others = {"snapshotting": 0, "uploading": 0, "cancelled": 0}
    assert states == {**others, "training": 2, "queued": 1, "ready": 5, "failed": 2}
