"""What a filter's form asks the API for, and calls by day: tables."""

import re

import pytest

from gateway.admin.page.bars import bars, by_day
from gateway.admin.page.why_asked import sought
from gateway.why_summary import ByDay

TRACE = "21a9fcbdbd7fff0ed0b60dcf64354347"
CALL = "call_01a22938d90a06232c7f9ec5f15110a4"


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ({}, {}),
        ({"fine_tuned": "", "workflow": "  ", "cursor": "1-0", "other": "x"}, {}),
        ({"fine_tuned": "true", "workflow": " intake "}, {"fine_tuned": "true", "workflow": "intake"}),
        ({"reason": "opted_out", "job_id": "job_1"}, {"reason": "opted_out", "job_id": "job_1"}),
        ({"id": TRACE.upper()}, {"trace_id": TRACE}),
        ({"id": f"00-{TRACE}-58359196476a389e-01"}, {"trace_id": TRACE}),
        ({"since": "2026-11-28"}, {"since": "2026-11-28T00:00:00Z"}),
        ({"until": "2026-11-30"}, {"until": "2026-12-01T00:00:00Z"}),
        ({"since": "2026-11-28", "since_zone": "+09:00"}, {"since": "2026-11-28T00:00:00+09:00"}),
        ({"until": "2026-11-30", "until_zone": "-03:30"}, {"until": "2026-12-01T00:00:00-03:30"}),
        ({"since": "2026-11-28", "since_zone": "Tokyo"}, {"since": "2026-11-28T00:00:00Z"}),
        ({"since": "", "since_zone": "+09:00"}, {}),
    ],
)
def test_a_form_is_a_query(form: dict[str, str], query: dict[str, str]) -> None:
    found = sought(form)
    assert (found.query, found.call_id, found.problems) == (query, None, {})


def test_a_calls_id_is_one_call() -> None:
    assert sought({"id": f" {CALL} "}).call_id == CALL


@pytest.mark.parametrize(
    ("name", "text"),
    [("id", "zzz"), ("id", "call_"), ("since", "yesterday"), ("until", "2026-13-01"), ("until", "9999-12-31")],
)
def test_what_cannot_be_read_is_said_at_its_field(name: str, text: str) -> None:
    found = sought({name: text})
    assert set(found.problems) == {name}
    assert found.query == {}


def test_pages_keep_what_was_asked_for() -> None:
    found = sought({"workflow": "a&b", "cursor": "9-0"})
    assert (found.address, found.at("5-0")) == ("?workflow=a%26b", "?workflow=a%26b&cursor=5-0")
    assert sought({}).address == ""
    zoned = sought({"since": "2026-11-28", "since_zone": "+09:00"})
    assert zoned.address == "?since=2026-11-28&since_zone=%2B09%3A00"


def day(name: str, calls: int) -> ByDay:
    """A day with calls."""
    return ByDay(day=name, calls=calls, failed=0, input_tokens=0, output_tokens=0, cost_usd=0, calls_without_cost=0)


def test_every_day_is_there_also_those_without_calls() -> None:
    one = day("2026-11-02", 3)
    found = by_day("2026-11-01T00:00:00.000Z", "2026-11-04T00:00:00.000Z", [one])
    assert found == [("2026-11-01", None), ("2026-11-02", one), ("2026-11-03", None)]


@pytest.mark.parametrize("calls", [[0], [1], [0, 2, 1], [7, 12, 99], [1_000_000, 3]])
def test_a_bar_for_each_day_with_calls_under_whole_marks(calls: list[int]) -> None:
    drawn = bars([(f"2026-11-{at + 1:02}", day("", number) if number else None) for at, number in enumerate(calls)])
    assert drawn.count('class="bar"') == sum(1 for number in calls if number)
    marks = re.findall(r'text-anchor="end">([^<]+)</text>', drawn)[:-1]
    assert marks[0] == "0"
    assert all(re.fullmatch(r"[\d,]+|[\d.]+k", mark) for mark in marks)
    assert f"{sum(calls):,} calls, {max(calls):,} on the busiest day" in drawn
    assert not re.search(r"style=|<script|\bon\w+=|nan|inf", drawn)
    heights = [float(y) for y in re.findall(r'class="bar" x="[\d.]+" y="([\d.-]+)"', drawn)]
    assert all(12 <= y <= 134 for y in heights)


def test_no_days_no_picture() -> None:
    assert bars([]) == ""
