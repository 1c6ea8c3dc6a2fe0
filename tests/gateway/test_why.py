"""Why records: written behind, kept over an outage, found again by call, time and job."""

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import timestamps
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable
from gateway.why import WhyReader, WhyRecord, WhyWriter, recent_calls
from tests.support.redis import stoppable

TENANT = "acme"


def record(number: int = 0, **changes: Any) -> WhyRecord:
    """A record of a call that ended just now."""
    now = time.time()
    fields: dict[str, Any] = {
        "call_id": f"call_{int(now * 1000):012x}{number:020x}",
        "trace_id": f"{number:032x}",
        "span_id": None,
        "time": timestamps.from_seconds(now),
        "tenant": TENANT,
        "key_id": "key_1",
        "workflow": None,
        "endpoint": "chat/completions",
        "requested_model": "gpt-4o-mini",
        "routed_model": "gpt-4o-mini",
        "served_model": None,
        "provider": "main",
        "fine_tuned": False,
        "reason": "no_active_job",
        "job_id": None,
        "revision": 1,
        "attempts": 1,
        "status": 200,
        "error": None,
        "response_id": None,
        "stream": False,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
        "duration_ms": 1.5,
        "time_to_first_chunk_ms": None,
        "cancelled": False,
        **changes,
    }
    return WhyRecord(**fields)


async def length(store: Store, tenant: str = TENANT) -> int:
    """How many records a tenant has."""
    return int(await cast("Any", store.redis.xlen(keys.why_of(tenant))))


async def test_a_record_comes_back_as_it_was(store: Store) -> None:
    writer, reader = WhyWriter(store, 1000, 90), WhyReader(store)
    one = record(1, workflow="assistänt", fine_tuned=True, reason="active_job", job_id="job_1", cancelled=True)
    writer.put(one)
    await writer.flush()
    assert await reader.one(TENANT, one.call_id) == one


@pytest.mark.parametrize("call_id", ["call_0", "call_", "", "job_1", "call_zzzzzzzzzzzz", "call_ffffffffffff"])
async def test_an_unknown_call_has_no_record(store: Store, call_id: str) -> None:
    writer = WhyWriter(store, 1000, 90)
    writer.put(record(1))
    await writer.flush()
    assert await WhyReader(store).one(TENANT, call_id) is None


async def test_a_tenant_sees_its_own_only(store: Store) -> None:
    writer, reader = WhyWriter(store, 1000, 90), WhyReader(store)
    mine, theirs = record(1), record(2, tenant="other")
    writer.put(mine)
    writer.put(theirs)
    await writer.flush()
    assert await reader.one(TENANT, theirs.call_id) is None
    assert (await reader.page(TENANT, lambda _: True, 10, None)).records == [mine]


async def test_one_is_found_among_many_at_the_same_time(store: Store) -> None:
    writer, reader = WhyWriter(store, 10_000, 90), WhyReader(store)
    many = [record(number) for number in range(1201)]
    for one in many:
        writer.put(one)
    await writer.flush()
    assert await reader.one(TENANT, many[0].call_id) == many[0]
    assert await reader.one(TENANT, many[-1].call_id) == many[-1]


async def test_pages_go_from_the_newest_to_the_oldest_and_miss_none(store: Store) -> None:
    writer, reader = WhyWriter(store, 10_000, 90), WhyReader(store)
    many = [record(number) for number in range(1205)]
    for one in many:
        writer.put(one)
    await writer.flush()
    read: list[WhyRecord] = []
    cursor: str | None = None
    while True:
        page = await reader.page(TENANT, lambda _: True, 100, cursor)
        assert len(page.records) <= 100
        read += page.records
        cursor = page.next_cursor
        if cursor is None:
            break
    assert read == many[::-1]


async def test_what_arrives_while_somebody_pages_is_no_repeat(store: Store) -> None:
    writer, reader = WhyWriter(store, 10_000, 90), WhyReader(store)
    for number in range(4):
        writer.put(record(number))
    await writer.flush()
    first = await reader.page(TENANT, lambda _: True, 2, None)
    writer.put(record(9))
    await writer.flush()
    second = await reader.page(TENANT, lambda _: True, 2, first.next_cursor)
    numbers = [int(one.trace_id, 16) for one in first.records + second.records]
    assert numbers == [3, 2, 1, 0]


async def test_a_filter_looks_as_far_as_it_must(store: Store) -> None:
    writer, reader = WhyWriter(store, 10_000, 90), WhyReader(store)
    for number in range(1500):
        writer.put(record(number, job_id="job_1" if number in (3, 700, 1400) else None))
    await writer.flush()
    page = await reader.page(TENANT, lambda one: one.job_id == "job_1", 2, None)
    assert [int(one.trace_id, 16) for one in page.records] == [1400, 700]
    rest = await reader.page(TENANT, lambda one: one.job_id == "job_1", 2, page.next_cursor)
    assert [int(one.trace_id, 16) for one in rest.records] == [3]
    assert rest.next_cursor is None


async def test_the_writer_writes_by_itself(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    task = asyncio.create_task(writer.run())
    try:
        for number in range(700):
            writer.put(record(number))
        async with asyncio.timeout(10):
            while await length(store) < 700:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_tenants_records_keep_their_order_among_others(store: Store) -> None:
    writer, reader = WhyWriter(store, 10_000, 90), WhyReader(store)
    many = [record(number, tenant=f"t{number % 3}") for number in range(1205)]
    for one in many:
        writer.put(one)
    await writer.flush()
    for tenant in ("t0", "t1", "t2"):
        page = await reader.page(tenant, lambda _: True, 10_000, None)
        assert page.records[::-1] == [one for one in many if one.tenant == tenant]


@given(st.lists(st.text(), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_caller_says_of_itself_is_one_record(store: Store, said: list[str]) -> None:
    """A batch is cut at line feeds; what a record holds has none of its own."""
    await cast("Any", store.redis.delete(keys.why_of(TENANT)))
    writer, reader = WhyWriter(store, 1000, 90), WhyReader(store)
    many = [record(number, workflow=text, requested_model=f"{text}\n\r\n") for number, text in enumerate(said)]
    for one in many:
        writer.put(one)
    await writer.flush()
    assert (await reader.page(TENANT, lambda _: True, 10, None)).records[::-1] == many


async def test_a_server_that_has_forgotten_the_script_is_told_again(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    for number in range(3):
        await cast("Any", store.redis.script_flush())
        writer.put(record(number))
        await writer.flush()
    assert await length(store) == 3


async def test_a_batch_of_more_tenants_than_one(store: Store) -> None:
    """Every one of them with a count of its own."""
    writer = WhyWriter(store, 1000, 90)
    for number in range(900):
        writer.put(record(number, tenant=f"t{number}", fine_tuned=number % 2 == 0, reason="active_job"))
    await writer.flush()
    assert [await length(store, f"t{number}") for number in (0, 1, 499, 500, 899)] == [1] * 5
    assert await recent_calls(store, "t498") == (1, 1)
    assert await recent_calls(store, "t499") == (1, 0)


async def test_counts_go_with_time(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    now = time.time()
    writer.put(record(1, time=timestamps.from_seconds(now)))
    await writer.flush()
    left = await cast("Any", store.redis.ttl(keys.recent_of(TENANT, int(now) // 60)))
    assert 3600 < left <= 3600 + 600


async def test_it_writes_in_batches(store: Store) -> None:
    writer = WhyWriter(store, 10_000, 90)
    for number in range(2000):
        writer.put(record(number))
    before = (await cast("Any", store.redis.info("stats")))["total_reads_processed"]
    await writer.flush()
    after = (await cast("Any", store.redis.info("stats")))["total_reads_processed"]
    assert await length(store) == 2000
    assert after - before < 300  # reads of its socket, not one a record


async def test_an_outage_loses_nothing(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        writer = WhyWriter(store, 1000, 90)
        task = asyncio.create_task(writer.run())
        try:
            writer.put(record(1))
            await writer.flush()
            server.stop()
            for number in range(2, 20):
                writer.put(record(number))
            with pytest.raises(StoreUnavailable):
                await writer.flush()
            server.start()
            async with asyncio.timeout(10):
                while True:
                    try:
                        await writer.flush()
                        break
                    except StoreUnavailable:
                        await asyncio.sleep(0.05)
            page = await WhyReader(store).page(TENANT, lambda _: True, 100, None)
            assert {int(one.trace_id, 16) for one in page.records} == set(range(1, 20))
            assert writer.lost == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


async def test_a_full_queue_counts_what_it_loses_and_keeps_the_rest(store: Store) -> None:
    writer = WhyWriter(store, 100_000, 90)
    one = record(1)
    for _ in range(20_000):
        writer.put(one)
    assert writer.lost == 0
    for _ in range(7):
        writer.put(one)
    assert writer.lost == 7
    await writer.flush()
    assert await length(store) == 20_000
    writer.put(one)
    assert writer.lost == 7


async def test_a_tenant_keeps_no_more_than_it_may(store: Store) -> None:
    writer = WhyWriter(store, 100, 90)
    for number in range(1000):
        writer.put(record(number))
    writer.put(record(1, tenant="other"))
    await writer.flush()
    assert 100 <= await length(store) < 300  # Redis trims whole nodes of its stream
    assert await length(store, "other") == 1
    newest = await WhyReader(store).page(TENANT, lambda _: True, 1, None)
    assert newest.records[0].trace_id == f"{999:032x}"


async def test_what_is_too_old_goes_with_the_next_write(store: Store) -> None:
    old = int(time.time() * 1000) - 2 * 86_400_000
    async with store.redis.pipeline(transaction=False) as pipe:
        for number in range(400):
            pipe.xadd(keys.why_of(TENANT), {"record": b"{}"}, id=f"{old + number}-0")
        await pipe.execute()
    writer = WhyWriter(store, 100_000, 1)
    writer.put(record(1))
    await writer.flush()
    assert await length(store) < 200


async def test_the_last_hours_calls_are_counted_by_arm(store: Store) -> None:
    writer = WhyWriter(store, 1000, 90)
    for number in range(5):
        writer.put(record(number))
    for number in range(3):
        writer.put(record(number, fine_tuned=True, reason="active_job"))
    for reason in (None, "endpoint_not_tunable", "foreign_fine_tune"):
        writer.put(record(8, reason=reason))  # the gateway had no choice to make
    long_ago = timestamps.from_seconds(time.time() - 2 * 3600)
    writer.put(record(9, time=long_ago))
    await writer.flush()
    assert await recent_calls(store, TENANT) == (8, 3)
    assert await recent_calls(store, "other") == (0, 0)
