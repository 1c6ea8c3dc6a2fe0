"""A client by way of Sentinels: it finds the master, leaves one that was replaced, and waits for no Sentinel."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio as aioredis
from redis.exceptions import RedisError

from gateway.store.address import connect
from gateway.store.sentinel import master_of
from tests.support.sentinel import SERVICE, Group, group


def state(port: int, epoch: int, **more: bool) -> dict[str, Any]:
    """What a Sentinel says."""
    return {"ip": "10.0.0.1", "port": port, "config-epoch": epoch, "is_sdown": False, "is_odown": False, **more}


@pytest.mark.parametrize(
    ("states", "port"),
    [
        ([], None),
        ([state(1, 1)], 1),
        ([state(1, 1), state(2, 2), state(1, 1)], 2),  # those that were cut off do not know yet
        ([state(1, 1, is_sdown=True)], None),
        ([state(1, 1, is_odown=True), state(1, 1)], 1),
        ([state(1, 1), state(2, 2, is_sdown=True)], None),  # the old one must not be written to
    ],
)
def test_the_newest_configuration_holds(states: list[dict[str, Any]], port: int | None) -> None:
    found = master_of(states)
    assert (found[1] if found else None) == port


@pytest.fixture
def redises(tmp_path: Path) -> Iterator[Group]:
    """A master, a replica, three Sentinels."""
    with group(tmp_path, replicas=1) as made:
        yield made


@pytest.fixture
async def client(redises: Group) -> AsyncIterator[aioredis.Redis]:
    """A client of theirs."""
    made = connect(redises.url)
    yield made
    await made.aclose()


async def succeeds(attempt: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
    """What the first attempt that succeeds gives; none may hang."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await asyncio.wait_for(attempt(), 5)
        except RedisError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_a_killed_master_is_left_for_the_one_that_replaces_it(redises: Group, client: aioredis.Redis) -> None:
    old = redises.master
    await client.set("before", "1")
    await client.wait(1, 2000)
    old.stop()
    with pytest.raises(RedisError):
        await client.get("before")
    assert await succeeds(lambda: client.get("before")) == b"1"
    assert (await client.role())[0] == b"master"


async def test_a_frozen_master_is_left_too(redises: Group, client: aioredis.Redis) -> None:
    old = redises.master
    await client.set("before", "1")
    await client.wait(1, 2000)
    with redises.frozen(old):
        assert await succeeds(lambda: client.get("before")) == b"1"
        assert (await client.role())[0] == b"master"


async def test_an_old_master_that_still_answers_is_not_used(redises: Group, client: aioredis.Redis) -> None:
    """As when it is cut off from the Sentinels, and not from us: it breaks no connection and refuses no write."""
    old = redises.master
    await client.set("who", "old")
    for sentinel in redises.sentinels:
        sentinel.ask("SENTINEL", "SET", SERVICE, "down-after-milliseconds", 60_000)
    copied = redises.servers[1]
    copied.ask("REPLICAOF", "NO", "ONE")  # the other becomes a master by hand,
    copied.ask("SET", "who", "new")
    for sentinel in redises.sentinels:  # and the Sentinels are told
        sentinel.ask("SENTINEL", "REMOVE", SERVICE)
        sentinel.ask("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", copied.port, 2)
    assert old.ask("GET", "who") == b"old"

    async def new() -> None:
        if await client.get("who") != b"new":
            raise RedisError("it still asks the old one")

    await succeeds(new, 5)


async def test_a_server_that_the_sentinels_call_master_and_that_is_none_is_not_used(redises: Group) -> None:
    for sentinel in redises.sentinels:
        sentinel.ask("SENTINEL", "REMOVE", SERVICE)
    master = redises.servers[0]
    master.ask("REPLICAOF", "127.0.0.1", redises.servers[1].port)  # of its own replica: a master no more
    for sentinel in redises.sentinels[:1]:
        sentinel.ask("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", master.port, 2)
    made = connect(redises.url)
    try:
        with pytest.raises(RedisError, match=r"no longer the master|no master"):
            await made.get("x")
    finally:
        await made.aclose()


async def test_two_frozen_sentinels_cost_a_new_connection_half_a_second_and_a_standing_one_nothing(
    redises: Group, client: aioredis.Redis
) -> None:
    await client.ping()
    for sentinel in redises.sentinels[:2]:
        os.kill(sentinel.pid, signal.SIGSTOP)
    try:
        slow = 0
        until = time.monotonic() + 2.5  # in which it would ask twice, were it to ask at all
        while time.monotonic() < until:
            begun = time.monotonic()
            await client.ping()
            slow += time.monotonic() - begun > 0.4
            await asyncio.sleep(0.01)
        assert slow < 2, "one may be this machine's"
        fresh = connect(redises.url)
        try:
            await asyncio.wait_for(fresh.ping(), 2)
        finally:
            await fresh.aclose()
    finally:
        for sentinel in redises.sentinels[:2]:
            sentinel.thaw()


async def test_without_sentinels_a_standing_connection_goes_on_and_a_new_one_says_why(
    redises: Group, client: aioredis.Redis
) -> None:
    await client.ping()
    for sentinel in redises.sentinels:
        sentinel.stop()
    for _ in range(150):
        await client.ping()
        await asyncio.sleep(0.01)
    fresh = connect(redises.url)
    try:
        with pytest.raises(RedisError, match=f"the Sentinels know no master of '{SERVICE}'"):
            await fresh.ping()
    finally:
        await fresh.aclose()
    for sentinel in redises.sentinels:
        sentinel.start()
    await succeeds(client.ping)


async def test_a_service_that_the_sentinels_do_not_watch_is_said(redises: Group) -> None:
    made = connect(redises.url.replace(SERVICE, "other"))
    try:
        with pytest.raises(RedisError, match="No such master"):
            await made.ping()
    finally:
        await made.aclose()


async def test_a_wait_for_the_masters_word_is_no_wait_without_end(redises: Group) -> None:
    """A reader that waits at the server has no socket timeout; connecting has an end all the same."""
    reader = connect(redises.url, blocking=True)
    for sentinel in redises.sentinels:
        sentinel.ask("SENTINEL", "SET", SERVICE, "down-after-milliseconds", 60_000)
    try:
        with redises.frozen(redises.master), pytest.raises(RedisError, match="does not say whether it is the master"):
            await asyncio.wait_for(reader.ping(), 5)
        for sentinel in redises.sentinels:
            os.kill(sentinel.pid, signal.SIGSTOP)
        with pytest.raises(RedisError, match="know no master"):
            await asyncio.wait_for(reader.ping(), 5)
    finally:
        for sentinel in redises.sentinels:
            sentinel.thaw()
        await reader.aclose()


async def test_a_master_that_was_demoted_is_not_written_to_and_not_asked_again(
    redises: Group, client: aioredis.Redis
) -> None:
    master, other = redises.servers
    await client.set("who", "old")
    await client.wait(1, 2000)
    master.ask("REPLICAOF", "127.0.0.1", other.port)
    with pytest.raises(RedisError, match=r"READONLY|read only"):
        await client.eval("return redis.call('SET', KEYS[1], 'lost')", 1, "who")
    with pytest.raises(RedisError, match="no longer the master"):  # a new connection: the Sentinels still name it
        await client.set("who", "lost")
    assert [server.ask("GET", "who") for server in redises.servers] == [b"old"] * 2
