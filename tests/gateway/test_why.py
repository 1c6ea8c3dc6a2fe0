"""Why records: written behind, in order, once, kept over an outage, and for as long as they may be."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import timestamps
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable
from gateway.why import WhyWriter
from gateway.why_reading import Wanted, WhyReader
from gateway.why_summary import days_of, recent_calls, summary
from tests.support.redis import door, serving, stoppable
from tests.support.why import TENANT, length, put, record, write

DAY = 86_400
ALL = Wanted()


async def stored(store: Store, tenant: str = TENANT) -> list[int]:
    """The numbers of the records that a tenant has, oldest first."""
    parts = [part async for part in WhyReader(store, 90).all(tenant, ALL, None)]
    return [int(one.trace_id, 16) for part in parts for one in part][::-1]


async def counted(store: Store) -> int:
    """How many calls the summary has."""
    return (await summary(store, TENANT, days_of(None, None, time.time(), 90))).total.calls


async def test_the_writer_writes_by_itself(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    task = asyncio.create_task(writer.run())
    try:
        for number in range(700):
            put(writer, [record(number)])
        assert writer.waiting == 700
        async with asyncio.timeout(10):
            while await length(store) < 700:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.01)
            while writer.waiting:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_tenants_records_keep_their_order_among_others(store: Store) -> None:
    await write(store, [record(number, tenant=f"t{number % 3}") for number in range(1205)])
    for rest in range(3):
        assert await stored(store, f"t{rest}") == list(range(rest, 1205, 3))


@given(st.lists(st.text(), min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_caller_says_of_itself_is_one_record(store: Store, said: list[str]) -> None:
    """A batch is cut at line feeds; what a record holds has none of its own. Nor has what is counted."""
    await store.redis.flushall()
    many = [record(number, workflow=text, routed_model=f"{text}\n\r\n") for number, text in enumerate(said)]
    await write(store, many)
    assert (await WhyReader(store, 90).page(TENANT, ALL, 10, None)).records[::-1] == many
    summed = await summary(store, TENANT, days_of(None, None, time.time(), 90))
    assert {one.workflow for one in summed.by_workflow} == set(said)
    assert {one.model for one in summed.by_model} == {f"{text}\n\r\n" for text in said}


async def test_a_server_that_has_forgotten_the_script_is_told_again(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    for number in range(3):
        await cast("Any", store.redis.script_flush())
        put(writer, [record(number)])
        await writer.flush()
    assert await length(store) == 3


async def test_a_batch_of_more_tenants_than_one(store: Store) -> None:
    """Every one of them with counts of its own."""
    arms = [number % 2 == 0 for number in range(900)]
    await write(
        store,
        [record(number, tenant=f"t{number}", fine_tuned=arm, reason="active_job") for number, arm in enumerate(arms)],
    )
    assert [await length(store, f"t{number}") for number in (0, 1, 499, 500, 899)] == [1] * 5
    assert await recent_calls(store, "t498") == (1, 1)
    assert await recent_calls(store, "t499") == (1, 0)
    days = days_of(None, None, time.time(), 90)
    assert [(await summary(store, f"t{number}", days)).by_arm.fine_tuned.calls for number in (498, 499)] == [1, 0]


async def test_it_writes_in_batches(store: Store) -> None:
    before = (await cast("Any", store.redis.info("stats")))["total_reads_processed"]
    await write(store, [record(number) for number in range(2000)])
    after = (await cast("Any", store.redis.info("stats")))["total_reads_processed"]
    assert await length(store) == 2000
    assert after - before < 300  # reads of its socket, not one a record


# once


async def test_a_batch_whose_answer_is_lost_is_not_written_twice(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        async with door(server.port) as way:
            store, direct = Store(way.url), Store(server.url)
            told: list[int] = []
            writer = WhyWriter(store, 10_000, 90, told.append)
            try:
                put(writer, [record(0)])
                await writer.flush()  # the script is known, the connection made
                for number in range(1, 900):
                    put(writer, [record(number)])
                way.swallow()
                with pytest.raises(StoreUnavailable):
                    await writer.flush()
                assert await stored(direct) == list(range(501)), "the script has run"
                assert writer.waiting == 899, "of which nobody told"
                put(writer, [record(900)])
                await writer.flush()
                assert await stored(direct) == list(range(901))
                assert await recent_calls(direct, TENANT) == (901, 0)
                assert await counted(direct) == 901
                assert (writer.waiting, told) == (0, [])
            finally:
                await store.close()
                await direct.close()


async def test_a_flush_that_is_cancelled_writes_once(store: Store) -> None:
    """As when the admin who asked has gone."""
    writer = WhyWriter(store, 10_000, 90)
    for number in range(1200):
        put(writer, [record(number)])
    for turns in range(1, 60):
        flush = asyncio.create_task(writer.flush())
        for _ in range(turns):
            await asyncio.sleep(0)
        flush.cancel()
        await asyncio.gather(flush, return_exceptions=True)
    await writer.flush()
    assert await stored(store) == list(range(1200))
    assert await counted(store) == 1200


async def test_two_writers_number_their_batches_apart(store: Store) -> None:
    for number in range(3):
        await write(store, [record(number)])
    assert await stored(store) == [0, 1, 2]


async def test_what_is_remembered_of_a_writer_goes_with_time(store: Store) -> None:
    await write(store, [record(1)])
    [name] = await cast("Any", store.redis.keys(keys.why_writer("*")))
    assert 0 < await cast("Any", store.redis.ttl(name)) <= DAY


# the store is away


async def test_an_outage_loses_nothing(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        told: list[int] = []
        writer = WhyWriter(store, 1000, 90, told.append)
        task = asyncio.create_task(writer.run())
        try:
            put(writer, [record(1)])
            await writer.flush()
            server.stop()
            for number in range(2, 20):
                put(writer, [record(number)])
            with pytest.raises(StoreUnavailable):
                await writer.flush()
            assert writer.waiting == 18
            server.start()
            async with asyncio.timeout(10):
                while writer.waiting:  # noqa: ASYNC110 - a test's only waiting
                    await asyncio.sleep(0.05)
            assert await stored(store) == list(range(1, 20))
            assert told == []
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


async def test_a_full_queue_tells_what_it_loses_and_keeps_the_rest(store: Store) -> None:
    told: list[int] = []
    writer = WhyWriter(store, 100_000, 90, told.append)
    one = record(1)
    for _ in range(20_000):
        put(writer, [one])
    assert told == []
    for _ in range(7):
        put(writer, [one])
    assert told == [1] * 7
    await writer.flush()
    assert await length(store) == 20_000
    put(writer, [one])
    assert told == [1] * 7


async def test_at_the_end_all_is_written(store: Store) -> None:
    told: list[int] = []
    writer = WhyWriter(store, 10_000, 90, told.append)
    for number in range(1200):
        put(writer, [record(number)])
    await writer.close()
    assert await stored(store) == list(range(1200))
    assert (writer.waiting, told) == (0, [])
    put(writer, [record(1)])
    assert told == [1], "nobody would write it"


async def test_at_the_end_a_lost_answer_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        async with door(server.port) as way:
            store, direct = Store(way.url), Store(server.url)
            told: list[int] = []
            writer = WhyWriter(store, 10_000, 90, told.append)
            try:
                put(writer, [record(0)])
                await writer.flush()
                put(writer, [record(1)])
                way.swallow()
                await writer.close()
                assert await stored(direct) == [0, 1]
                assert told == []
            finally:
                await store.close()
                await direct.close()


async def test_what_is_left_at_the_end_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[int] = []
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        server.stop()
        writer = WhyWriter(store, 1000, 90, told.append)
        for number in range(5):
            put(writer, [record(number)])
        try:
            await writer.close()
        finally:
            await store.close()
    assert (told, writer.waiting) == ([5], 0)
    assert capsys.readouterr().out.count("why_records_lost") == 1


async def test_a_store_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        told: list[int] = []
        writer = WhyWriter(store, 1000, 90, told.append)
        put(writer, [record(1)])
        await writer.flush()
        put(writer, [record(2)])
        try:
            with server.frozen():
                async with asyncio.timeout(30):
                    await writer.close()
            assert told == [1]
        finally:
            await store.close()


# how long they are kept


async def test_a_tenant_keeps_no_more_than_it_may(store: Store) -> None:
    await write(store, [*(record(number) for number in range(1000)), record(1, tenant="other")], keep=100)
    assert await stored(store) == list(range(900, 1000))
    assert await length(store, "other") == 1
    assert await counted(store) == 1000, "what is counted stays"


@given(st.lists(st.integers(1, 250), min_size=1, max_size=12), st.sampled_from([1, 7, 250, 1000]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_newest_are_kept_and_an_entry_more_at_most(store: Store, batches: list[int], keep: int) -> None:
    """Whole entries go; a stream is trimmed after each hundredth of what it keeps."""
    await store.redis.flushall()
    total = 0
    for batch in batches:
        await write(store, [record(number) for number in range(total, total + batch)], keep=keep)
        total += batch
        kept = await stored(store)
        assert kept == list(range(total - len(kept), total))
        assert min(keep, total) <= len(kept) < keep + 100 + max(1, keep // 100)


async def test_records_that_come_together_are_one_entry(store: Store) -> None:
    """Each of them numbered, of all that the tenant ever had."""
    first = time.time() - 5
    late = [record(number, time=timestamps.from_seconds(first + number)) for number in (2, 0, 1)]
    await write(store, [*late, record(9, tenant="other")])
    await write(store, [record(number) for number in range(3, 253)])
    entries = await cast("Any", store.redis.xrange(keys.why_of(TENANT)))
    told = [(entry.split(b"-")[1], fields[b"count"], fields[b"entry"]) for entry, fields in entries]
    assert told == [(b"3", b"3", b"1"), (b"103", b"100", b"2"), (b"203", b"100", b"3"), (b"253", b"50", b"4")]
    assert entries[0][1][b"earliest"] == timestamps.from_seconds(first).encode()
    assert [len(fields[b"lines"].splitlines()) for _, fields in entries] == [3, 100, 100, 50]


async def old_form(store: Store, numbers: Sequence[int], at: str = "*") -> None:
    """Records as the release before wrote them: an entry each."""
    async with store.redis.pipeline(transaction=False) as pipe:
        for number in numbers:
            pipe.xadd(keys.why_of(TENANT), {"record": msgspec.json.encode(record(number))}, id=at)
        await pipe.execute()


async def test_what_a_release_before_wrote_counts_too(store: Store) -> None:
    await old_form(store, range(300))
    await write(store, [record(number) for number in range(300, 350)], keep=200)
    assert await stored(store) == list(range(150, 350))
    await write(store, [record(number) for number in range(350, 550)], keep=200)
    assert await stored(store) == list(range(350, 550))


async def test_a_release_before_may_write_meanwhile(store: Store) -> None:
    """While gateways are renewed, one by one."""
    for start in range(0, 400, 40):
        await write(store, [record(number) for number in range(start, start + 30)], keep=1000)
        await old_form(store, range(start + 30, start + 40))
    assert await stored(store) == list(range(400))
    await write(store, [record(number) for number in range(400, 1300)], keep=1000)
    assert (await stored(store))[-1000:] == list(range(300, 1300))
    assert len(await stored(store)) < 1110


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_stores_clock_that_was_set_back_is_no_matter(store: Store, emptied: bool) -> None:
    """A stream takes no id below its last."""
    await old_form(store, [0], at=f"{int(time.time() * 1000) + 60_000}-5")
    if emptied:
        await cast("Any", store.redis.xtrim(keys.why_of(TENANT), maxlen=0, approximate=False))
    await write(store, [record(1), record(2)])
    await write(store, [record(3)])
    assert await stored(store) == [1, 2, 3] if emptied else [0, 1, 2, 3]


async def test_what_is_too_old_goes_with_the_next_write(store: Store) -> None:
    old = int(time.time() * 1000) - 2 * DAY * 1000
    async with store.redis.pipeline(transaction=False) as pipe:
        for number in range(400):
            pipe.xadd(keys.why_of(TENANT), {"record": b"{}"}, id=f"{old + number}-0")
        pipe.zadd(keys.why_days_of(TENANT), {"2020-01-01": 20200101})
        await pipe.execute()
    await write(store, [record(1)], days=1)
    assert await length(store) < 200
    assert len(await cast("Any", store.redis.zrange(keys.why_days_of(TENANT), 0, -1))) == 1


@pytest.mark.parametrize("days_ahead", [91, -91])
async def test_a_gateway_whose_clock_is_wrong_removes_nothing(store: Store, days_ahead: int) -> None:
    await write(store, [record(number) for number in range(1000)], days=90)
    writer = WhyWriter(store, 10_000, 90, clock=lambda: time.time() + days_ahead * DAY)
    put(writer, [record(1000, time=timestamps.from_seconds(time.time() + days_ahead * DAY))])
    await writer.flush()
    assert await length(store) == 1001
    assert await counted(store) >= 1000


async def test_of_a_tenant_that_stops_calling_all_ends(store: Store) -> None:
    one = record(1)
    await write(store, [one], days=7)
    day = one.time[:10]
    for name, seconds in (
        (keys.why_of(TENANT), 7 * DAY),
        (keys.why_day_of(TENANT, day), 8 * DAY),
        (keys.why_days_of(TENANT), 8 * DAY),
        (keys.recent_of(TENANT, int(timestamps.to_seconds(one.time)) // 60), 4200),
    ):
        assert seconds - 60 < await cast("Any", store.redis.ttl(name)) <= seconds, name
        await cast("Any", store.redis.expire(name, 5))
    await write(store, [one], days=7)
    assert await cast("Any", store.redis.ttl(keys.why_of(TENANT))) > DAY, "each write renews it"
    assert await cast("Any", store.redis.ttl(keys.why_day_of(TENANT, day))) > DAY


async def test_days_without_end_are_a_century(store: Store) -> None:
    await write(store, [record(1)], days=10**9 - 1)
    assert await stored(store) == [1]


async def test_the_last_hours_calls_are_counted_by_arm(store: Store) -> None:
    many = [record(number) for number in range(5)]
    many += [record(number, fine_tuned=True, reason="active_job") for number in range(3)]
    # the gateway had no choice to make
    many += [record(8, reason=reason) for reason in (None, "endpoint_not_tunable", "foreign_fine_tune")]
    many.append(record(9, time=timestamps.from_seconds(time.time() - 2 * 3600)))
    await write(store, many)
    assert await recent_calls(store, TENANT) == (8, 3)
    assert await recent_calls(store, "other") == (0, 0)
