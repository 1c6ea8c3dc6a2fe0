"""A store whose history went back: nothing is taken over by itself, nothing revoked comes back, an admin decides."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Literal, cast

import pytest

from gateway.accepting import Acceptance, Accepted
from gateway.errors import GatewayError
from gateway.following import Follower, StoreState
from gateway.replicas import Replica
from gateway.routing import Routes
from gateway.store import keys
from gateway.store.connection import Store, StoreDiverged, Write
from gateway.store.marks import Mark, Meta
from tests.gateway.test_following import _tenant, applied, following, new_routes, put_key, put_tenant, revoke

Snapshot = dict[bytes, bytes]


async def snapshot(store: Store) -> Snapshot:
    """A backup of everything."""
    names = await cast("Any", store.redis.keys("*"))
    return {name: await cast("Any", store.redis.dump(name)) for name in names if name != keys.REPLICAS.encode()}


async def restore(store: Store, backup: Snapshot) -> None:
    """What a backup has, in place of what is there; in one step, as a replica sees it."""
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.flushdb()
        for name, value in backup.items():
            pipe.restore(name, 0, value)
        await pipe.execute()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Returns once the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.005)


def diverged(follower: Follower) -> Callable[[], bool]:
    """Whether the follower says so."""
    return lambda: follower.state is StoreState.DIVERGED


@pytest.fixture
async def other(redis_url: str) -> Any:
    """Another process's connection, which knows nothing of the store's history."""
    store = Store(redis_url)
    yield store
    await store.close()


async def known(store: Store, routes: Routes) -> Snapshot:
    """Two tenants, two keys; and after the backup that is returned: a rule changed, a key revoked, a tenant deleted."""
    await put_tenant(store, "acme", rule="all")
    await put_tenant(store, "gone")
    await put_key(store, "hs_kept")
    await put_key(store, "hs_revoked")
    backup = await snapshot(store)
    await put_tenant(store, "acme", rule="off")
    await revoke(store, "hs_revoked")
    await applied(routes, await put_tenant(store, "gone", deleted=True))
    return backup


def assert_as_known(routes: Routes, rule: str = "off") -> None:
    """What calls see: nothing revoked or deleted is back."""
    acme = routes.tenant("acme")
    assert acme is not None
    assert acme.route.rule == rule
    assert routes.tenant("gone") is None
    assert routes.caller("hs_kept") is not None
    assert routes.caller("hs_revoked") is None


async def decide(store: Store, routes: Routes, state: Literal["store", "replicas"] = "store") -> Accepted:
    """An admin says which state holds, at the replica with these routes."""
    acceptance = Acceptance(store, routes)
    return await acceptance.accept(await acceptance.begin(), state, b"{}")


Accident = Callable[[Store, Snapshot], Awaitable[Any]]


async def emptied(store: Store, _: Snapshot) -> None:
    """The server comes back without its data."""
    await store.redis.flushall()


async def emptied_and_written(store: Store, _: Snapshot) -> None:
    """Somebody who knew nothing wrote to the emptied server, as often as before and more, before anybody looked."""
    await restore(store, await elsewhere(store, {}))


async def restored(store: Store, backup: Snapshot) -> None:
    """A backup is put back."""
    await restore(store, backup)


async def restored_and_written(store: Store, backup: Snapshot) -> None:
    """A backup is put back, and has gone another way from there."""
    await restore(store, await elsewhere(store, backup))


async def elsewhere(store: Store, backup: Snapshot) -> Snapshot:
    """What becomes of a backup at another server."""
    stranger = Store(f"{store.url}?db=1")
    await stranger.redis.flushdb()
    for name, value in backup.items():
        await stranger.redis.restore(name, 0, value)
    for number in range(12):
        await put_tenant(stranger, f"stranger-{number}")
    written = await snapshot(stranger)
    await stranger.close()
    return written


ACCIDENTS = [emptied, emptied_and_written, restored, restored_and_written]


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_replicas_keep_what_they_know_and_say_so(store: Store, other: Store, accident: Accident) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        backup = await known(store, routes)
        revision = routes.revision
        await accident(store, backup)
        await until(diverged(follower))
        assert_as_known(routes)
        assert routes.revision == revision
        with pytest.raises(StoreDiverged):  # from who knows another history
            await put_tenant(store, "acme")
        with pytest.raises(StoreDiverged):  # and from who knows none
            await put_tenant(other, "fresh")
        assert "store/accept" in follower.cause


@pytest.mark.parametrize("accident", [emptied, restored])
async def test_no_change_gets_in_before_a_replica_has_noticed(store: Store, accident: Accident) -> None:
    """The script itself compares histories; nobody has to be quick."""
    routes = new_routes()
    async with following(store, routes):
        backup = await known(store, routes)
    await accident(store, backup)
    before = await store.revision()
    with pytest.raises(StoreDiverged):
        await store.commit([Write("plain", "x", None, b"{}")])
    assert await store.revision() == before


@pytest.mark.parametrize("accident", ACCIDENTS)
@pytest.mark.parametrize("state", ["store", "replicas"])
async def test_an_admin_says_which_state_holds(store: Store, accident: Accident, state: Any) -> None:
    routes, others = new_routes(), new_routes()
    async with AsyncExitStack() as stack:
        follower = await stack.enter_async_context(following(store, routes))
        second = await stack.enter_async_context(following(store, others))
        backup = await known(store, routes)
        revision = routes.revision
        await accident(store, backup)
        await until(diverged(follower))
        await until(diverged(second))

        acceptance = Acceptance(store, routes)
        accepted = await acceptance.accept(await acceptance.begin(), state, b'{"why":"we restored a backup"}')
        assert accepted.revision > revision
        for held in (routes, others):
            await applied(held, accepted.revision)
        await until(lambda: {follower.state, second.state} == {StoreState.CONNECTED})
        fresh = new_routes()
        await stack.enter_async_context(following(store, fresh))
        for held in (routes, others, fresh):
            assert held.mark == routes.mark
            if state == "replicas":
                assert_as_known(held)
                assert held.tenant("stranger-3") is None
            elif accident is restored:
                assert_as_known(held, rule="all")
            elif accident is emptied:
                assert held.tenant("acme") is None
                assert held.caller("hs_kept") is None
            assert held.caller("hs_revoked") is None
            assert held.tenant("gone") is None
        assert accepted.revoked_keys == (("hs_revoked",) if state == "store" and backup_is_back(accident) else ())
        if state == "replicas":
            assert "hs_kept" in await store.fields(keys.keys_of("acme"))
        await applied(fresh, await put_tenant(store, "after"))
        assert fresh.tenant("after") is not None
        [(_, record)] = (await cast("Any", store.redis.xrevrange(keys.AUDIT, count=1)))[:1]
        assert record == {b"revision": b"%d" % accepted.revision, b"record": b'{"why":"we restored a backup"}'}


def backup_is_back(accident: Accident) -> bool:
    """Whether the backup's rows are in the store."""
    return accident in (restored, restored_and_written)


@pytest.mark.parametrize("accident", [emptied, restored])
@pytest.mark.parametrize("state", ["store", "replicas"])
async def test_the_bootstrap_files_marks_outlive_the_store(store: Store, accident: Accident, state: Any) -> None:
    """This replica never met them itself: it has no such file."""
    routes = new_routes()
    async with following(store, routes) as follower:
        await store.commit([Write(keys.BOOTSTRAP, "tenants.acme", None, b'{"path":"old"}')])
        backup = await known(store, routes)
        row = await store.row(keys.BOOTSTRAP, "tenants.acme")
        await store.commit([Write(keys.BOOTSTRAP, "tenants.acme", row, b'{"path":"new"}')])
        made = await store.commit([Write(keys.BOOTSTRAP, "keys.key_1", None, keys.TOMBSTONE)])
        await applied(routes, made.revision)
        await accident(store, backup)
        await until(diverged(follower))
        acceptance = Acceptance(store, routes)
        accepted = await acceptance.accept(await acceptance.begin(), state, b"{}")
        await applied(routes, accepted.revision)
        kept, buried = await store.rows(keys.BOOTSTRAP, ["tenants.acme", "keys.key_1"])
        assert kept is not None
        assert buried is not None
        assert kept.body == (b'{"path":"old"}' if (state, accident) == ("store", restored) else b'{"path":"new"}')
        assert buried.body == keys.TOMBSTONE
        await until(lambda: follower.state is StoreState.CONNECTED)
        assert dict(routes.bootstrap_marks()) == {"tenants.acme": kept.raw, "keys.key_1": buried.raw}


async def test_who_was_away_takes_over_what_was_accepted(store: Store) -> None:
    """A replica that was cut off from before the accident until after the decision."""
    routes, away = new_routes(), new_routes()
    async with following(store, routes) as follower:
        async with following(store, away):
            backup = await known(store, routes)
            await applied(away, routes.revision)
        await restore(store, backup)
        await until(diverged(follower))
        await decide(store, routes)
        async with following(store, away) as back:
            assert back.state is StoreState.CONNECTED
            assert_as_known(away, rule="all")


async def test_a_replica_that_starts_meanwhile_is_not_ready_and_says_why(store: Store, other: Store) -> None:
    routes, fresh = new_routes(), new_routes()
    async with following(store, routes) as follower:
        backup = await known(store, routes)
        await restore(store, backup)
        await until(diverged(follower))
        starting = Follower(other, fresh, Replica(other, "1").beat)
        task = asyncio.create_task(starting.run())
        try:
            await until(diverged(starting))
            assert not starting.loaded.is_set()
            assert fresh.caller("hs_revoked") is None
            await decide(store, routes)
            await asyncio.wait_for(starting.loaded.wait(), 10)
            assert_as_known(fresh, rule="all")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_right_data_put_back_ends_it(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        whole = await snapshot(store)
        await store.redis.flushall()
        await until(diverged(follower))
        await restore(store, whole)
        await until(lambda: follower.state is StoreState.CONNECTED)
        await applied(routes, await put_tenant(store, "after"))
        assert_as_known(routes)


async def test_nothing_is_decided_where_nothing_is_to_decide(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes):
        await known(store, routes)
        with pytest.raises(GatewayError, match="store_not_diverged"):
            await Acceptance(store, routes).begin()


async def test_one_that_knows_less_than_another_does_not_decide(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        backup = await known(store, routes)
        await restore(store, backup)
        await until(diverged(follower))
        await Replica(store, "1").beat(routes.revision)
        behind = new_routes()
        with pytest.raises(GatewayError, match="replica_behind"):
            await Acceptance(store, behind).begin()


async def test_a_decision_that_was_cut_off_is_made_again(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        await store.redis.flushall()
        await until(diverged(follower))
        acceptance = Acceptance(store, routes)
        meta = await acceptance.begin()
        await acceptance._write(
            meta.mark, "replicas", [(keys.TENANTS, "acme", b"1 {}"), (keys.TENANTS, "half", b"1 " + _tenant("half"))]
        )
        with pytest.raises(GatewayError, match="store_half_restored"):  # the store's own state is gone
            await acceptance.accept(await acceptance.begin(), "store", b"{}")
        accepted = await acceptance.accept(await acceptance.begin(), "replicas", b"{}")
        await applied(routes, accepted.revision)
        assert_as_known(routes)
        assert await store.fields(keys.TENANTS) == ["acme", "gone"]


async def test_two_decisions_at_once_make_one(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        await store.redis.flushall()
        await until(diverged(follower))
        acceptance = Acceptance(store, routes)
        meta = await acceptance.begin()
        made = await asyncio.gather(
            *(acceptance.accept(meta, "replicas", b"{}") for _ in range(4)), return_exceptions=True
        )
        assert sum(not isinstance(one, BaseException) for one in made) == 1
        assert all(isinstance(one, GatewayError) for one in made if isinstance(one, BaseException))


async def test_one_that_was_away_while_a_stranger_decided_is_heard_and_then_decided_over(store: Store) -> None:
    """It came back after the decision, of which nobody who knew its history had a part."""
    stranger = Store(store.url)
    away, fresh = new_routes(), new_routes()
    async with following(store, away):
        await known(store, away)
    await store.redis.flushall()
    for number in range(20):
        await put_tenant(stranger, f"stranger-{number}")
    # `away` is that of a process that was cut off.
    async with following(stranger, fresh) as decider, following(store, away, loaded=True) as back:
        await until(diverged(back))
        await until(diverged(decider))
        accepted = await decide(stranger, fresh)
        for held in (away, fresh):
            await applied(held, accepted.revision)
        await until(lambda: {back.state, decider.state} == {StoreState.CONNECTED})
        assert away.tenant("stranger-3") is not None
        await applied(away, await put_tenant(stranger, "after"))
        assert back.state is StoreState.CONNECTED
    await stranger.close()


async def test_a_worker_that_knows_another_history_says_so(store: Store) -> None:
    """It follows nothing; when its change is refused, an admin must be able to decide."""
    worker = Store(store.url)
    await put_tenant(worker, "acme")
    await put_tenant(worker, "birch")
    await store.redis.flushall()
    routes = new_routes()
    async with following(store, routes) as follower:
        await applied(routes, await put_tenant(store, "cedar"))
        with pytest.raises(StoreDiverged):
            await put_tenant(worker, "birch")
        await until(diverged(follower))
        await applied(routes, await put_tenant(store, "dill"))  # it stops nobody else
        async with following(store, new_routes()) as starting:
            assert starting.loaded.is_set()
        accepted = await decide(store, routes)
        await applied(routes, accepted.revision)
        await applied(routes, await put_tenant(worker, "birch"))
        assert routes.tenant("birch") is not None
    await worker.close()


async def test_a_change_that_was_lost_before_its_own_gateway_read_it(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        whole = await snapshot(store)
        store.saw(Mark(routes.mark.epoch, routes.revision + 1, "lost"))
        store._holds = True  # as a gateway's
        await restore(store, whole)
        assert follower.state is StoreState.CONNECTED
        with pytest.raises(StoreDiverged):
            await put_tenant(store, "after")
        await until(diverged(follower))
        accepted = await decide(store, routes)
        assert accepted.revision > store.known.revision - 1
        await applied(routes, accepted.revision)
        assert_as_known(routes)
        await applied(routes, await put_tenant(store, "after"))


async def test_a_store_that_had_no_followed_change_yet(store: Store) -> None:
    await store.commit([Write("plain", "x", None, b"{}")])
    routes = new_routes()
    async with following(store, routes) as follower:
        await store.redis.flushall()
        await until(diverged(follower))
        await decide(store, routes)
        await until(lambda: follower.state is StoreState.CONNECTED)
        await applied(routes, await put_tenant(store, "after"))


async def test_rows_of_a_newer_version_are_left_alone(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        backup = await known(store, routes)
        newer = b'4 {"tenant":"newer","rule":"canary"}'
        await restore(store, backup)
        await cast("Any", store.redis.hset(keys.table(keys.TENANTS), "newer", newer))
        await cast("Any", store.redis.hset(keys.table(keys.KEYS), "key_newer", b'4 {"role":7}'))
        await until(diverged(follower))
        accepted = await decide(store, routes, "replicas")
        await applied(routes, accepted.revision)
        assert await cast("Any", store.redis.hget(keys.table(keys.TENANTS), "newer")) == newer
        assert "key_newer" in await store.fields(keys.KEYS)
        assert_as_known(routes)


async def test_what_a_replica_knows_counts_while_it_loads_again_under_another_history(store: Store) -> None:
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        assert follower.applied == routes.revision
        follower.loaded.clear()
        assert follower.applied == 0  # of what is loaded again nothing is claimed
        await store.redis.flushall()
        await until(diverged(follower))
        assert follower.applied == routes.revision > 0


async def test_a_store_that_is_replaced_while_a_new_replica_reads_it_is_read_again(store: Store) -> None:
    """It has shown nothing to calls yet, so it has nothing to hold against it."""
    await put_tenant(store, "acme")
    follower = Follower(store, new_routes(), Replica(store, "1").beat)
    with pytest.raises(Exception, match="replaced while it was being read"):
        await follower._judge(Mark("e1", 5, "t5"), await store.meta())
    assert await store.meta() == Meta((await store.meta()).mark)
    await put_tenant(store, "birch")


async def test_where_nobody_knows_anything_half_a_state_is_better_than_none(store: Store) -> None:
    """The server was emptied, writing back was cut off, and every gateway was started again."""
    routes = new_routes()
    async with following(store, routes) as follower:
        await known(store, routes)
        await store.redis.flushall()
        await until(diverged(follower))
        acceptance = Acceptance(store, routes)
        meta = await acceptance.begin()
        await acceptance._write(meta.mark, "replicas", [(keys.TENANTS, "acme", b"1 " + _tenant("acme"))])
    await cast("Any", store.redis.delete(keys.REPLICAS))
    fresh = new_routes()
    starting = Follower(store, fresh, Replica(store, "1").beat)
    task = asyncio.create_task(starting.run())
    try:
        await until(diverged(starting))
        await decide(store, fresh)
        await asyncio.wait_for(starting.loaded.wait(), 10)
        assert fresh.tenant("acme") is not None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
