"""Why records, found again: by call, by anything that a search asks for, page by page, as long as they are kept."""

import time
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway import timestamps
from gateway.store import keys
from gateway.store.connection import Store
from gateway.why import WhyRecord
from gateway.why_reading import Page, Wanted, WhyReader, matches
from tests.support.why import TENANT, record, write

DAY_MS = 86_400_000
ALL = Wanted()


def numbers(page: Page) -> list[int]:
    """The records of a page, by their numbers."""
    return [int(one.trace_id, 16) for one in page.records]


async def put(store: Store, entries: Sequence[tuple[int, WhyRecord]]) -> None:
    """Records written at times of one's own, in milliseconds since the epoch; as releases before did, an entry each."""
    async with store.redis.pipeline(transaction=False) as pipe:
        for number, (at, one) in enumerate(entries):
            pipe.xadd(keys.why_of(TENANT), {"record": msgspec.json.encode(one)}, id=f"{at}-{number}")
        await pipe.execute()


async def exported(reader: WhyReader, wanted: Wanted = ALL) -> list[WhyRecord]:
    """All that an export gives."""
    return [one async for part in reader.all(TENANT, wanted, None) for one in part]


# one


async def test_a_record_comes_back_as_it_was(store: Store) -> None:
    one = record(1, workflow="assistänt", fine_tuned=True, reason="active_job", job_id="job_1", cancelled=True)
    await write(store, [one])
    assert await WhyReader(store, 90).one(TENANT, one.call_id) == one


@pytest.mark.parametrize(
    "call_id", ["call_0", "call_", "", "job_1", "call_zzzzzzzzzzzz", "call_ffffffffffff", "call_-1"]
)
async def test_an_unknown_call_has_no_record(store: Store, call_id: str) -> None:
    await write(store, [record(1)])
    assert await WhyReader(store, 90).one(TENANT, call_id) is None


async def test_a_tenant_sees_its_own_only(store: Store) -> None:
    mine, theirs = record(1), record(2, tenant="other")
    await write(store, [mine, theirs])
    reader = WhyReader(store, 90)
    assert await reader.one(TENANT, theirs.call_id) is None
    assert (await reader.page(TENANT, ALL, 10, None)).records == [mine]


async def test_one_is_found_among_many_at_the_same_time(store: Store) -> None:
    many = [record(number) for number in range(2201)]
    await write(store, many)
    for one in (many[0], many[1100], many[-1]):
        assert await WhyReader(store, 90).one(TENANT, one.call_id) == one


async def test_one_whose_gateways_clock_is_ahead_is_found(store: Store) -> None:
    now = time.time()
    ahead = record(1, call_id=timestamps.call_id(now + 60), time=timestamps.from_seconds(now + 60))
    await write(store, [ahead])
    reader = WhyReader(store, 90)
    assert await reader.one(TENANT, ahead.call_id) == ahead
    assert (await reader.page(TENANT, Wanted(since=now + 30), 1, None)).records == [ahead]


# pages


async def test_pages_go_from_the_newest_to_the_oldest_and_miss_none(store: Store) -> None:
    many = [record(number) for number in range(1205)]
    await write(store, many)
    for limit in (100, 241, 500, 1205):
        read: list[WhyRecord] = []
        cursor: str | None = None
        pages = 0
        while cursor is not None or not pages:
            page = await WhyReader(store, 90).page(TENANT, ALL, limit, cursor)
            assert len(page.records) <= limit
            read += page.records
            cursor = page.next_cursor
            pages += 1
        assert read == many[::-1]
        assert pages == -(-1205 // limit), "the last page says that it is the last"


@pytest.mark.parametrize(("limit", "most"), [(1, 120_000), (7, 37), (100, 1), (101, 120_000), (500, 100)])
async def test_pages_end_and_begin_within_entries_of_either_form(store: Store, limit: int, most: int) -> None:
    """Also where a release before has written some, an entry each."""
    many = [record(number, workflow="odd" if number % 2 else None) for number in range(335)]
    await put(store, [(int(time.time() * 1000) - 60_000 + number // 5, one) for number, one in enumerate(many[:20])])
    for start, end in ((20, 21), (21, 230), (230, 233), (233, 335)):
        await write(store, many[start:end])
    reader = WhyReader(store, 90)
    for wanted, right in ((ALL, many[::-1]), (Wanted(workflow="odd"), many[::-1][1::2])):
        read: list[WhyRecord] = []
        cursor: str | None = None
        while cursor is not None or not read:
            page = await reader.page(TENANT, wanted, limit, cursor, most)
            read += page.records
            cursor = page.next_cursor
        assert read == right
    for one in (many[0], many[19], many[20], many[21], many[120], many[121], many[334]):
        assert await reader.one(TENANT, one.call_id) == one


async def test_a_cursor_leads_on_where_its_record_has_gone(store: Store) -> None:
    await write(store, [record(number) for number in range(150)])
    reader = WhyReader(store, 90)
    first = await reader.page(TENANT, ALL, 20, None)
    await cast("Any", store.redis.xtrim(keys.why_of(TENANT), maxlen=1, approximate=False))
    assert numbers(await reader.page(TENANT, ALL, 200, first.next_cursor)) == list(range(129, 99, -1))
    await cast("Any", store.redis.xtrim(keys.why_of(TENANT), maxlen=0, approximate=False))
    assert await reader.page(TENANT, ALL, 200, first.next_cursor) == Page([], None)


async def test_what_arrives_while_somebody_pages_is_no_repeat(store: Store) -> None:
    await write(store, [record(number) for number in range(4)])
    reader = WhyReader(store, 90)
    first = await reader.page(TENANT, ALL, 2, None)
    await write(store, [record(9)])
    second = await reader.page(TENANT, ALL, 2, first.next_cursor)
    assert numbers(first) + numbers(second) == [3, 2, 1, 0]


async def test_a_search_looks_as_far_as_it_must(store: Store) -> None:
    rare = (3, 700, 2400)
    await write(store, [record(number, job_id="job_1" if number in rare else None) for number in range(2500)])
    reader, wanted = WhyReader(store, 90), Wanted(job_id="job_1")
    page = await reader.page(TENANT, wanted, 2, None)
    assert numbers(page) == [2400, 700]
    rest = await reader.page(TENANT, wanted, 2, page.next_cursor)
    assert numbers(rest) == [3]
    assert rest.next_cursor is None
    assert [int(one.trace_id, 16) for one in await exported(reader, wanted)] == [2400, 700, 3]


async def test_a_page_ends_where_too_much_was_looked_at_and_leads_on(store: Store) -> None:
    await write(store, [record(number, job_id="job_1" if number == 3 else None) for number in range(3500)])
    reader, wanted = WhyReader(store, 90), Wanted(job_id="job_1")
    found, cursor = [], None
    for _ in range(2):
        page = await reader.page(TENANT, wanted, 2, cursor, most=1000)
        found += page.records
        cursor = page.next_cursor
        assert (page.records, cursor is None) == ([], False)
    page = await reader.page(TENANT, wanted, 2, cursor, most=2000)
    assert numbers(page) == [3]
    assert page.next_cursor is None


async def test_a_search_stops_where_it_may(store: Store) -> None:
    """What was written long before `since`, or the call, is not looked at: here it could not even be read."""
    now = int(time.time() * 1000)
    await cast("Any", store.redis.xadd(keys.why_of(TENANT), {"record": b"no JSON"}, id=f"{now - 3_600_000}-0"))
    one = record(1)
    await write(store, [one])
    reader = WhyReader(store, 90)
    assert (await reader.page(TENANT, Wanted(since=now / 1000 - 60), 5, None)).records == [one]
    assert await reader.one(TENANT, one.call_id) == one
    with pytest.raises(msgspec.DecodeError):
        await reader.page(TENANT, ALL, 5, None)


async def test_what_is_older_than_the_days_is_not_shown(store: Store) -> None:
    now = int(time.time() * 1000)
    moments = (now - 2 * DAY_MS, now - DAY_MS - 60_000, now - DAY_MS + 60_000, now)
    ages = [
        (at, record(number, call_id=timestamps.call_id(at / 1000), time=timestamps.from_milliseconds(at)))
        for number, at in enumerate(moments)
    ]
    await put(store, ages)
    reader = WhyReader(store, 1)
    assert numbers(await reader.page(TENANT, ALL, 10, None)) == [3, 2]
    assert numbers(await reader.page(TENANT, Wanted(since=0.0), 10, None)) == [3, 2]
    assert [int(one.trace_id, 16) for one in await exported(reader)] == [3, 2]
    assert [await reader.one(TENANT, one.call_id) is None for _, one in ages] == [True, True, False, False]
    assert numbers(await WhyReader(store, 10**9 - 1).page(TENANT, ALL, 10, None)) == [3, 2, 1, 0]


async def test_a_long_calls_record_is_found_by_the_time_of_its_arrival(store: Store) -> None:
    now = int(time.time() * 1000)
    arrived = now - 3 * 3_600_000
    await put(store, [(now, record(1, time=timestamps.from_milliseconds(arrived)))])
    reader = WhyReader(store, 90)
    assert numbers(await reader.page(TENANT, Wanted(until=arrived / 1000 + 1), 5, None)) == [1]
    assert numbers(await reader.page(TENANT, Wanted(since=now / 1000 - 60), 5, None)) == []


# what is asked for

AT = 1_700_000_000.0
BASE = record(0, workflow="a", job_id="job_1", reason="active_job", fine_tuned=True, time=timestamps.from_seconds(AT))


@pytest.mark.parametrize(
    ("wanted", "changes", "found"),
    [
        ({}, {}, True),
        ({"call_id": BASE.call_id}, {}, True),
        ({"call_id": BASE.call_id[:-1]}, {}, False),
        ({"trace_id": BASE.trace_id}, {}, True),
        ({"trace_id": "0"}, {}, False),
        ({"workflow": "a"}, {}, True),
        ({"workflow": "a"}, {"workflow": None}, False),
        ({"workflow": "a"}, {"workflow": "ab"}, False),
        ({"workflow": "a"}, {"workflow": 'x","workflow":"a'}, False),
        ({"workflow": "a"}, {"workflow": "b", "requested_model": '"workflow":"a"'}, False),
        ({"workflow": "\\"}, {"workflow": '\\"'}, False),
        ({"workflow": '"\\\n\u2028é%a'}, {"workflow": '"\\\n\u2028é%a'}, True),
        ({"job_id": "job_1"}, {}, True),
        ({"job_id": "job_1"}, {"job_id": None}, False),
        ({"reason": "active_job"}, {}, True),
        ({"reason": "opted_out"}, {}, False),
        ({"fine_tuned": True}, {}, True),
        ({"fine_tuned": False}, {}, False),
        ({"fine_tuned": False}, {"fine_tuned": False, "stream": True}, True),
        ({"fine_tuned": True}, {"fine_tuned": False, "workflow": '"fine_tuned":true'}, False),
        ({"since": AT}, {}, True),
        ({"since": AT + 0.0005}, {}, False),
        ({"until": AT}, {}, False),
        ({"until": AT + 0.0005}, {}, True),
        ({"since": AT - 1, "until": AT + 1, "workflow": "a", "fine_tuned": True, "reason": "active_job"}, {}, True),
        ({"since": AT - 1, "until": AT + 1, "workflow": "a", "fine_tuned": True, "reason": "opted_out"}, {}, False),
        ({"since": -62135596800.0, "until": 253402300799.9}, {}, True),
        ({"until": -62135596800.0}, {}, False),
    ],
)
async def test_what_is_wanted_is_found(store: Store, wanted: Any, changes: Any, found: bool) -> None:
    one = replace(BASE, **changes)
    assert matches(one, Wanted(**wanted)) is found
    await write(store, [one])
    assert (await WhyReader(store, 90).page(TENANT, Wanted(**wanted), 5, None)).records == [one] * found


TEXT = st.text(st.sampled_from('ab"\\/:,{}\n\té\u2028\U0001f600\x00%'), max_size=4) | st.sampled_from(
    ('"workflow":"a"', '","job_id":"b', "\\", '\\"', "a")
)
OPTIONAL = st.none() | TEXT
START = 1_700_000_000
TIMES = st.sampled_from([float(START + second) for second in range(4)] + [START + 1.2345])
RECORDS = st.fixed_dictionaries(
    {
        "call_id": st.sampled_from([f"call_{START * 1000:012x}{number:020x}" for number in range(3)]),
        "trace_id": st.sampled_from([f"{number:032x}" for number in range(3)]),
        "workflow": OPTIONAL,
        "requested_model": OPTIONAL,
        "routed_model": OPTIONAL,
        "job_id": OPTIONAL,
        "reason": OPTIONAL,
        "fine_tuned": st.booleans(),
        "time": TIMES.map(timestamps.from_seconds),
    }
)
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "call_id": st.sampled_from([f"call_{START * 1000:012x}{number:020x}" for number in range(3)]),
        "trace_id": st.sampled_from([f"{number:032x}" for number in range(3)]),
        "workflow": TEXT,
        "job_id": TEXT,
        "reason": TEXT,
        "fine_tuned": st.booleans(),
        "since": TIMES,
        "until": TIMES,
    },
)


@given(st.lists(RECORDS, min_size=1, max_size=30), st.lists(WANTED, min_size=1, max_size=6), st.integers(1, 5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_redis_finds_is_what_a_plain_filter_finds(
    store: Store, made: list[dict[str, Any]], asked: list[dict[str, Any]], limit: int
) -> None:
    await store.redis.flushall()
    every = [record(number, **fields) for number, fields in enumerate(made)]
    await write(store, every)
    reader = WhyReader(store, 36_500)
    asked += [{"workflow": one["workflow"]} for one in made[:3] if one["workflow"] is not None]
    for fields in asked:
        wanted = Wanted(**fields)
        right = [one for one in every[::-1] if _plainly(one, fields)]
        assert await exported(reader, wanted) == right
        paged: list[WhyRecord] = []
        cursor: str | None = None
        while True:
            page = await reader.page(TENANT, wanted, limit, cursor)
            paged += page.records
            cursor = page.next_cursor
            if cursor is None:
                break
        assert paged == right


def _plainly(one: WhyRecord, fields: dict[str, Any]) -> bool:
    since, until = fields.get("since", 0.0), fields.get("until", float("inf"))
    exact = {name: value for name, value in fields.items() if name not in ("since", "until")}
    same = all(getattr(one, name) == value for name, value in exact.items())
    return same and since <= timestamps.to_seconds(one.time) < until


@pytest.mark.parametrize("late_ms", [-86_000_000, -299_000, -1500, 0, 59_500, 3_600_000])
async def test_a_record_is_found_however_late_it_was_written_or_by_whose_clock(store: Store, late_ms: int) -> None:
    now = int(time.time() * 1000) - 2 * 3_600_000
    one = record(1, call_id=f"call_{now:012x}{1:020x}")
    others = [(now + second * 1000, record(2 + second)) for second in range(-400, 400)]
    await put(store, sorted([*others, (now + late_ms + 7, one)], key=lambda entry: entry[0]))
    assert await WhyReader(store, 90).one(TENANT, one.call_id) == one
    assert await WhyReader(store, 90).one(TENANT, f"call_{now:012x}{2:020x}") is None
