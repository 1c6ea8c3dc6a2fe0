"""The audit log's reader, over a real store: what is found, in which order, page by page, and for how long."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import timestamps
from gateway.audit import AuditReader, AuditRecord, Wanted
from gateway.store import keys
from gateway.store.audits import Actor, encode
from gateway.store.connection import Store, StoreUnavailable, Write
from tests.support.redis import stoppable

DAY_MS = 86_400_000
ALICE = Actor("platform_admin", "key_alice", "Alice", "203.0.113.7")
BOB = Actor("tenant_admin", "key_bob")
ALL = Wanted()


def body(
    action: str = "tenant.put", actor: Actor = ALICE, tenant: str | None = "acme", at: float | None = None
) -> bytes:
    """A record as the store keeps it."""
    moment = timestamps.from_seconds(time.time() if at is None else at)
    return encode(actor, time=moment, action=action, tenant=tenant, before=None, after={"name": "Acme"})


async def change(store: Store, number: int, tenant: str | None = "acme", **more: Any) -> int:
    """A change with its record, and the revision that it made."""
    write = Write(keys.TENANTS, f"t-{number}", None, b"{}")
    committed = await store.commit([write], audit=body(tenant=tenant, **more), tenant=tenant)
    return committed.revision


async def put(store: Store, entries: Sequence[str], records: Sequence[bytes]) -> None:
    """Records under ids of one's own: the clock of a store that a test cannot wait for."""
    async with store.redis.pipeline(transaction=False) as pipe:
        for entry_id, record in zip(entries, records, strict=True):
            pipe.xadd(keys.AUDIT, {"revision": 1, "record": record}, id=entry_id)
        await pipe.execute()


def ids(milliseconds: int, count: int) -> list[str]:
    """The ids of so many entries of one millisecond."""
    return [f"{milliseconds}-{number + 1}" for number in range(count)]


async def exported(reader: AuditReader, tenant: str | None = None, wanted: Wanted = ALL) -> list[AuditRecord]:
    """All that an export gives."""
    return [record async for records in reader.all(tenant, wanted, None) for record in records]


async def test_a_record_is_what_was_written_with_its_id_and_revision(store: Store) -> None:
    began = time.time()
    revision = await change(store, 1, action="provider.put")
    [record] = (await AuditReader(store, 1).page(None, ALL, 10, None)).records
    assert (record.actor.type, record.actor.id, record.actor.label) == ("platform_admin", "key_alice", "Alice")
    assert (record.address, record.action, record.tenant) == ("203.0.113.7", "provider.put", "acme")
    assert (record.before, record.after, record.revision) == (None, {"name": "Acme"}, revision)
    assert abs(timestamps.to_seconds(record.time) - began) < 5
    assert record.id == (await cast("Any", store.redis.xrange(keys.AUDIT)))[0][0].decode()


async def test_a_tenants_log_is_its_own_part_of_the_whole(store: Store) -> None:
    for number, tenant in enumerate(("acme", "other", None, "acme")):
        await change(store, number, tenant)
    reader = AuditReader(store, 1)
    whole = await exported(reader)
    assert [record.tenant for record in whole] == ["acme", None, "other", "acme"]
    assert await exported(reader, "acme") == [whole[0], whole[3]]
    assert await exported(reader, "nobody") == []


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [4, 3, 2, 1, 0]),
        (Wanted(actor="key_bob"), [3, 1]),
        (Wanted(actor="bob"), []),
        (Wanted(action="tenant.put"), [2, 0]),
        (Wanted(action="tenant"), []),
        (Wanted(action="tenant."), [3, 2, 0]),
        (Wanted(action="stock"), [4]),
        (Wanted(action="stock."), []),
        (Wanted(action="tenant.", actor="key_bob"), [3]),
        (Wanted(since=102.0), [4, 3, 2]),
        (Wanted(until=102.0), [1, 0]),
        (Wanted(since=101.0, until=103.0), [2, 1]),
        (Wanted(since=103.0, until=101.0), []),
        (Wanted(since=10.0**9), []),
        (Wanted(until=-1.0), []),
    ],
)
async def test_what_is_asked_for(store: Store, wanted: Wanted, numbers: list[int]) -> None:
    begin = int(time.time()) - 1000  # of which the table's times are offsets
    actions = ["tenant.put", "provider.put", "tenant.put", "tenant.delete", "stock"]
    records = [
        body(action, BOB if number in (1, 3) else ALICE, at=begin + 100 + number)
        for number, action in enumerate(actions)
    ]
    await put(store, [f"{(begin + 100 + number) * 1000}-0" for number in range(5)], records)
    shifted = Wanted(
        wanted.actor,
        wanted.action,
        None if wanted.since is None else begin + wanted.since,
        None if wanted.until is None else begin + wanted.until,
    )
    reader = AuditReader(store, 1)
    found = await exported(reader, wanted=shifted)
    assert [round(timestamps.to_seconds(record.time)) - begin - 100 for record in found] == numbers
    assert (await reader.page(None, shifted, 10, None)).records == found


async def test_a_gateway_whose_clock_is_wrong_by_minutes_is_found_by_its_own_time(store: Store) -> None:
    now = int(time.time())
    for number, skew in enumerate((-600, 600)):
        await put(store, [f"{now * 1000}-{number}"], [body(at=now + skew)])
    reader = AuditReader(store, 1)
    assert len(await exported(reader, wanted=Wanted(since=now - 601, until=now - 599))) == 1
    assert len(await exported(reader, wanted=Wanted(since=now + 599, until=now + 601))) == 1


@given(
    actors=st.lists(st.booleans(), max_size=30),
    limit=st.integers(1, 7),
    most=st.integers(1, 40),
    rare=st.booleans(),
    bounded=st.booleans(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_pages_lead_through_all_that_is_wanted_and_end(
    store: Store, actors: list[bool], limit: int, most: int, rare: bool, bounded: bool
) -> None:
    await store.redis.delete(keys.AUDIT)
    now = int(time.time() * 1000)
    await put(store, ids(now, len(actors)), [body(actor=BOB if bobs else ALICE) for bobs in actors])
    reader = AuditReader(store, 1)
    bound = now / 1000 + 60 if bounded else None
    wanted = Wanted(actor="key_bob" if rare else None, until=bound)
    found: list[AuditRecord] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = await reader.page(None, wanted, limit, cursor, most)
        found += page.records
        pages += 1
        assert len(page.records) <= limit
        assert pages <= len(actors) + 1
        if page.next_cursor is None:
            break
        assert page.records or most <= len(actors), "an empty page leads on only where the search was cut short"
        cursor = page.next_cursor
    assert found == await exported(reader, wanted=wanted)


async def test_the_last_page_says_that_it_is_the_last(store: Store) -> None:
    for number in range(4):
        await change(store, number)
    reader = AuditReader(store, 1)
    first = await reader.page(None, ALL, 2, None)
    assert first.next_cursor == first.records[-1].id
    assert (await reader.page(None, ALL, 2, first.next_cursor)).next_cursor is None


async def test_a_rare_filter_is_answered_with_what_was_found_and_where_to_go_on(store: Store) -> None:
    now = int(time.time() * 1000)
    count = 1000
    await put(store, ids(now, count), [body(actor=BOB), *[body()] * (count - 1)])
    reader = AuditReader(store, 1)
    page = await reader.page(None, Wanted(actor="key_bob"), 10, None, most=count - 1)
    assert (page.records, page.next_cursor) == ([], f"{now}-2")
    page = await reader.page(None, Wanted(actor="key_bob"), 10, page.next_cursor)
    assert ([record.id for record in page.records], page.next_cursor) == ([f"{now}-1"], None)
    assert len(await exported(reader, wanted=Wanted(actor="key_bob"))) == 1


async def test_what_is_older_than_its_days_is_not_shown_though_it_is_still_there(store: Store) -> None:
    now = int(time.time() * 1000)
    old = [f"{now - 2 * DAY_MS - 1000}-0", f"{now - 2 * DAY_MS + 60_000}-0", f"{now}-0"]
    await put(store, old, [body()] * 3)
    reader = AuditReader(store, 2)
    assert [record.id for record in await exported(reader)] == [old[2], old[1]]
    assert [record.id for record in (await reader.page(None, Wanted(since=0.0), 10, None)).records] == [old[2], old[1]]
    assert (await reader.page(None, ALL, 10, old[1])).records == []
    assert int(await cast("Any", store.redis.xlen(keys.AUDIT))) == 3


async def seconds_left(store: Store, name: str) -> int:
    """For how long a stream is kept if nobody writes to it."""
    return int(await cast("Any", store.redis.ttl(name)))


async def test_a_change_deletes_what_is_older_than_its_days(redis_url: str, store: Store) -> None:
    """In whole nodes of a hundred entries, so that most of what is too old goes, and nothing else."""
    now = int(time.time() * 1000)
    mine = keys.audit_of("acme")
    old, young = ids(now - 2 * DAY_MS - 60_000, 250), ids(now - 2 * DAY_MS + 60_000, 3)
    await put(store, [*old, *young], [body()] * 253)
    async with store.redis.pipeline(transaction=False) as pipe:
        for entry_id in [*old, *young]:
            pipe.xadd(mine, {"revision": 1, "record": body()}, id=entry_id)
        await pipe.execute()
    keeping = Store(redis_url, 2)
    try:
        await change(keeping, 1)
    finally:
        await keeping.close()
    for name in (keys.AUDIT, mine):
        kept = [entry.decode() for entry, _ in await cast("Any", store.redis.xrange(name))]
        assert kept[-4:-1] == young, name
        assert len(kept) <= 100 + 3 + 1, name


async def test_a_log_that_nobody_writes_to_any_more_ends_with_its_days(redis_url: str, store: Store) -> None:
    keeping = Store(redis_url, 2)
    try:
        for number, tenant in enumerate(("acme", "other")):
            await change(keeping, number, tenant)
        for name in (keys.AUDIT, keys.audit_of("acme"), keys.audit_of("other")):
            assert 0 <= 2 * 86_400 - await seconds_left(store, name) < 60, name
            await cast("Any", store.redis.expire(name, 1000))
        await change(keeping, 2, "other")
    finally:
        await keeping.close()
    assert await seconds_left(store, keys.audit_of("acme")) <= 1000
    assert await seconds_left(store, keys.AUDIT) > 86_400
    assert await seconds_left(store, keys.audit_of("other")) > 86_400


async def test_a_log_whose_last_record_is_too_old_is_gone(redis_url: str, store: Store) -> None:
    """Its days are two seconds here; what is written to another tenant's meanwhile does not keep it."""
    keeping = Store(redis_url, cast("int", 2 / 86_400))
    try:
        await change(keeping, 1, "acme")
        async with asyncio.timeout(20):
            while await cast("Any", store.redis.exists(keys.audit_of("acme"))):
                await change(keeping, 2, "other")
                await asyncio.sleep(0.2)
                await store.redis.delete(keys.table(keys.TENANTS))
    finally:
        await keeping.close()


async def test_a_record_of_an_older_version_has_no_address(store: Store) -> None:
    plain = (
        b'{"time":"2026-11-22T12:00:00.000Z","actor":{"type":"service","id":"k","label":""},"action":"x","tenant":null}'
    )
    await put(store, ids(int(time.time() * 1000), 1), [plain])
    [record] = await exported(AuditReader(store, 1))
    assert (record.address, record.before, record.after) == (None, None, None)


async def test_a_store_that_goes_away_is_said(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            now = int(time.time() * 1000)
            await put(store, ids(now, 1000), [body()] * 1000)
            parts = AuditReader(store, 1).all(None, ALL, None)
            assert await anext(parts)
            server.stop()
            with pytest.raises(StoreUnavailable):
                await anext(parts)
        finally:
            await store.close()
