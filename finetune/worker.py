"""Runs the ticks: pydocket gives at-least-once, leases and redelivery; the jobs' own records give the truth.

A tick puts the next one on the schedule; `seed` puts one there for any live job that has none.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from docket import Docket, Perpetual, Worker
from docket.execution import ExecutionState
from msgspec import Struct

from finetune import leaving, records
from finetune.manager import Manager
from gateway.store import keys
from gateway.store.address import connect
from gateway.store.connection import Store, StoreUnavailable, translated

log = structlog.get_logger(__name__)

_REDELIVER = timedelta(seconds=5)
_RESOLUTION = timedelta(milliseconds=100)
_SEED_EVERY = timedelta(seconds=5)
_CONCURRENT = 8
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_AGAIN_AFTER_BUG = 30.0


def _nothing() -> None:
    """There is nothing to do."""


class Daily(Struct, frozen=True):
    """What is done once a day, by one of the workers. `name` is docket's; `stop` breaks off what takes long in it."""

    name: str
    work: Callable[[], Awaitable[None]]
    stop: Callable[[], None] = _nothing


async def run(
    store: Store,
    manager: Manager,
    *,
    artifacts_url: str,
    daily: Sequence[Daily],
    until: asyncio.Event,
    answered: Callable[[], None] = _nothing,
) -> None:
    """Works until `until` is set; ticks under way are let finish, but what takes long in them is broken off.

    `answered` is called every second in which the store answers.
    """
    async with Docket(name=keys.DOCKET, url=store.url) as docket:
        tick = _tick_task(manager)
        docket.register(tick)
        docket.register(_seed_task(store, docket, tick, artifacts_url))
        for one in daily:
            docket.register(_daily_task(one))
        async with Worker(
            docket,
            concurrency=_CONCURRENT,
            redelivery_timeout=_REDELIVER,
            scheduling_resolution=_RESOLUTION,
            minimum_check_interval=_RESOLUTION,
            reconnection_delay=timedelta(seconds=1),
        ) as worker:
            working: asyncio.Task[Any] = asyncio.create_task(worker.run_forever())
            others: list[asyncio.Task[Any]] = [
                asyncio.create_task(_wake(store, docket, tick, answered)),
                asyncio.create_task(until.wait()),
            ]
            done, _ = await asyncio.wait([working, *others], return_when=asyncio.FIRST_COMPLETED)
            for stop in (manager.stop, *(one.stop for one in daily)):
                stop()
            for task in others:
                task.cancel()
            # The end of its block tells the worker to leave. A cancellation it would lose while Redis is away.
        await asyncio.gather(working, *others, return_exceptions=True)
        for task in done:
            task.result()


def _tick_task(manager: Manager) -> Callable[..., Any]:
    async def tick(tenant: str, job_id: str, perpetual: Perpetual = Perpetual()) -> None:  # noqa: B008 - docket's way
        try:
            again = await manager.tick(tenant, job_id)
        except StoreUnavailable as error:
            log.warning("tick_waits_for_the_store", job_id=job_id, cause=str(error))
            again = 1.0
        except Exception:
            log.exception("tick_failed", job_id=job_id, tenant=tenant)
            again = _AGAIN_AFTER_BUG
        if again is None:
            perpetual.cancel()
        else:
            perpetual.after(timedelta(seconds=again))

    return tick


def _seed_task(store: Store, docket: Docket, tick: Callable[..., Any], artifacts_url: str) -> Callable[..., Any]:
    async def seed(
        perpetual: Perpetual = Perpetual(every=_SEED_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        for tenant, job_id in await records.live(store):
            await docket.add(tick, key=_key(job_id))(tenant, job_id)
        await leaving.finish(store, artifacts_url)

    return seed


def _daily_task(one: Daily) -> Callable[..., Any]:
    async def daily(
        perpetual: Perpetual = Perpetual(every=_DAY, automatic=True),  # noqa: B008 - docket's way
    ) -> None:
        try:
            await one.work()
        except Exception as error:  # whatever it was, the next turn must come
            log.warning("daily_task_failed", task=one.name, exc_info=not isinstance(error, StoreUnavailable))
            perpetual.after(_HOUR)

    daily.__name__ = daily.__qualname__ = one.name
    return daily


async def _wake(store: Store, docket: Docket, tick: Callable[..., Any], answered: Callable[[], None]) -> None:
    """Ticks at once what somebody asked for: a new job, a refresh, a cancellation."""
    waiting = connect(store.url, blocking=True)
    try:
        while True:
            try:
                with translated():
                    asked = await cast("Any", waiting.blpop([keys.WAKE], 1))
            except StoreUnavailable:
                await asyncio.sleep(1)
                continue
            answered()
            if asked is not None:
                tenant, _, job_id = asked[1].decode().partition("/")
                await _tick_now(docket, tick, tenant, job_id)
    finally:
        with contextlib.suppress(Exception):  # a connection that is broken already
            await waiting.aclose()


async def _tick_now(docket: Docket, tick: Callable[..., Any], tenant: str, job_id: str) -> None:
    known = await docket.get_execution(_key(job_id))
    if known is not None and known.state is ExecutionState.RUNNING:
        return  # it is being looked at; a second tick beside it would only get in its way
    await docket.replace(tick, datetime.now(UTC), _key(job_id))(tenant, job_id)


def _key(job_id: str) -> str:
    return f"tick:{job_id}"
