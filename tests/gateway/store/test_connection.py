"""The store on a real Redis: one change, whole or not at all; and who lives."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any, cast

import pytest
from redis.exceptions import ResponseError

from gateway.store import keys
from gateway.store.connection import COMPARE, Conflict, Note, Store, StoreUnavailable, Write, translated
from tests.support.redis import stoppable

PLAIN = "plain"  # a table that replicas do not hold


async def stream(store: Store, name: str) -> list[tuple[str, dict[str, str]]]:
    """Every entry of a stream."""
    found = await cast("Any", store.redis.xrange(name))
    shown = [(entry.decode(), {k.decode(): v.decode() for k, v in fields.items()}) for entry, fields in found]
    for _, fields in shown:
        fields.pop("@", None)  # its place in the chain
    return shown


async def test_a_change_of_a_followed_table_gets_the_next_revision(store: Store) -> None:
    first = await store.commit([Write(keys.TENANTS, "acme", None, b'{"a":1}')])
    row = await store.row(keys.TENANTS, "acme")
    second = await store.commit([Write(keys.TENANTS, "acme", row, b'{"a":2}')])

    assert (first.revision, second.revision, await store.revision()) == (1, 2, 2)
    changed = await store.row(keys.TENANTS, "acme")
    assert changed is not None
    assert (changed.raw, changed.revision, changed.body) == (b'2 {"a":2}', 2, b'{"a":2}')


async def test_the_change_stream_tells_each_revision_under_its_number(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}"), Write(keys.KEYS, "k1", None, b'{"k":1}')])
    await store.commit([Write(keys.KEYS, "k1", await store.row(keys.KEYS, "k1"), None)])

    assert await stream(store, keys.CHANGES) == [
        ("1-0", {"tenant/acme": "1 {}", "key/k1": '1 {"k":1}'}),
        ("2-0", {"key/k1": ""}),
    ]
    assert await store.row(keys.KEYS, "k1") is None


async def test_a_change_of_other_tables_is_no_revision(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}")])
    committed = await store.commit([Write(PLAIN, "x", None, b"{}")])

    assert committed.revision == 1
    assert await store.revision() == 1
    assert [entry for entry, _ in await stream(store, keys.CHANGES)] == ["1-0"]


async def test_a_mixed_change_tells_replicas_only_what_they_hold(store: Store) -> None:
    await store.commit([Write(PLAIN, "x", None, b"{}"), Write(keys.KEYS, "k1", None, b"{}")])

    assert await stream(store, keys.CHANGES) == [("1-0", {"key/k1": "1 {}"})]
    plain = await store.row(PLAIN, "x")
    assert plain is not None
    assert plain.revision == 1


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_conflict_changes_nothing_and_says_which_row(store: Store, at: int) -> None:
    await store.commit([Write(PLAIN, name, None, b"{}") for name in ("r0", "r1", "r2")])
    before = [await store.row(PLAIN, f"r{i}") for i in range(3)]
    await store.commit([Write(PLAIN, f"r{at}", before[at], b'{"theirs":1}')])
    everything = await cast("Any", store.redis.hgetall(keys.table(PLAIN)))

    writes = [Write(PLAIN, f"r{i}", before[i], b'{"ours":1}') for i in range(3)]
    writes.append(Write(keys.TENANTS, "acme", None, b"{}"))
    with pytest.raises(Conflict) as conflict:
        await store.commit(writes, audit=b"{}", notes=[Note(keys.timeline_of("j"), b"{}")])

    assert conflict.value.write == at
    assert await cast("Any", store.redis.hgetall(keys.table(PLAIN))) == everything
    assert await store.revision() == 0
    for name in (keys.CHANGES, keys.AUDIT, keys.timeline_of("j"), keys.table(keys.TENANTS)):
        assert not await cast("Any", store.redis.exists(name))


async def test_a_row_that_should_not_be_there_is_a_conflict(store: Store) -> None:
    await store.commit([Write(PLAIN, "x", None, b"{}")])
    with pytest.raises(Conflict):
        await store.commit([Write(PLAIN, "x", None, b"{}")])


async def test_a_row_that_is_gone_is_a_conflict(store: Store) -> None:
    await store.commit([Write(PLAIN, "x", None, b"{}")])
    row = await store.row(PLAIN, "x")
    await store.commit([Write(PLAIN, "x", row, None)])
    with pytest.raises(Conflict):
        await store.commit([Write(PLAIN, "x", row, None)])


async def test_compare_leaves_the_row_and_makes_no_revision(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}")])
    row = await store.row(keys.TENANTS, "acme")
    committed = await store.commit(
        [Write(keys.TENANTS, "acme", row, COMPARE), Write(PLAIN, "x", None, b"{}")],
    )

    assert committed.revision == 1
    assert await store.row(keys.TENANTS, "acme") == row
    await store.commit([Write(keys.TENANTS, "acme", row, b'{"now":2}')])
    with pytest.raises(Conflict) as conflict:
        await store.commit([Write(PLAIN, "y", None, b"{}"), Write(keys.TENANTS, "acme", row, COMPARE)])
    assert conflict.value.write == 1
    assert await store.row(PLAIN, "y") is None


async def test_a_change_of_too_many_rows_is_refused_whole(store: Store) -> None:
    """More than the script can tell replicas of at once; it must not have written half of them by then."""
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}")])
    writes = [Write(keys.KEYS, f"k{number}", None, b"{}") for number in range(5000)]
    timeline = keys.timeline_of("job_1")
    with pytest.raises(ResponseError, match="TOOMANY"):
        await store.commit([Write(PLAIN, "x", None, b"{}"), *writes], audit=b"{}", notes=[Note(timeline, b"{}")])

    assert await store.revision() == 1
    assert await store.fields(keys.KEYS) == await store.fields(PLAIN) == []
    assert await stream(store, keys.AUDIT) == await stream(store, timeline) == []
    assert [entry for entry, _ in await stream(store, keys.CHANGES)] == ["1-0"]


async def test_audit_and_notes_are_written_with_the_change(store: Store) -> None:
    timeline = keys.timeline_of("job_1")
    notes = [Note(timeline, b'{"n":1}'), Note(timeline, b'{"n":2}')]
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}")], audit=b'{"who":"me"}', notes=notes)

    [(_, audit)] = await stream(store, keys.AUDIT)
    assert audit == {"revision": "1", "record": '{"who":"me"}'}
    assert [json.loads(fields["event"]) for _, fields in await stream(store, timeline)] == [{"n": 1}, {"n": 2}]


async def test_a_change_without_audit_writes_none(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "acme", None, b"{}")])
    assert await stream(store, keys.AUDIT) == []


async def test_rows_come_in_the_order_asked_with_gaps(store: Store) -> None:
    await store.commit([Write(PLAIN, name, None, name.encode()) for name in ("b", "a")])

    found = await store.rows(PLAIN, ["a", "missing", "b"])
    assert [row.body if row else None for row in found] == [b"a", None, b"b"]
    assert await store.rows(PLAIN, []) == []
    assert await store.fields(PLAIN) == ["a", "b"]
    assert {field async for field, _ in store.scan(PLAIN)} == {"a", "b"}


async def test_a_body_with_spaces_newlines_and_utf8_comes_back_as_it_was(store: Store) -> None:
    body = '{"name": "Mañana  & Söhne\\n", "n": 1}'.encode()
    await store.commit([Write(keys.TENANTS, "a/b c", None, body)])
    row = await store.row(keys.TENANTS, "a/b c")
    assert row is not None
    assert row.body == body


async def test_a_hundred_at_once_lose_no_update(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "count", None, b"0")])

    async def increment() -> int:
        while True:
            row = await store.row(keys.TENANTS, "count")
            assert row is not None
            try:
                committed = await store.commit([Write(keys.TENANTS, "count", row, b"%d" % (int(row.body) + 1))])
            except Conflict:
                continue
            return committed.revision

    revisions = await asyncio.gather(*(increment() for _ in range(100)))

    row = await store.row(keys.TENANTS, "count")
    assert row is not None
    assert (int(row.body), row.revision) == (100, 101)
    assert sorted(revisions) == list(range(2, 102))
    assert [entry for entry, _ in await stream(store, keys.CHANGES)] == [f"{n}-0" for n in range(1, 102)]


async def test_the_epoch_is_given_once(store: Store) -> None:
    await store.commit([Write(PLAIN, "x", None, b"{}")])
    first = await cast("Any", store.redis.hget(keys.META, "epoch"))
    await store.commit([Write(PLAIN, "y", None, b"{}")])
    assert first
    assert await cast("Any", store.redis.hget(keys.META, "epoch")) == first


async def test_a_change_is_durable_where_every_write_is_synced(store: Store) -> None:
    assert (await store.commit([Write(PLAIN, "x", None, b"{}")])).durable


async def test_a_change_is_not_called_durable_where_it_may_be_lost(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            server.set("appendfsync", "everysec")
            assert not (await store.commit([Write(PLAIN, "x", None, b"{}")])).durable
            server.set("appendfsync", "always")
            assert (await store.commit([Write(PLAIN, "y", None, b"{}")])).durable
            server.set("appendonly", "no")
            assert not (await store.commit([Write(PLAIN, "z", None, b"{}")])).durable
        finally:
            await store.close()


async def test_every_operation_says_that_redis_is_away_and_works_again_after(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            await store.commit([Write(keys.TENANTS, "acme", None, b"{}")])
            server.stop()
            for operation in (
                store.revision,
                store.census,
                lambda: store.row(keys.TENANTS, "acme"),
                lambda: store.rows(keys.TENANTS, ["acme"]),
                lambda: store.fields(keys.TENANTS),
                lambda: store.beat("r", 1, "1", 1000),
                lambda: store.forget("r"),
                lambda: store.commit([Write(keys.TENANTS, "other", None, b"{}")]),
            ):
                with pytest.raises(StoreUnavailable):
                    await cast("Any", operation)()
            with pytest.raises(StoreUnavailable):
                [row async for row in store.scan(keys.TENANTS)]

            server.start()
            assert await store.fields(keys.TENANTS) == ["acme"]
            assert (await store.commit([Write(keys.TENANTS, "other", None, b"{}")])).revision == 2
        finally:
            await store.close()


async def test_a_change_whose_answer_does_not_come_is_not_sent_again(tmp_path: Path) -> None:
    """Nobody can say whether it was made. The server takes changes again soon enough for a second one to be."""
    repeatable = [Write(keys.KEYS, "nothing", None, None)]  # its condition holds every time
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            await store.commit([Write(PLAIN, "x", None, b"{}")])
            await cast("Any", store.redis.client_pause(2500, all=False))
            with pytest.raises(StoreUnavailable) as broken:
                await store.commit(repeatable, audit=b'{"n":1}')
            assert broken.value.unsure
            made = (await store.commit(repeatable)).revision  # waits for the pause's end
            assert len(await stream(store, keys.AUDIT)) == made - 1 <= 1
        finally:
            await store.close()


async def test_a_change_that_the_server_dies_of_is_unsure(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            await store.commit([Write(PLAIN, "x", None, b"{}")])
            with server.frozen() as process:
                changing = asyncio.create_task(store.commit([Write(keys.TENANTS, "acme", None, b"{}")]))
                done, _ = await asyncio.wait({changing}, timeout=0.2)
                assert not done
                os.kill(process, signal.SIGKILL)
                with pytest.raises(StoreUnavailable) as broken:
                    await changing
            assert broken.value.unsure
        finally:
            await store.close()


async def test_what_was_only_read_is_never_unsure(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        server.stop()
        try:
            with pytest.raises(StoreUnavailable) as away:
                await store.row(keys.TENANTS, "acme")
            assert not away.value.unsure
        finally:
            await store.close()


async def test_a_script_that_the_server_has_forgotten_is_loaded_again(store: Store) -> None:
    await store.commit([Write(PLAIN, "x", None, b"{}")])
    await cast("Any", store.redis.script_flush())
    await store.commit([Write(PLAIN, "y", None, b"{}")])
    await cast("Any", store.redis.script_flush())
    await store.beat("r", 1, "1", 1000)
    assert await store.fields(PLAIN) == ["x", "y"]


async def test_the_census_tells_who_lives_and_what_they_have_applied(store: Store) -> None:
    await store.beat("rep_a", 7, "0.1.0", 60_000)
    await store.beat("rep_b", 3, "0.2.0 beta", 60_000)
    await store.beat("rep_a", 8, "0.1.0", 60_000)

    census = {seen.id: seen for seen in await store.census()}
    assert {name: (seen.revision, seen.version) for name, seen in census.items()} == {
        "rep_a": (8, "0.1.0"),
        "rep_b": (3, "0.2.0 beta"),
    }
    assert all(0 <= seen.age_ms < 5000 for seen in census.values())


async def test_a_replica_that_leaves_is_forgotten_at_once_and_a_silent_one_later(store: Store) -> None:
    await store.beat("rep_a", 1, "1", 60_000)
    await store.forget("rep_a")
    assert await store.census() == []

    ten_minutes_ago = (await cast("Any", store.redis.time()))[0] * 1000 - 600_000
    await cast("Any", store.redis.hset(keys.REPLICAS, "rep_old", f"1 {ten_minutes_ago} 1"))
    await store.beat("rep_b", 1, "1", 700_000)
    [old] = [seen for seen in await store.census() if seen.id == "rep_old"]
    assert old.age_ms >= 600_000
    await store.beat("rep_b", 1, "1", 500_000)
    assert [seen.id for seen in await store.census()] == ["rep_b"]


async def test_a_full_store_says_so_and_takes_changes_again_once_there_is_room(store: Store) -> None:
    before = await cast("Any", store.redis.config_get("maxmemory*"))
    try:
        await cast("Any", store.redis.config_set("maxmemory", 1))
        for change in (store.commit([Write(PLAIN, "x", None, b"{}")]), store.beat("r", 1, "1.0", 1000)):
            with pytest.raises(StoreUnavailable) as full:
                await change
            assert (full.value.lacks, full.value.unsure) == ("memory", False)
    finally:
        await cast("Any", store.redis.config_set("maxmemory", before["maxmemory"]))
    await store.commit([Write(PLAIN, "x", None, b"{}")])


@pytest.mark.parametrize(
    ("words", "lacks"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "memory"),
        ("Error running script: @user_script: 20: -OOM command not allowed when used memory > 'maxmemory'.", "memory"),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "disk"),
        ("MISCONF Errors writing to the AOF file: No space left on device", "disk"),
        ("NOREPLICAS Not enough good replicas to write.", None),
    ],
)
def test_what_a_server_lacks_is_told(words: str, lacks: str | None) -> None:
    with pytest.raises(StoreUnavailable) as told, translated():
        raise ResponseError(words)
    assert told.value.lacks == lacks
