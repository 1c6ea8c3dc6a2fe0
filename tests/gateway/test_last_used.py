"""When a key was last used: the latest of all replicas, kept over an outage, gone with its key."""

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import last_used, timestamps
from gateway.last_used import LastUsed
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable, Write
from tests.support.redis import stoppable

NOW = 1_795_000_000.25  # seconds since the epoch, before any test runs


async def make_keys(store: Store, *ids: str) -> None:
    """Rows for keys; what is in them does not matter here."""
    await store.commit([Write(keys.KEYS, key_id, None, b"{}") for key_id in ids])


async def used(store: Store, key_id: str) -> str | None:
    """When a key was last used."""
    return (await last_used.read(store, [key_id])).get(key_id)


async def test_it_is_read_as_it_was_seen(store: Store) -> None:
    await make_keys(store, "key_a", "key_b")
    seen = LastUsed(store)
    seen.seen("key_a", NOW)
    assert await used(store, "key_a") is None
    await seen.flush()
    assert await last_used.read(store, ["key_b", "key_a"]) == {"key_a": timestamps.from_seconds(NOW)}
    assert await last_used.read(store, []) == {}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.floats(NOW - 1000, NOW), min_size=1, max_size=8))
async def test_the_latest_of_all_replicas_counts(store: Store, times: list[float]) -> None:
    await store.redis.flushall()
    await store.redis.hset(keys.table(keys.KEYS), "key_a", b"1 {}")
    replicas = [LastUsed(store) for _ in times]
    for replica, when in zip(replicas, times, strict=True):
        replica.seen("key_a", when)
    for replica in replicas:
        await replica.flush()
    assert await used(store, "key_a") == timestamps.from_milliseconds(int(max(times) * 1000))


async def test_a_clock_that_is_ahead_is_not_believed(store: Store) -> None:
    await make_keys(store, "key_a")
    seen = LastUsed(store)
    seen.seen("key_a", time.time() + 86_400)
    await seen.flush()
    shown = await used(store, "key_a")
    assert shown is not None
    assert timestamps.to_seconds(shown) <= time.time() + 1


async def test_what_has_no_row_is_passed_over(store: Store) -> None:
    """The operator's own admin key has none, and a key that was revoked meanwhile has none any more."""
    seen = LastUsed(store)
    seen.seen("key_bootstrap", NOW)
    await seen.flush()
    assert await cast("Any", store.redis.hlen(keys.LAST_USED)) == 0


async def test_a_revoked_key_is_forgotten(store: Store) -> None:
    await make_keys(store, "key_a")
    seen = LastUsed(store)
    seen.seen("key_a", NOW)
    await seen.flush()
    await last_used.forget(store, "key_a")
    assert await used(store, "key_a") is None


async def test_more_than_a_batch_is_written(store: Store) -> None:
    ids = [f"key_{number:05}" for number in range(2500)]
    for start in range(0, len(ids), 500):
        await make_keys(store, *ids[start : start + 500])
    seen = LastUsed(store)
    for key_id in ids:
        seen.seen(key_id, NOW)
    await seen.flush()
    assert len(await last_used.read(store, ids)) == len(ids)


async def test_what_is_written_is_not_written_again(store: Store) -> None:
    await make_keys(store, "key_a")
    seen = LastUsed(store)
    seen.seen("key_a", NOW)
    await seen.flush()
    await last_used.forget(store, "key_a")
    await seen.flush()
    assert await used(store, "key_a") is None


async def test_it_is_written_behind(store: Store) -> None:
    await make_keys(store, "key_a")
    seen = LastUsed(store, seconds=0.01)
    seen.seen("key_a", NOW)
    task = asyncio.create_task(seen.run())
    try:
        async with asyncio.timeout(10):
            while await used(store, "key_a") is None:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_outage_loses_nothing(tmp_path: Path) -> None:
    with stoppable(tmp_path) as redis:
        store = Store(redis.url)
        try:
            await make_keys(store, "key_a", "key_b")
            seen = LastUsed(store, seconds=0.01)
            seen.seen("key_a", NOW)
            redis.stop()
            with pytest.raises(StoreUnavailable):
                await seen.flush()
            task = asyncio.create_task(seen.run())
            seen.seen("key_b", NOW)
            await asyncio.to_thread(redis.start)
            async with asyncio.timeout(10):
                while not await _both(store):  # noqa: ASYNC110 - a test's only waiting
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        finally:
            await store.close()


async def _both(store: Store) -> bool:
    try:
        return len(await last_used.read(store, ["key_a", "key_b"])) == 2
    except StoreUnavailable:
        return False
