"""Waiting until every live replica has applied a change, and who counts as one."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from gateway.following import Follower
from gateway.replicas import Replica, acknowledged
from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store, Write

FORGET_MS = 3_600_000


@pytest.fixture
async def quick(store: Store) -> AsyncIterator[str]:
    """A replica that beats and has applied everything."""
    await store.beat("rep_quick", 9, "1", FORGET_MS)
    yield "rep_quick"


async def seen(store: Store, replica: str, revision: int, seconds_ago: float) -> None:
    """A replica that was last seen a while ago."""
    seconds, micros = await cast("Any", store.redis.time())
    at = seconds * 1000 + micros // 1000 - int(seconds_ago * 1000)
    await cast("Any", store.redis.hset(keys.REPLICAS, replica, f"{revision} {at} 1"))


async def test_with_no_replica_nobody_has_it(store: Store) -> None:
    state = await acknowledged(store, 9, seconds=0.2)
    assert (state.replicas, state.acknowledged, state.unreachable) == (1, 0, 0)  # whoever asks is one


async def test_replicas_that_have_it_are_not_waited_for(store: Store, quick: str) -> None:
    await store.beat("rep_ahead", 12, "1", FORGET_MS)
    state = await acknowledged(store, 9)
    assert (state.replicas, state.acknowledged, state.unreachable) == (2, 2, 0)
    assert state.milliseconds < 500


async def test_it_waits_for_the_slow_one(store: Store, quick: str) -> None:
    await store.beat("rep_slow", 8, "1", FORGET_MS)
    waiting = asyncio.create_task(acknowledged(store, 9))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await store.beat("rep_slow", 9, "1", FORGET_MS)
    state = await waiting
    assert (state.replicas, state.acknowledged) == (2, 2)
    assert state.milliseconds >= 300


async def test_it_gives_up_and_says_how_many_have_it(store: Store, quick: str) -> None:
    await store.beat("rep_stuck", 8, "1", FORGET_MS)
    begun = time.monotonic()
    state = await acknowledged(store, 9, seconds=0.4)
    assert 0.4 <= time.monotonic() - begun < 1.5
    assert (state.replicas, state.acknowledged, state.unreachable) == (2, 1, 0)


async def test_dead_ones_are_not_waited_for_but_counted(store: Store, quick: str) -> None:
    await seen(store, "rep_silent", 3, 2.5)
    await seen(store, "rep_silent_but_ahead", 9, 500)
    await seen(store, "rep_long_gone", 3, 601)
    state = await acknowledged(store, 9)
    assert (state.replicas, state.acknowledged, state.unreachable) == (1, 1, 2)
    assert state.milliseconds < 500


async def test_a_clock_that_has_gone_back_makes_nobody_live(store: Store, quick: str) -> None:
    """After a failover to a server whose clock is behind."""
    await seen(store, "rep_dead", 3, -30)
    state = await acknowledged(store, 9)
    assert (state.replicas, state.acknowledged, state.unreachable) == (1, 1, 1)


async def test_one_that_falls_silent_meanwhile_is_waited_for_no_longer(store: Store, quick: str) -> None:
    await seen(store, "rep_dying", 8, 1.6)
    state = await acknowledged(store, 9)
    assert (state.replicas, state.acknowledged, state.unreachable) == (1, 1, 1)
    assert 300 < state.milliseconds < 1500


async def test_one_that_left_by_its_own_word_is_not_counted(store: Store, quick: str) -> None:
    await store.beat("rep_leaving", 8, "1", FORGET_MS)
    await store.forget("rep_leaving")
    state = await acknowledged(store, 9)
    assert (state.replicas, state.acknowledged, state.unreachable) == (1, 1, 0)


async def test_a_replica_beats_once_it_is_loaded_and_says_what_it_has_applied_at_once(store: Store) -> None:
    routes = Routes(Keyring((b"k" * 32,)), None, time.time)
    replica = Replica(store, "0.1.0")
    follower = Follower(store, routes, replica.beat)
    beating = asyncio.create_task(replica.run(follower.loaded, follower.changed, lambda: routes.revision))
    following: asyncio.Task[None] | None = None
    try:
        done, _ = await asyncio.wait({beating}, timeout=0.2)
        assert not done
        assert await store.census() == []  # not one to wait for before it serves

        following = asyncio.create_task(follower.run())
        await asyncio.wait_for(follower.loaded.wait(), 5)
        async with asyncio.timeout(5):
            while not await store.census():  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.005)
        for number in range(10):
            committed = await store.commit([Write(keys.KEYS, f"k{number}", None, _key(number))])
            state = await acknowledged(store, committed.revision)
            assert (state.replicas, state.acknowledged) == (1, 1)
            assert state.milliseconds < 400  # faster than its next regular beat
        [mine] = await store.census()
        assert (mine.id, mine.version) == (replica.id, "0.1.0")
        await replica.leave()
        assert replica.id not in {other.id for other in await store.census() if other.age_ms > 500}
    finally:
        for task in (beating, following):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def _key(number: int) -> bytes:
    return b'{"id":"k%d","sha256":"%064d","role":"caller","created_at":"2026-11-22T12:00:00.000Z"}' % (number, number)
