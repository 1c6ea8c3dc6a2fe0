"""What calls add up to: counted with each record, right also where records had to go, bounded whatever callers say."""

import time
from datetime import UTC, date, datetime
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import keys
from gateway.store.connection import Store
from gateway.why_summary import Days, Figures, Summary, days_of, summary
from tests.support.why import TENANT, record, write

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
EVER = Days(date(2026, 1, 1), date(2026, 12, 31))
KEPT = 36_500
FT = "ft:gpt-4o-mini:acme"


def at(text: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("since", "until", "kept", "first", "end"),
    [
        (None, None, 90, "2026-10-31", "2026-11-30"),
        (None, None, 7, "2026-11-22", "2026-11-30"),
        ("2026-11-28T23:59:59Z", None, 90, "2026-11-28", "2026-11-30"),
        ("2026-11-29T00:30:00+01:00", None, 90, "2026-11-28", "2026-11-30"),
        ("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z", 90, "2026-11-01", "2026-11-03"),
        ("2026-11-01T00:00:00Z", "2026-11-03T00:00:01Z", 90, "2026-11-01", "2026-11-04"),
        (None, "2026-11-03T00:00:00Z", 90, "2026-10-04", "2026-11-03"),
        ("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z", 90, "2026-08-31", "2026-11-30"),
        ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", 90, "2026-08-31", "2026-08-31"),
        (None, "0001-01-01T00:00:00Z", 90, "2026-08-31", "2026-08-31"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", 10**9, "9999-12-31", "9999-12-31"),
        ("2026-11-05T00:00:00Z", "2026-11-03T00:00:00Z", 90, "2026-11-05", "2026-11-05"),
        ("2026-11-29T00:00:00Z", "2026-11-29T13:00:00Z", 90, "2026-11-29", "2026-11-30"),
    ],
)
def test_times_are_widened_to_days_that_are_kept(
    since: str | None, until: str | None, kept: int, first: str, end: str
) -> None:
    days = days_of(at(since) if since else None, at(until) if until else None, NOW, kept)
    assert (days.first.isoformat(), days.end.isoformat()) == (first, end)


async def test_calls_are_summed_five_ways(store: Store) -> None:
    monday = {"time": "2026-11-23T23:59:59.999Z", "workflow": "intake"}
    tuesday = {"time": "2026-11-24T00:00:00.000Z"}
    fine = {"fine_tuned": True, "routed_model": FT, "input_tokens": 100, "output_tokens": 10}
    many = [
        record(1, **monday, **fine, cost_usd=0.1),
        record(2, **monday, **fine, cost_usd=0.2),
        record(3, **tuesday, **fine, status=500),
        record(4, **tuesday, input_tokens=7, cost_usd=1e-9),
        record(5, **tuesday, status=0, cancelled=True),
        record(6, **tuesday, routed_model=None, requested_model="ft:theirs", error="model_not_found", status=404),
        record(7, **tuesday, routed_model=None, requested_model=None),
        record(8, **tuesday, tenant="other"),
    ]
    await write(store, many, days=KEPT)
    found = msgspec.to_builtins(await summary(store, TENANT, EVER))

    def sums(*values: float, **names: Any) -> dict[str, Any]:
        fields = ("calls", "failed", "input_tokens", "output_tokens", "cost_usd", "calls_without_cost")
        return {**names, **dict(zip(fields, values, strict=True))}

    stock = sums(2, 1, 7, 0, 1e-9, 1)
    assert found == {
        "since": "2026-01-01T00:00:00.000Z",
        "until": "2026-12-31T00:00:00.000Z",
        "total": sums(7, 3, 307, 30, 0.300000001, 2),
        "by_model": [
            sums(3, 1, 300, 30, 0.3, 0, model=FT, fine_tuned=True),
            {**stock, "model": "gpt-4o-mini", "fine_tuned": False},
            sums(1, 0, 0, 0, 0, 1, model=None, fine_tuned=False),
            sums(1, 1, 0, 0, 0, 0, model="ft:theirs", fine_tuned=False),
        ],
        "by_workflow": [
            sums(5, 3, 107, 10, 1e-9, 2, workflow=None),
            sums(2, 0, 200, 20, 0.3, 0, workflow="intake"),
        ],
        "by_day": [
            sums(2, 0, 200, 20, 0.3, 0, day="2026-11-23"),
            sums(5, 3, 107, 10, 1e-9, 2, day="2026-11-24"),
        ],
        "by_arm": {"fine_tuned": sums(3, 1, 300, 30, 0.3, 0), "stock": sums(4, 2, 7, 0, 1e-9, 2)},
    }
    one_day = await summary(store, TENANT, Days(date(2026, 11, 24), date(2026, 11, 25)))
    assert [day.day for day in one_day.by_day] == ["2026-11-24"]
    assert one_day.total.calls == 5
    nobody = await summary(store, "nobody", EVER)
    assert (nobody.total.calls, nobody.by_model, nobody.by_day, nobody.by_arm.stock.calls) == (0, [], [], 0)
    none = await summary(store, TENANT, Days(date(2026, 11, 24), date(2026, 11, 24)))
    assert none.total.calls == 0


async def test_batches_add_up(store: Store) -> None:
    for _ in range(3):
        await write(store, [record(number, input_tokens=1, cost_usd=0.001) for number in range(700)])
    found = await summary(store, TENANT, days_of(None, None, time.time(), 90))
    assert (found.total.calls, found.total.input_tokens, found.total.cost_usd) == (2100, 2100, 2.1)


async def test_a_day_counts_two_hundred_combinations_apart_and_the_rest_as_others(store: Store) -> None:
    """Callers can name anything, and the store must not grow with it."""
    day = {"time": "2026-11-23T12:00:00.000Z"}
    await write(store, [record(1, workflow="first", **day)], days=KEPT)
    many = [record(n, workflow=f"w{n}", fine_tuned=n % 2 == 0, input_tokens=2, **day) for n in range(1500)]
    await write(store, many, days=KEPT)
    await write(store, [record(1, workflow="first", **day)], days=KEPT)
    found = await summary(store, TENANT, EVER)
    assert (found.total.calls, found.total.input_tokens) == (1502, 3000)
    workflows = {one.workflow: one.calls for one in found.by_workflow}
    assert len(workflows) == 201
    assert (workflows["other"], workflows["first"]) == (1502 - 201, 2)
    assert (found.by_arm.fine_tuned.calls, found.by_arm.stock.calls) == (750, 752)
    assert {one.model for one in found.by_model} == {"gpt-4o-mini", "other"}
    fields = await cast("Any", store.redis.hlen(keys.why_day_of(TENANT, "2026-11-23")))
    assert fields <= 6 * 202 + 1
    await write(store, [record(1, workflow="new", time="2026-11-24T12:00:00.000Z")], days=KEPT)
    assert "new" in {one.workflow for one in (await summary(store, TENANT, EVER)).by_workflow}, "the next day has room"


@pytest.mark.parametrize(
    ("changes", "figures"),
    [
        ({"input_tokens": -5, "output_tokens": 10**30}, (0, 10**9, 0.0, 1)),
        ({"cost_usd": float("nan")}, (0, 0, 0.0, 1)),
        ({"cost_usd": -1.0}, (0, 0, 0.0, 1)),
        ({"cost_usd": float("inf")}, (0, 0, 0.0, 1)),
        ({"cost_usd": 0.0}, (0, 0, 0.0, 0)),
    ],
)
async def test_what_cannot_be_is_not_counted(store: Store, changes: Any, figures: Any) -> None:
    """A provider's word, or a price's: none of it may keep a batch from being written."""
    await write(store, [record(1, **changes)])
    total = (await summary(store, TENANT, days_of(None, None, time.time(), 90))).total
    assert total.calls == 1
    assert (total.input_tokens, total.output_tokens, total.cost_usd, total.calls_without_cost) == figures


CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "time": st.sampled_from(["2026-11-23T00:00:00.000Z", "2026-11-24T23:59:59.999Z"]),
            "workflow": st.none() | st.sampled_from(["a b", 'c"', "7 8 [", "é\n"]),
            "routed_model": st.none() | st.sampled_from(["m", "[true,1]", " "]),
            "fine_tuned": st.booleans(),
            "status": st.sampled_from([0, 200, 399, 400]),
            "error": st.none() | st.just("x"),
            "input_tokens": st.none() | st.integers(0, 10**6),
            "cost_usd": st.none() | st.integers(0, 10**12).map(lambda nano: nano / 1e9),
        }
    ),
    max_size=20,
)


@given(CALLS, CALLS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_way_adds_up_to_what_the_calls_are(
    store: Store, first: list[dict[str, Any]], then: list[dict[str, Any]]
) -> None:
    await store.redis.flushall()
    for calls in (first, then):
        await write(store, [record(number, **call) for number, call in enumerate(calls)], days=KEPT)
    every = first + then
    found = await summary(store, TENANT, EVER)
    nano = sum(round(call["cost_usd"] * 1e9) for call in every if call["cost_usd"] is not None)
    assert _figures(found.total) == (
        len(every),
        sum(call["status"] in (0, 400) or call["error"] is not None for call in every),
        sum(call["input_tokens"] or 0 for call in every),
        nano,
        sum(call["cost_usd"] is None and call["status"] < 400 for call in every),
    )
    for ways in _ways(found):
        assert tuple(map(sum, zip(*map(_figures, ways), strict=True))) == (_figures(found.total) if ways else ())


def _ways(found: Summary) -> list[list[Figures]]:
    arms = found.by_arm
    return [[*found.by_model], [*found.by_workflow], [*found.by_day], [arms.fine_tuned, arms.stock]]


def _figures(one: Figures) -> tuple[int, ...]:
    return (one.calls, one.failed, one.input_tokens, round(one.cost_usd * 1e9), one.calls_without_cost)
