"""Following the change stream: what a replica knows is what the store has, whatever happens in between."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from gateway.following import Follower, StoreState
from gateway.replicas import Replica
from gateway.routing import Routes
from gateway.secrets import Keyring, fingerprint
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import KeyRow, TenantRow
from tests.support.redis import stoppable

NOW = "2026-11-22T12:00:00.000Z"


def new_routes() -> Routes:
    """Routes that know nothing yet."""
    return Routes(Keyring((b"k" * 32,)), None, time.time)


async def put_tenant(store: Store, tenant: str, /, **changes: Any) -> int:
    """Makes or changes a tenant; the change's revision."""
    row = await store.row(keys.TENANTS, tenant)
    after = TenantRow(tenant, created_at=NOW, updated_at=NOW, **changes)
    return (await store.commit([Write(keys.TENANTS, tenant, row, msgspec.json.encode(after))])).revision


async def put_key(store: Store, key: str) -> int:
    """Makes a caller's key whose id is the key itself."""
    row = KeyRow(key, fingerprint(key), "caller", NOW, tenant="acme")
    return (await store.commit([Write(keys.KEYS, key, None, msgspec.json.encode(row))])).revision


async def revoke(store: Store, key: str) -> int:
    """Revokes a key."""
    row = await store.row(keys.KEYS, key)
    return (await store.commit([Write(keys.KEYS, key, row, None)])).revision


@contextlib.asynccontextmanager
async def following(store: Store, routes: Routes, *, loaded: bool = False) -> AsyncIterator[Follower]:
    """A follower at work, loaded; or that of routes which were `loaded` before."""
    follower = Follower(store, routes, Replica(store, "1").beat)
    if loaded:
        follower.loaded.set()
    task = asyncio.create_task(follower.run())
    try:
        await asyncio.wait_for(follower.loaded.wait(), 10)
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def applied(routes: Routes, revision: int, seconds: float = 10) -> None:
    """Returns once `revision` is applied."""
    async with asyncio.timeout(seconds):
        while routes.revision < revision:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.005)


async def test_what_is_there_is_loaded(store: Store) -> None:
    await put_tenant(store, "acme", rule="all")
    await put_tenant(store, "gone", deleted=True)
    revision = await put_key(store, "hs_one")
    routes = new_routes()
    async with following(store, routes) as follower:
        assert routes.revision == revision
        acme = routes.tenant("acme")
        assert acme is not None
        assert acme.route.rule == "all"
        assert routes.tenant("gone") is None
        assert routes.caller("hs_one") is not None
        assert follower.state is StoreState.CONNECTED


async def test_changes_are_followed_in_order(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        follower.changed.clear()
        await put_tenant(store, "acme")
        await applied(routes, await put_key(store, "hs_one"))
        assert routes.tenant("acme") is not None
        assert routes.caller("hs_one") is not None
        assert follower.changed.is_set()

        await put_tenant(store, "acme", suspended=True)
        await applied(routes, await revoke(store, "hs_one"))
        acme = routes.tenant("acme")
        assert acme is not None
        assert acme.suspended
        assert routes.caller("hs_one") is None

        await applied(routes, await put_tenant(store, "acme", deleted=True))
        assert routes.tenant("acme") is None


async def test_a_change_is_applied_within_milliseconds(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes):
        await put_tenant(store, "acme")
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            await applied(routes, await put_tenant(store, "acme"))
            took.append(time.perf_counter() - begun)
        assert sorted(took)[len(took) // 2] < 0.1


async def test_a_hole_in_the_stream_means_a_reload(store: Store) -> None:
    """Changes that were trimmed before they were read: made while nobody reads, as after a long absence."""
    routes = new_routes()
    await put_tenant(store, "acme")
    await put_key(store, "hs_one")
    async with following(store, routes) as follower:
        # In one step, as far as the follower sees: three changes, of which only the last is still in the stream.
        await put_tenant(store, "before")
        await applied(routes, 3)
        follower.loaded.clear()
        first = await store.row(keys.KEYS, "hs_one")
        assert first is not None
        async with store.redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(keys.META, "revision", 3)
            pipe.hdel(keys.table(keys.KEYS), "hs_one")
            pipe.hset(keys.table(keys.TENANTS), "missed", b"5 " + _tenant("missed"))
            pipe.hset(keys.table(keys.TENANTS), "last", b"6 " + _tenant("last"))
            pipe.xadd(keys.CHANGES, {"tenant/last": b"6 " + _tenant("last")}, id="6-0")
            await pipe.execute()
        await asyncio.wait_for(follower.loaded.wait(), 10)
        await applied(routes, 6)
        assert {name for name in ("acme", "before", "missed", "last") if routes.tenant(name)} == {
            "acme",
            "before",
            "missed",
            "last",
        }
        assert routes.caller("hs_one") is None
        await applied(routes, await put_tenant(store, "after"))
        assert routes.tenant("after") is not None


async def test_a_trimmed_stream_hides_nothing_from_who_starts_later(store: Store) -> None:
    for number in range(5):
        await put_tenant(store, f"t{number}")
    await cast("Any", store.redis.xtrim(keys.CHANGES, maxlen=1, approximate=False))
    routes = new_routes()
    async with following(store, routes):
        assert routes.revision == 5
        assert all(routes.tenant(f"t{number}") for number in range(5))


async def test_changes_made_during_the_load_are_there_and_nothing_revoked_comes_back(store: Store) -> None:
    """A store large enough for its load to take a while, and a writer that does not pause for it."""
    size = 3000
    for start in range(0, size, 500):
        await store.commit(
            [
                Write(
                    keys.KEYS,
                    f"hs_{n}",
                    None,
                    msgspec.json.encode(KeyRow(f"hs_{n}", fingerprint(f"hs_{n}"), "caller", NOW)),
                )
                for n in range(start, start + 500)
            ],
        )
    for number in range(300):
        await put_tenant(store, f"t{number}")
    revoked: list[str] = []
    done = asyncio.Event()

    async def change() -> int:
        last = 0
        number = 0
        while not done.is_set() and number < size:
            revoked.append(f"hs_{number}")
            await revoke(store, f"hs_{number}")
            last = await put_tenant(store, f"t{number % 300}", suspended=True, name=str(number))
            number += 7
        return last

    other = Store(store.url)
    changing = asyncio.create_task(change())
    try:
        for _ in range(5):
            routes = new_routes()
            async with following(other, routes):
                at_load = list(revoked)
                # The last one may be on its way; all before it were committed before the load was over.
                assert [key for key in at_load[:-1] if routes.caller(key)] == []
        routes = new_routes()
        async with following(other, routes):
            done.set()
            await applied(routes, await changing)
            assert [key for key in revoked if routes.caller(key)] == []
            assert sum(routes.caller(f"hs_{n}") is not None for n in range(size)) == size - len(revoked)
            assert all(routes.tenant(f"t{n}") for n in range(300))
    finally:
        done.set()
        await changing
        await other.close()


async def test_what_changes_while_a_replica_is_cut_off_is_not_missed(tmp_path: Path) -> None:
    routes = new_routes()
    with stoppable(tmp_path) as server:
        store, elsewhere = Store(server.url), Store(server.url)
        try:
            await put_tenant(store, "acme")
            await put_key(store, "hs_one")
            async with following(store, routes) as follower:
                server.stop()
                async with asyncio.timeout(10):
                    while follower.state is StoreState.CONNECTED:  # noqa: ASYNC110 - a test's only waiting
                        await asyncio.sleep(0.005)
                assert routes.tenant("acme") is not None  # it goes on with what it last knew
                assert routes.caller("hs_one") is not None

                server.start()
                await put_tenant(elsewhere, "acme", suspended=True)
                await applied(routes, await revoke(elsewhere, "hs_one"))
                acme = routes.tenant("acme")
                assert acme is not None
                assert acme.suspended
                assert routes.caller("hs_one") is None
                assert str(follower.state) == "connected"
        finally:
            await store.close()
            await elsewhere.close()


async def test_a_replica_that_starts_before_redis_waits_for_it(tmp_path: Path) -> None:
    routes = new_routes()
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        follower = Follower(store, routes, Replica(store, "1").beat)
        server.stop()
        task = asyncio.create_task(follower.run())
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(follower.loaded.wait(), 0.3)
            server.start()
            await asyncio.wait_for(follower.loaded.wait(), 10)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


def _tenant(name: str) -> bytes:
    return msgspec.json.encode(TenantRow(name, created_at=NOW, updated_at=NOW))
