"""Why records through the admin API: one, all, some, page by page."""

import time
from typing import Any
from urllib.parse import quote

import pytest

from gateway import timestamps
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program


@pytest.fixture(scope="module")
def firm(admin: Admin, sandbox: Program) -> Firm:
    """A tenant that has called a few times."""
    firm = Firm(admin, sandbox.url)
    for number in range(6):
        firm.say(
            headers={
                "x-workflow": f"flow-{number % 2}",
                "traceparent": f"00-{number + 1:032x}-00000000000000aa-01",
                **({"x-model-policy": "stock"} if number < 2 else {}),
            },
        )
    return firm


def numbers(firm: Firm, query: str) -> list[int]:
    """The calls that a query finds, by their number."""
    found = firm.admin.get(f"{firm.path}/why{query}")
    return [int(record["trace_id"], 16) - 1 for record in found["items"]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [5, 4, 3, 2, 1, 0]),
        ("?workflow=flow-1", [5, 3, 1]),
        ("?reason=opted_out", [1, 0]),
        ("?reason=no_active_job&workflow=flow-0", [4, 2]),
        (f"?trace_id={3:032x}", [2]),
        ("?fine_tuned=false", [5, 4, 3, 2, 1, 0]),
        ("?fine_tuned=true", []),
        ("?job_id=job_1", []),
        ("?limit=2", [5, 4]),
    ],
)
def test_filters(firm: Firm, query: str, wanted: list[int]) -> None:
    assert numbers(firm, query) == wanted


def test_since_and_until_are_times_with_a_zone(firm: Firm) -> None:
    records = firm.admin.get(f"{firm.path}/why")["items"]
    third = records[-3]["time"]
    since, until = numbers(firm, f"?since={third}"), numbers(firm, f"?until={third}")
    assert since + until == [5, 4, 3, 2, 1, 0]
    assert 2 in since
    elsewhere = quote(third.replace("Z", "+00:00"))
    assert numbers(firm, f"?since={elsewhere}") == since
    assert numbers(firm, f"?since={timestamps.from_seconds(time.time() + 60)}") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("fine_tuned=yes", "fine_tuned"),
        ("since=yesterday", "since"),
        ("until=2026-01-01T00:00:00", "until"),
        ("limit=0", "limit"),
        ("limit=%C2%B2", "limit"),
        ("cursor=garbage", "cursor"),
    ],
)
def test_a_query_that_cannot_be_used(firm: Firm, query: str, param: str) -> None:
    assert firm.admin.refused("GET", f"{firm.path}/why?{query}") == (422, "invalid_field", param)


def test_a_cursor_leads_through_all_of_them(firm: Firm) -> None:
    found: list[Any] = []
    page = firm.admin.get(f"{firm.path}/why?limit=4")
    while True:
        found += page["items"]
        if page["next_cursor"] is None:
            break
        page = firm.admin.get(f"{firm.path}/why?limit=4&cursor={page['next_cursor']}")
    assert [record["call_id"] for record in found] == [
        record["call_id"] for record in firm.admin.get(f"{firm.path}/why")["items"]
    ]


def test_one_record_is_there_as_soon_as_the_call_is_over(firm: Firm) -> None:
    answer = firm.say()
    record = firm.why(answer.headers["x-call-id"])
    assert (record["call_id"], record["tenant"], record["status"]) == (answer.headers["x-call-id"], firm.name, 200)
    assert firm.admin.refused("GET", f"{firm.path}/why/call_unknown")[:2] == (404, "call_not_found")


def test_another_tenants_call_is_not_there(firm: Firm, sandbox: Program) -> None:
    other = Firm(firm.admin, sandbox.url)
    call_id = other.say().headers["x-call-id"]
    assert firm.admin.refused("GET", f"{firm.path}/why/{call_id}")[:2] == (404, "call_not_found")
