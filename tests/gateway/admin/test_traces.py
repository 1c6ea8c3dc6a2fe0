"""Why records through the admin API: one, all, some, page by page, exported, summed."""

import csv
import io
import time
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import redis

from gateway import timestamps
from gateway.store import keys
from gateway.why import WhyRecord
from tests.support.admin import STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program
from tests.support.raw import Cut, Raw
from tests.support.redis import Stoppable
from tests.support.why import record

JSON_LINES = {"accept": "application/x-ndjson"}
CSV = {"accept": "text/csv"}


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
        ("?workflow=flow-1&reason=opted_out&fine_tuned=false", [1]),
        (f"?workflow=flow-1&trace_id={3:032x}", []),
        ("?call_id=call_0", []),
        ("?call_id=&reason=&fine_tuned=&workflow=flow-1", [5, 3, 1]),
    ],
)
def test_filters(firm: Firm, query: str, wanted: list[int]) -> None:
    assert numbers(firm, query) == wanted


def test_a_search_for_one_call(firm: Firm) -> None:
    call_id = firm.admin.get(f"{firm.path}/why?limit=3")["items"][2]["call_id"]
    assert numbers(firm, f"?call_id={call_id}") == [3]
    assert numbers(firm, f"?call_id={call_id}&workflow=flow-0") == []


@pytest.mark.parametrize("most", ["0", "999", "120001", "-1", "x", "1e4", "9999999"])
def test_a_page_looks_at_as_many_as_it_may(firm: Firm, most: str) -> None:
    assert numbers(firm, "?most=1000") == numbers(firm, "?most=120000") == numbers(firm, "?most=") == [5, 4, 3, 2, 1, 0]
    assert firm.admin.refused("GET", f"{firm.path}/why?most={most}") == (422, "invalid_field", "most")


def test_since_and_until_are_times_with_a_zone(firm: Firm) -> None:
    records = firm.admin.get(f"{firm.path}/why")["items"]
    third = records[-3]["time"]
    since, until = numbers(firm, f"?since={third}"), numbers(firm, f"?until={third}")
    assert since + until == [5, 4, 3, 2, 1, 0]
    assert 2 in since
    elsewhere = quote(third.replace("Z", "+00:00"))
    assert numbers(firm, f"?since={elsewhere}") == since
    assert numbers(firm, f"?since={third[:10]}&until=2126-01-01") == [5, 4, 3, 2, 1, 0]
    assert numbers(firm, f"?until={third[:10]}") == []
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
        ("cursor=0-0", "cursor"),
    ],
)
def test_a_query_that_cannot_be_used(firm: Firm, query: str, param: str) -> None:
    path = f"{firm.path}/why?{query}"
    assert firm.admin.refused("GET", path) == (422, "invalid_field", param)
    for form in (JSON_LINES, CSV):
        assert firm.admin.ask("GET", path, headers=form).status_code == 422
    if param in ("since", "until"):
        for text in ("yesterday", "2026-11-29T00:00:00", "2026-13-01", "2026-02-30"):
            refused = firm.admin.refused("GET", f"{firm.path}/why/summary?{param}={text}")
            assert refused == (422, "invalid_field", param)


@pytest.mark.parametrize("path", ["/why", "/why/call_0", "/why/summary"])
def test_who_may_read(firm: Firm, gateway: Program, path: str) -> None:
    admin = firm.admin
    own, other = (
        admin.post(f"{at}/keys", {"role": "tenant_admin"})["key"]
        for at in (firm.path, Firm(admin, firm.account.base_url).path)
    )
    for form in ({}, JSON_LINES, CSV):
        for key, status in ((own, (200, 404)), (other, (403,)), (firm.key, (403,)), ("hs_unknown", (401,))):
            with Admin(gateway.url, key) as asking:
                assert asking.ask("GET", firm.path + path, headers=form).status_code in status
    assert admin.refused("GET", f"/tenants/{unique('nobody')}{path}")[:2] == (404, "tenant_not_found")


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


# exports


def test_json_lines_hold_all_that_pages_hold(firm: Firm) -> None:
    for query in ("", "?workflow=flow-1", "?reason=nothing"):
        every = firm.admin.get(f"{firm.path}/why{query}")["items"]
        export = firm.admin.ask("GET", f"{firm.path}/why{query}{'&' if query else '?'}limit=1", headers=JSON_LINES)
        assert export.headers["content-type"] == "application/x-ndjson"
        assert export.headers["content-disposition"] == f'attachment; filename="why-{firm.name}.jsonl"'
        assert export.headers["cache-control"] == "no-store"
        assert [msgspec.json.decode(line) for line in export.content.splitlines()] == every


def test_csv_has_a_header_and_the_contracts_fields_in_their_order(firm: Firm) -> None:
    workflow = '=cmd|"a", b'
    firm.say(headers={"x-workflow": workflow})
    every = firm.admin.get(f"{firm.path}/why")["items"]
    export = firm.admin.ask("GET", f"{firm.path}/why", headers=CSV)
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    assert export.headers["content-disposition"] == f'attachment; filename="why-{firm.name}.csv"'
    header, *lines = csv.reader(io.StringIO(export.text, newline=""), strict=True)
    assert header == list(WhyRecord.__struct_fields__) == list(every[0])
    assert (header[:5], header[-1]) == (["call_id", "trace_id", "span_id", "time", "tenant"], "cancelled")
    assert [line[0] for line in lines] == [one["call_id"] for one in every]
    first = dict(zip(header, lines[0], strict=True))
    assert first["workflow"] == f"'{workflow}"
    assert (first["fine_tuned"], first["status"], first["job_id"]) == ("false", "200", "")
    assert float(first["duration_ms"]) == every[0]["duration_ms"]


# sums


def test_a_summary(admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    for number in range(3):
        firm.say(headers={"x-workflow": f"flow-{number % 2}"})
    firm.say(model="ft:gpt-4o-mini:somebody-else")
    every = admin.get(f"{firm.path}/why")["items"]
    found = admin.get(f"{firm.path}/why/summary")
    total = found["total"]
    assert (total["calls"], total["failed"]) == (4, 1)
    for name in ("input_tokens", "output_tokens"):
        assert total[name] == sum(one[name] or 0 for one in every) > 0
    assert [one["cost_usd"] for one in every if one["status"] == 404] == [None]
    assert total["calls_without_cost"] == 0, "what was refused cost nothing"
    assert [(one["workflow"], one["calls"]) for one in found["by_workflow"]] == [
        ("flow-0", 2),
        (None, 1),
        ("flow-1", 1),
    ]
    assert [(one["model"], one["fine_tuned"], one["calls"]) for one in found["by_model"]] == [
        (STOCK, False, 3),
        ("ft:gpt-4o-mini:somebody-else", False, 1),
    ]
    assert (found["by_arm"]["fine_tuned"]["calls"], found["by_arm"]["stock"]) == (0, total)
    assert sum(one["calls"] for one in found["by_day"]) == 4
    today = every[0]["time"][:10]
    asked = admin.get(f"{firm.path}/why/summary?since={today}&until={today}T12:00:00Z")
    assert asked["since"] == f"{today}T00:00:00.000Z"
    assert timestamps.to_seconds(asked["until"]) == timestamps.to_seconds(asked["since"]) + 86400
    past = admin.get(f"{firm.path}/why/summary?until={quote(asked['since'])}")
    assert timestamps.to_seconds(past["until"]) == timestamps.to_seconds(past["since"]) + 30 * 86400


# a store that goes away


def test_a_page_that_may_look_at_few_leads_on(shared: Stoppable, apart: Program) -> None:
    name = unique("firm")
    with Admin(apart.url) as admin, redis.Redis.from_url(shared.url, protocol=2) as client:
        admin.put(f"/tenants/{name}", {})
        pipe = client.pipeline(transaction=False)
        for number in range(2500):
            pipe.xadd(keys.why_of(name), {"record": msgspec.json.encode(record(number, tenant=name))})
        pipe.execute()
        rare = f"/tenants/{name}/why?trace_id={0:032x}&most=1000"
        found: list[Any] = []
        cursor, pages = "", 0
        while pages == 0 or cursor:
            page = admin.get(f"{rare}&cursor={cursor}")
            found, cursor, pages = found + page["items"], page["next_cursor"], pages + 1
    assert (len(found), pages) == (1, 3)


@pytest.mark.parametrize(("form", "lines"), [("application/x-ndjson", 10_000), ("text/csv", 10_001)])
def test_an_export_that_the_store_breaks_off_is_no_whole_one(
    shared: Stoppable, apart: Program, form: str, lines: int
) -> None:
    name = unique("firm")
    with Admin(apart.url) as admin:
        admin.put(f"/tenants/{name}", {})
    body = msgspec.json.encode(record(1, tenant=name, workflow="x" * 1500))
    with redis.Redis.from_url(shared.url, protocol=2) as client:
        pipe = client.pipeline(transaction=False)
        for _ in range(10_000):
            pipe.xadd(keys.why_of(name), {"record": body})
        pipe.execute()
    head = f"GET /admin/api/tenants/{name}/why HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN_KEY}\r\n"
    asked = f"{head}accept: {form}\r\n\r\n".encode()
    with Raw(apart.url, receive_buffer=8192) as caller:
        caller.send(asked)
        answer = caller.answer()
    assert (answer.status, answer.chunked, answer.body.count(b"\n")) == (200, True, lines)
    with Raw(apart.url, receive_buffer=8192) as caller:
        caller.send(asked)
        assert caller.head().status == 200
        shared.stop()
        with pytest.raises(Cut):
            while caller.chunk():
                pass
    with Admin(apart.url) as admin:
        for path in ("why", "why/call_0", "why/summary"):
            said = admin.ask("GET", f"/tenants/{name}/{path}", headers={"accept": form})
            assert (said.status_code, said.json()["error"]["code"]) == (503, "store_unavailable"), path
    shared.start()
