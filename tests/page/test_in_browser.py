"""The page in a real Chromium: what an admin sees and does, live, by keyboard, on a phone, in the dark."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Route, expect

from tests.page.conftest import House
from tests.page.readers import Reader, listening, reading
from tests.page.web import HOME, addresses
from tests.support.admin import Admin, unique
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program, running, wait_until
from tests.support.vaults import demo_vault

Open = Callable[..., Reader]


@pytest.fixture
def open_(browser: Browser, gateway: Program) -> Iterator[Open]:
    """Opens browser windows, each with a memory of its own."""
    with ExitStack() as stack:

        def opened(**options: Any) -> Reader:
            return stack.enter_context(reading(browser, gateway.url, next(addresses), **options))

        yield opened


@pytest.fixture
def slow_sandbox(tmp_path: Path) -> Iterator[Program]:
    """A provider that trains for as long as a test looks."""
    with running(["sandbox", "--port", "0", "--step-seconds", "4"], {}, tmp_path / "log") as program:
        yield program


def screens(house: House) -> dict[str, str]:
    """Every screen of somebody who is signed in."""
    job = f"{house.url}/jobs/{house.spring['id']}"
    return {
        "overview": house.url,
        "job": job,
        "failed job": f"{house.url}/jobs/{house.failed['id']}",
        "stock": f"{house.url}/stock",
        "activate": f"{job}/activate",
        "cancel": f"{job}/cancel",
    }


def test_no_screen_complains_or_is_shut_to_anybody(open_: Open, house: House) -> None:
    for scheme in ("light", "dark"):
        reader = open_(color_scheme=scheme)
        reader.go(HOME)
        assert reader.faults() == []
        reader.sign_in(house.key)
        reader.title.to_be_visible()
        for name, path in screens(house).items():
            reader.go(path)
            assert reader.faults() == [], (scheme, name)
        reader.go(house.url)
        reader.row(house.spring).get_by_role("button").click()
        expect(reader.page.get_by_role("dialog")).to_be_visible()
        assert reader.faults() == [], (scheme, "dialog")


def test_the_choice_of_firms_is_filtered_as_one_types(open_: Open, house: House, admin: Admin) -> None:
    admin.put("/tenants/orchard-law", {"name": "Orchard Law"})
    reader = open_()
    reader.sign_in(ADMIN_KEY)
    expect(reader.page.get_by_role("link", name="Orchard Law")).to_be_visible()
    assert reader.faults() == []
    reader.page.get_by_label("Filter by name").press_sequentially("brightw")
    expect(reader.page.get_by_role("link", name="Orchard Law")).to_have_count(0)
    reader.page.get_by_role("link", name="Brightwater & Partners").first.click()
    reader.title.to_be_visible()


def test_nothing_is_wider_than_a_phone(open_: Open, house: House) -> None:
    reader = open_(viewport={"width": 360, "height": 740})
    reader.go(HOME)
    assert reader.width() == 0
    reader.sign_in(house.key)
    reader.title.to_be_visible()
    for name, path in screens(house).items():
        reader.go(path)
        assert reader.width() == 0, name


def test_the_dark_is_dark(open_: Open, house: House) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        reader = open_(color_scheme=scheme)
        reader.sign_in(house.key)
        reader.title.to_be_visible()
        colours = "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
        seen[scheme] = [sum(map(int, colour[4:-1].split(","))) for colour in reader.page.evaluate(colours)]
    (light_paper, light_ink), (dark_paper, dark_ink) = seen["light"], seen["dark"]
    assert light_ink < 200 < 600 < light_paper
    assert dark_paper < 200 < 600 < dark_ink


def test_times_are_the_readers_own(open_: Open, house: House) -> None:
    reader = open_(timezone_id="Asia/Tokyo")
    reader.sign_in(house.key)
    shown = reader.row(house.spring).locator("time").first
    expect(shown).to_contain_text("GMT+9")
    assert shown.get_attribute("datetime") == house.spring["created_at"]


def test_days_that_are_typed_are_the_readers_own(open_: Open, house: House) -> None:
    house.firm.call()
    reader = open_(timezone_id="America/New_York")
    reader.sign_in(house.key, f"{house.url}/why")
    reader.page.get_by_text("Filter", exact=True).click()
    expect(reader.page.get_by_text("Days are whole ones in GMT-")).to_be_visible()
    reader.page.get_by_label("From", exact=True).fill("2026-11-01")  # summer time ends on it
    reader.page.get_by_label("To", exact=True).fill("2099-07-31")
    reader.page.get_by_role("button", name="Show").click()
    reader.page.wait_for_url("**since_zone=-04%3A00**")
    assert "until_zone=-04%3A00" in reader.page.url
    expect(reader.page.locator("table.calls tbody tr").first).to_be_visible()
    expect(reader.page.get_by_label("To", exact=True)).to_have_value("2099-07-31")
    reader.go(f"{house.url}/settings/key")
    expect(reader.page.get_by_label("Works until the end of (GMT-")).to_be_visible()


def test_one_activates_and_another_sees_it(open_: Open, house: House) -> None:
    house.firm.use_stock()
    maria, onlooker = open_(), open_()
    for reader in (maria, onlooker):
        reader.sign_in(house.key)
        reader.title.to_have_text("The stock model answers")
        listening(reader)

    maria.row(house.spring).get_by_role("button", name="Activate").click()
    dialog = maria.page.get_by_role("dialog")
    dialog.get_by_label("Share of the calls").fill("25")
    dialog.get_by_role("button", name="Activate").click()
    expect(maria.page.get_by_role("status")).to_contain_text("In force on 1 of 1 replica after")
    expect(dialog).to_have_count(0)
    for reader in (maria, onlooker):
        reader.title.to_have_text("“Spring 2026” answers")
        expect(reader.page.locator(".now")).to_contain_text("25 %")
        expect(reader.page.locator(".now")).to_contain_text("Maria Lindqvist")
        expect(reader.row(house.spring)).to_contain_text("Active")
    active = house.firm.admin.get(house.firm.path)
    assert (active["active_job"], active["share"]) == (house.spring["id"], 0.25)

    maria.page.get_by_role("button", name="Use stock model").click()
    dialog.get_by_role("button", name="Use stock model").click()
    expect(maria.page.get_by_role("status")).to_contain_text("The stock model answers from now on.")
    for reader in (maria, onlooker):
        reader.title.to_have_text("The stock model answers")
        expect(reader.row(house.spring)).not_to_contain_text("Active")
    assert house.firm.admin.get(house.firm.path)["active_job"] is None


def test_without_the_stream_the_page_looks_again_from_time_to_time(open_: Open, house: House) -> None:
    house.firm.use_stock()
    reader = open_(complains=True)  # of the stream that is cut off
    reader.page.route("**/live", lambda route: route.abort())
    reader.sign_in(house.key)
    reader.title.to_have_text("The stock model answers")
    house.firm.activate(house.spring)
    reader.title.to_have_text("“Spring 2026” answers")


def test_a_firm_that_is_deleted_is_told_on_its_open_page(open_: Open, admin: Admin) -> None:
    admin.put("/tenants/short-lived", {})
    reader = open_(complains=True)  # of the answer 404
    reader.sign_in(ADMIN_KEY, f"{HOME}/short-lived")
    listening(reader)
    admin.delete("/tenants/short-lived")
    expect(reader.page.get_by_role("status")).to_contain_text("There is no such firm")


def test_an_action_that_is_refused_says_why(open_: Open, house: House, admin: Admin) -> None:
    reader = open_(complains=True)  # of the answer 403
    reader.sign_in(house.key)
    reader.row(house.autumn).get_by_role("button", name="Activate").click()
    dialog = reader.page.get_by_role("dialog")
    reader.page.evaluate("document.querySelector('meta[name=csrf]').content = 'another'")
    dialog.get_by_role("button", name="Activate").click()
    expect(reader.page.get_by_role("status")).to_contain_text("Nothing was changed")
    expect(dialog).to_have_count(0)


def test_what_keeps_the_page_from_looking_is_said_until_it_can_again(open_: Open, house: House) -> None:
    reader = open_(complains=True)  # of the answer 503
    reader.sign_in(house.key)
    listening(reader)
    words = '<div class="note bad">The store cannot be reached.</div>'
    headers = {"hx-retarget": "#notice", "hx-reswap": "innerHTML", "hx-reselect": ".note", "content-type": "text/html"}
    away = {"status": 503, "body": words, "headers": headers}
    reader.page.route(f"**{house.url}", lambda route: route.fulfill(**away))
    notice = reader.page.get_by_role("status")
    house.firm.call()
    expect(notice).to_contain_text("cannot be reached")
    reader.page.unroute(f"**{house.url}")
    house.firm.call()
    expect(notice).to_be_empty()


def test_a_gateway_that_does_not_answer_is_told_until_it_does(open_: Open, house: House) -> None:
    house.firm.activate(house.spring)
    reader = open_(complains=True)  # of what fails
    reader.sign_in(house.key)
    listening(reader)
    told = reader.page.get_by_role("alert")
    expect(told).to_have_count(0)
    reader.page.route("**/stock", lambda route: route.abort("connectionrefused"))
    reader.page.get_by_role("button", name="Use stock model").click()
    expect(told).to_contain_text("The gateway does not answer")
    expect(told).to_contain_text("may be made or not")
    reader.page.unroute("**/stock")
    house.firm.call()
    expect(told).to_have_count(0)


def test_asking_changes_nothing_until_it_is_answered(open_: Open, house: House) -> None:
    house.firm.activate(house.spring)
    reader = open_()
    reader.sign_in(house.key)
    opener = reader.page.get_by_role("button", name="Use stock model")
    dialog = reader.page.get_by_role("dialog")
    for key in ("Enter", "Space"):
        opener.press(key)
        expect(dialog).to_be_visible()
        reader.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
    opener.click()
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_have_count(0)
    assert house.firm.admin.get(house.firm.path)["active_job"] == house.spring["id"]


def test_a_call_shows_in_the_last_hours_count(open_: Open, house: House) -> None:
    house.firm.activate(house.spring)
    reader = open_()
    reader.sign_in(house.key)
    listening(reader)
    before = reader.page.locator(".facts").inner_text()
    house.firm.call()
    expect(reader.page.locator(".facts")).not_to_have_text(before, use_inner_text=True)


def test_a_job_comes_and_goes_on_before_ones_eyes_and_is_cancelled(
    open_: Open, admin: Admin, slow_sandbox: Program, data_dir: Path
) -> None:
    firm = Firm(admin, slow_sandbox.url, vault=demo_vault(data_dir))
    reader = open_()
    reader.sign_in(ADMIN_KEY, f"{HOME}/{firm.name}")
    listening(reader)
    job = firm.start_job(label="Summer 2026")
    row = reader.row(job)
    expect(row).to_contain_text("training steps", timeout=60_000)
    row.get_by_role("button", name="Refresh Summer 2026").click()
    expect(reader.page.get_by_role("status")).to_contain_text("“Summer 2026”: training")
    row.get_by_role("button", name="Cancel Summer 2026").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(row).to_contain_text("Cancelled", timeout=60_000)


def test_a_jobs_page_tells_all_of_it(open_: Open, house: House) -> None:
    reader = open_()
    reader.sign_in(house.key)
    reader.page.get_by_role("link", name="Autumn 2025").click()
    page = reader.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("Autumn 2025")
    expect(page.get_by_role("img", name="Loss by training step")).to_be_visible()
    page.get_by_text("Loss as a table").click()
    expect(page.get_by_role("region", name="Loss by step").get_by_role("row").nth(1)).to_be_visible()
    expect(page.get_by_role("heading", name="A few of the examples")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("examples were made of")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the manifest").click()
    assert download.value.suggested_filename == f"manifest-{house.autumn['id']}.json"
    assert '"builder_version"' in download.value.path().read_text()


def test_a_failure_says_what_to_do(open_: Open, house: House) -> None:
    reader = open_()
    reader.sign_in(house.key)
    reader.page.get_by_role("link", name="On Bedrock").click()
    expect(reader.page.locator(".note.bad")).to_contain_text("Choose the backend openai")


def test_what_is_open_stays_open_when_the_page_looks_again(open_: Open, house: House) -> None:
    house.firm.use_stock()
    reader = open_()
    reader.sign_in(house.key)
    reader.title.to_be_visible()
    reader.go(f"{house.url}/jobs/{house.spring['id']}")
    listening(reader)
    reader.page.get_by_text("Loss as a table").click()
    house.firm.activate(house.spring)
    expect(reader.page.get_by_role("heading", level=1)).to_contain_text("Active")
    expect(reader.page.get_by_role("region", name="Loss by step")).to_be_visible()


def test_a_revoked_key_closes_the_page_that_is_open(open_: Open, house: House, admin: Admin) -> None:
    made = admin.post(f"{house.firm.path}/keys", {"role": "tenant_admin", "label": "Guest"})
    reader = open_()
    reader.sign_in(made["key"])
    reader.title.to_be_visible()
    listening(reader)
    admin.delete(f"{house.firm.path}/keys/{made['id']}")
    expect(reader.page.get_by_text("Your session has ended")).to_be_visible()


def test_a_wrong_key_is_told_so_and_the_right_one_works_then(open_: Open, house: House) -> None:
    reader = open_(complains=True)  # Chromium calls any 401 an error
    reader.sign_in("hs_wrong")
    expect(reader.page.get_by_role("alert")).to_contain_text("This key does not work")
    assert reader.faults() == []
    reader.page.get_by_label("Admin key").fill(house.key)
    reader.page.keyboard.press("Enter")
    reader.title.to_be_visible()
    reader.page.get_by_role("button", name="Sign out").click()
    expect(reader.page.get_by_text("You have signed out")).to_be_visible()


def test_who_signs_out_is_told_so_on_every_open_page(open_: Open, house: House) -> None:
    reader = open_()
    reader.sign_in(house.key)
    listening(reader)
    other = Reader(reader.page.context.new_page(), reader.url)
    other.go(f"{house.url}/jobs/{house.spring['id']}")
    listening(other)
    answers: list[tuple[Route, APIResponse]] = []
    reader.page.route("**/admin/sign-out", lambda route: answers.append((route, route.fetch(max_redirects=0))))
    reader.page.get_by_role("button", name="Sign out").click(no_wait_after=True)
    expect(other.page.get_by_text("You have signed out")).to_be_visible()
    wait_until(lambda: bool(other.page.evaluate("true") and answers), what="the answer")
    ((route, answer),) = answers  # the session is over, and its page has yet to hear of it
    route.fulfill(response=answer)
    expect(reader.page.get_by_text("You have signed out")).to_be_visible()


def test_a_firm_without_jobs_is_taught(open_: Open, house: House, admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
    reader = open_()
    reader.sign_in(key)
    expect(reader.page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    assert reader.faults() == []


def test_a_firm_is_made_by_keyboard_alone_on_a_phone_in_the_dark(open_: Open, house: House, admin: Admin) -> None:
    name = unique("keyboard")
    reader = open_(viewport={"width": 360, "height": 740}, color_scheme="dark")
    reader.sign_in(ADMIN_KEY)
    reader.page.get_by_role("button", name="New firm").press("Enter")
    field = reader.page.get_by_label("Name")
    expect(field).to_be_visible()
    assert (reader.faults(), reader.width()) == ([], 0)
    field.press_sequentially(name.capitalize())
    reader.page.keyboard.press("Tab")
    expect(reader.page.get_by_label("Id")).to_be_focused()
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    assert (reader.faults(), reader.width()) == ([], 0)
    assert admin.get(f"/tenants/{name}")["name"] == name.capitalize()
    reader.page.get_by_role("link", name="Add a provider").press("Enter")
    expect(reader.page.get_by_role("heading", name="Which provider?")).to_be_visible()


def test_it_works_without_scripts(open_: Open, house: House) -> None:
    house.firm.use_stock()
    reader = open_(java_script_enabled=False)
    reader.sign_in(house.key)
    reader.row(house.autumn).get_by_role("button", name="Activate").click()
    reader.page.get_by_role("button", name="Activate").click()
    expect(reader.page.get_by_role("main")).to_contain_text("In force on 1 of 1 replica after")
    reader.page.get_by_role("link", name="Back to the firm’s models").click()
    reader.title.to_have_text("“Autumn 2025” answers")
