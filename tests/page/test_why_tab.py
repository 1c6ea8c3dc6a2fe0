"""The Why trace tab: whose it is, what it finds, what is told of a call, the export; and one story in a browser."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from tests.page.conftest import House
from tests.page.readers import reading
from tests.page.web import HOME, SIGN_IN, Web, addresses
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program


class Called:
    """A firm of which calls were made: one by the stock model before anything was active, then others."""

    def __init__(self, house: House) -> None:
        firm = house.firm
        self.house = house
        self.url = f"{house.url}/why"
        firm.use_stock()
        self.before = firm.call()[1]["x-call-id"]
        firm.activate(house.spring)
        self.own = firm.call(extra_headers={"x-workflow": "intake <b>"})[1]["x-call-id"]
        self.other = firm.say(model="gpt-4.1").headers["x-call-id"]
        self.foreign = firm.say(model="ft:gpt-4o-mini:another::x").headers["x-call-id"]


@pytest.fixture(scope="module")
def called(house: House) -> Called:
    """The firm."""
    return Called(house)


@pytest.fixture
def maria(web: Web, called: Called) -> Iterator[Web]:
    """The firm's admin."""
    yield web.signed_in(called.house.key)


def calls(page: str) -> list[str]:
    """The calls that a list shows, by id."""
    return re.findall(r'href="[^"]*/why/(call_[0-9a-f]+)"', page)


def test_it_is_the_firms_own(web: Web, maria: Web, called: Called, admin: Admin) -> None:
    admin.put("/tenants/harrow-why", {})
    for path in ("/why", f"/why/{called.own}", "/why/export.csv"):
        answer = maria.get(f"{HOME}/harrow-why{path}")
        assert answer.status_code == 403
        assert "another firm" in answer.text


def test_whoever_is_not_signed_in_sees_nothing(web: Web, called: Called) -> None:
    for path in ("", f"/{called.own}", "/export.csv", "/export.jsonl"):
        answer = web.get(called.url + path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{SIGN_IN}?next={called.url}{path}")


def test_it_shows_what_the_api_lists(maria: Web, called: Called) -> None:
    listed = called.house.firm.admin.get(f"{called.house.firm.path}/why?limit=50")["items"]
    page = maria.get(called.url).text
    assert calls(page) == [one["call_id"] for one in listed]
    assert "intake &lt;b&gt;" in page
    assert "Spring 2026" in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?fine_tuned=true&workflow=intake+%3Cb%3E", ["own"]),
        ("?reason=foreign_fine_tune", ["foreign"]),
        ("?reason=model_not_default&fine_tuned=false&id=&since=2020-01-01", ["other"]),
        ("?until=2020-01-01", []),
    ],
)
def test_filters(maria: Web, called: Called, query: str, wanted: list[str]) -> None:
    page = maria.get(called.url + query).text
    assert calls(page)[: len(wanted)] == [getattr(called, name) for name in wanted]
    assert bool(calls(page)) is bool(wanted)
    assert ("No such call" in page) is not bool(wanted)


def test_a_job_is_chosen_by_its_label(maria: Web, called: Called) -> None:
    job = called.house.spring["id"]
    page = maria.get(f"{called.url}?job_id={job}").text
    assert f'<option value="{job}" selected>Spring 2026</option>' in page
    assert called.own in calls(page)
    assert called.before not in calls(page)


def test_a_calls_id_leads_to_the_call_and_a_traces_to_its_calls(maria: Web, called: Called) -> None:
    answer = maria.get(f"{called.url}?id={called.own}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{called.url}/{called.own}")
    trace = called.house.firm.why(called.own)["trace_id"]
    assert calls(maria.get(f"{called.url}?id={trace}").text) == [called.own]


def test_what_cannot_be_read_is_said_at_its_field(maria: Web, called: Called) -> None:
    page = maria.get(f"{called.url}?id=zzz&since=yesterday").text
    assert 'id="id-problem" role="alert"' in page
    assert 'id="since-problem" role="alert"' in page
    assert calls(page) == []
    assert maria.get(f"{called.url}?fine_tuned=perhaps").status_code == 422
    assert maria.get(f"{called.url}?cursor=x").status_code == 422
    assert maria.get(f"{called.url}/export.csv?since=yesterday").status_code == 422


def test_a_call_in_words(maria: Web, called: Called) -> None:
    text = re.sub(r"<[^>]+>", "", maria.get(f"{called.url}/{called.own}").text)
    assert "The firm’s model “Spring 2026” answered" in text
    assert re.search(
        r"the workflow intake &lt;b&gt; \(key Assistant\) asked for gpt-4o-mini; the firm’s model Spring 2026 "
        r"answered, because it had been active since \d+ \w+ 20",
        text,
    )
    for name, value in called.house.firm.why(called.own).items():
        assert name in text
        assert not isinstance(value, str) or value.replace("<", "&lt;").replace(">", "&gt;") in text
    assert "Activate a model under Models" in maria.get(f"{called.url}/{called.before}").text
    assert "let the rule in the settings" in maria.get(f"{called.url}/{called.other}").text
    assert "The call was refused" in maria.get(f"{called.url}/{called.foreign}").text


def test_since_when_it_was_active_is_not_when_its_share_changed(maria: Web, called: Called) -> None:
    firm, house = called.house.firm, called.house
    firm.use_stock()
    firm.activate(house.autumn)
    flips = firm.admin.get(f"{firm.path}/audit?action=activate&limit=1")["items"]
    firm.activate(house.autumn, share=0.99999)
    call_id = next(call for _ in range(9) if (call := firm.call()[1]["x-call-id"]) and firm.why(call)["fine_tuned"])
    assert flips[0]["time"] in maria.get(f"{called.url}/{call_id}").text
    firm.activate(house.spring)


def test_a_call_that_is_not_there(maria: Web, called: Called) -> None:
    answer = maria.get(f"{called.url}/call_01a22938d90a06232c7f9ec5f15110a4")
    assert answer.status_code == 404
    assert "There is no record of this call" in answer.text


def test_the_export_is_the_apis_with_the_filters_of_the_page(maria: Web, called: Called) -> None:
    page = maria.get(f"{called.url}?reason=model_not_default").text
    links = re.findall(r'href="([^"]+export[^"]+)"', page)
    assert links == [f"{called.url}/export.{form}?reason=model_not_default" for form in ("csv", "jsonl")]
    rows, lines = maria.get(links[0]), maria.get(links[1])
    assert rows.headers["content-disposition"] == f'attachment; filename="why-{called.house.firm.name}.csv"'
    assert rows.headers["content-type"].startswith("text/csv")
    found = [row["call_id"] for row in csv.DictReader(io.StringIO(rows.text))]
    assert found == [msgspec.json.decode(line)["call_id"] for line in lines.text.splitlines()]
    assert found[0] == called.other
    assert lines.headers["cache-control"] == "no-store"
    one = maria.get(f"{called.url}/export.jsonl?id={called.own}")
    assert [msgspec.json.decode(line)["call_id"] for line in one.text.splitlines()] == [called.own]
    assert maria.get(f"{called.url}/export.xlsx").status_code == 404


def test_pages_go_back_in_time(maria: Web, called: Called, admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    made = [firm.say().headers["x-call-id"] for _ in range(51)]
    maria.signed_in(ADMIN_KEY)
    first = maria.get(f"{HOME}/{firm.name}/why").text
    assert calls(first) == made[:0:-1]
    older = re.search(r'href="([^"]+cursor=[^"]+)">Older<', first)
    assert older is not None
    second = maria.get(older[1].replace("&amp;", "&")).text
    assert calls(second) == made[:1]
    assert ">Newest<" in second
    assert "cursor=" not in second


def test_a_firm_without_calls_is_taught(maria: Web, admin: Admin, sandbox: Program, gateway: Program) -> None:
    firm = Firm(admin, sandbox.url)
    maria.signed_in(ADMIN_KEY)
    page = maria.get(f"{HOME}/{firm.name}/why").text
    assert "No call yet" in page
    assert f"{gateway.url}/v1" in page


def story(reader: Any, called: Called) -> None:
    """From the tabs to a call's own page and back by its trace."""
    page = reader.page
    page.get_by_role("link", name="Why trace").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The firm’s own model answered")
    expect(page.get_by_role("img", name="Calls by day")).to_be_visible()
    page.get_by_text("Calls by day as a table").click()
    expect(page.get_by_role("region", name="Calls by day").get_by_role("row").nth(30)).to_be_attached()
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Answered by").select_option("The firm’s own model")
    page.get_by_label("Workflow").fill("intake <b>")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("table.calls tbody tr")
    expect(rows).to_have_count(1)
    assert reader.faults() == []
    assert reader.width() == 0
    rows.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The firm’s model “Spring 2026” answered")
    assert reader.faults() == []
    assert reader.width() == 0
    page.get_by_role("link", name="look for them").click()
    expect(rows).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    assert msgspec.json.decode(download.value.path().read_bytes())["call_id"] == called.own


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_the_story_of_a_call(browser: Browser, gateway: Program, called: Called, scheme: Any, width: int) -> None:
    view: Any = {"width": width, "height": 800}
    with reading(browser, gateway.url, next(addresses), color_scheme=scheme, viewport=view) as reader:
        reader.sign_in(called.house.key)
        story(reader, called)


def test_it_works_without_scripts(browser: Browser, gateway: Program, called: Called) -> None:
    with reading(browser, gateway.url, next(addresses), java_script_enabled=False) as reader:
        reader.sign_in(called.house.key, called.url)
        reader.page.get_by_text("Filter", exact=True).click()
        reader.page.get_by_label("Reason").select_option("Named another firm’s model")
        reader.page.get_by_role("button", name="Show").click()
        expect(reader.page.locator("table.calls tbody tr").first).to_contain_text("Refused")
