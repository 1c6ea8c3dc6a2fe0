"""A new job on the page: form, preview, start; what must be there first; what goes wrong."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import House
from tests.page.readers import Reader, reading
from tests.page.web import HOME, Web, addresses
from tests.support.admin import Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program
from tests.support.vaults import demo_vault, write_vault

BASE = "gpt-4.1-mini-2025-04-14"
ORDER: dict[str, Any] = {"label": "Winter 2026", "backend": "openai", "provider": "main", "base_model": BASE}
Open = Callable[..., Reader]


def sample(web: Web, url: str, **form: str) -> str:
    """The preview's own page, made."""
    return unescape(web.get(f"{url}/new/sample?{urlencode({**ORDER, **form})}").text)


def once(text: str) -> str:
    """What a started form is known by."""
    found = re.search(r'name="once" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def jobs(firm: Firm) -> list[str]:
    return [job["id"] for job in firm.admin.get(f"{firm.path}/jobs")["items"]]


@pytest.fixture
def firm(admin: Admin, sandbox: Program, data_dir: Path) -> Iterator[Firm]:
    """A firm of the test's own."""
    with closing(Firm(admin, sandbox.url, vault=demo_vault(data_dir))) as made:
        yield made


@pytest.fixture
def key(admin: Admin, firm: Firm) -> str:
    """Its admin's key."""
    made: str = admin.post(f"{firm.path}/keys", {"role": "tenant_admin", "label": "Maria"})["key"]
    return made


# over HTTP


def test_the_form_offers_what_the_provider_does(web: Web, house: House) -> None:
    web.signed_in(house.key)
    text = unescape(web.get(f"{house.url}/new").text)
    assert f'<option value="{BASE}"' in text
    assert re.search(r'<option value="bedrock" disabled>Amazon Bedrock – not supported yet', text)
    assert re.search(r'<option value="[^"]+" selected', text)
    assert '<details class="options">' in text
    assert web.get(house.url).text.count(f'href="{house.url}/new"') == 1


def test_the_preview_starts_nothing_and_the_start_makes_one_job(web: Web, firm: Firm, key: str) -> None:
    url = f"{HOME}/{firm.name}"
    web.signed_in(key)
    waiting = web.get(f"{url}/new/preview?{urlencode(ORDER)}")
    assert waiting.status_code == 200
    assert "new/sample?" in waiting.text
    text = sample(web, url)
    for words in ("Ready chunks", "What is replaced", "names of people", "A few of the examples", "Few documents"):
        assert words in text
    assert jobs(firm) == []
    token = web.token(url)
    answers = [web.post(f"{url}/new", token, once=once(text), **ORDER) for _ in range(2)]
    [job] = jobs(firm)
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, f"{url}/jobs/{job}")}
    assert firm.job({"id": job})["base_model"] == BASE
    again = web.post(f"{url}/new", token, once=once(text), **{**ORDER, "label": "Another"})
    assert again.status_code == 409
    assert "has made a job already" in again.text
    assert web.post(f"{url}/new", token, once=once(sample(web, url)), **ORDER).status_code == 303
    assert len(jobs(firm)) == 2


def test_options_reach_the_job(web: Web, firm: Firm, key: str) -> None:
    url = f"{HOME}/{firm.name}"
    web.signed_in(key)
    form: dict[str, Any] = {
        **ORDER,
        "hyperparameters.n_epochs": "2",
        "options.seed": "7",
        "options.keep_files": "yes",
        "options.validation_share": "20",
        "options.writer": "teacher",
        "options.teacher_consent": "yes",
    }
    text = sample(web, url, **form)
    assert "The teacher is not asked yet" in text
    for name, value in form.items():
        if name not in ORDER:
            assert f'name="{name}" value="{value}"' in text, "the form is kept"
    web.post(f"{url}/new", web.token(url), once=once(text), **form)
    job = firm.job({"id": jobs(firm)[0]})
    assert job["hyperparameters"] == {"n_epochs": 2}
    assert (job["options"]["seed"], job["options"]["keep_files"], job["options"]["validation_share"]) == (7, True, 0.2)
    assert job["consent"]["by"].startswith("key_")


def test_errors_land_at_their_field(web: Web, house: House) -> None:
    web.signed_in(house.key)
    query = urlencode({**ORDER, "hyperparameters.n_epochs": "99", "options.seed": "x"})
    answer = web.get(f"{house.url}/new/preview?{query}")
    assert answer.status_code == 422
    for name in ("hyperparameters.n_epochs", "options.seed"):
        assert re.search(rf'id="{re.escape(name)}"[^>]*aria-invalid="true"', answer.text)
    assert '<details class="options" open>' in answer.text
    assert 'value="99"' in answer.text, "what was filled in stays"

    consent = urlencode({**ORDER, "options.writer": "teacher"})
    htmx = web.get(f"{house.url}/new/sample?{consent}", **{"hx-request": "true"})
    assert (htmx.status_code, htmx.headers["hx-retarget"]) == (422, "#new")
    assert re.search(r'id="options.teacher_consent"[^>]*aria-invalid="true"', htmx.text)
    assert "Tick this to agree" in htmx.text
    posted = web.post(f"{house.url}/new", web.token(house.url), **{**ORDER, "provider": "nobody"})
    assert posted.status_code == 404
    assert re.search(r'id="provider"[^>]*aria-invalid="true"', posted.text)


def test_a_start_needs_the_sessions_token(web: Web, house: House) -> None:
    web.signed_in(house.key)
    before = jobs(house.firm)
    for token in (None, "x"):
        assert web.post(f"{house.url}/new", token, **ORDER).status_code == 403
    cross = web.post(f"{house.url}/new", web.token(house.url), headers={"sec-fetch-site": "cross-site"}, **ORDER)
    assert cross.status_code == 403
    assert jobs(house.firm) == before


def test_another_firm_and_nobody_are_kept_out(web: Web, house: House, admin: Admin) -> None:
    other = unique("other")
    admin.put(f"/tenants/{other}", {})
    for path in ("/new", "/new/preview", "/new/sample"):
        assert web.get(f"{house.url}{path}").headers["location"].startswith("/admin/sign-in")
    web.signed_in(house.key)
    for path in ("/new", f"/new/preview?{urlencode(ORDER)}", f"/new/sample?{urlencode(ORDER)}"):
        assert web.get(f"{HOME}/{other}{path}").status_code == 403
    assert web.post(f"{HOME}/{other}/new", web.token(house.url), **ORDER).status_code == 403


def test_what_must_be_there_first_is_told_with_the_way_there(web: Web, admin: Admin, sandbox: Program) -> None:
    bare = unique("bare")
    admin.put(f"/tenants/{bare}", {})
    key = admin.post(f"/tenants/{bare}/keys", {"role": "tenant_admin"})["key"]
    web.signed_in(key)
    text = web.get(f"{HOME}/{bare}/new").text
    assert "First, two things are needed" in text
    assert f'href="{HOME}/{bare}/settings"' in text
    assert "Show the preview" not in text
    with closing(Firm(admin, sandbox.url, tenant=bare)):
        assert "First, one thing is needed" in web.get(f"{HOME}/{bare}/new").text
        text = sample(web, f"{HOME}/{bare}")
        assert "There is no Vault yet" in text
        assert f'href="{HOME}/{bare}/settings"' in text
        assert "Start training" not in text


def test_a_vault_that_is_gone_or_too_small(web: Web, admin: Admin, sandbox: Program, data_dir: Path) -> None:
    vault = write_vault(data_dir / "vaults" / f"{unique('v')}.jsonl", 12)
    with closing(Firm(admin, sandbox.url, vault=vault)) as firm:
        url = f"{HOME}/{firm.name}"
        web.signed_in(admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"])
        write_vault(vault, 4)
        text = sample(web, url)
        assert "Too few documents are ready" in text
        assert "retrieval" in text
        assert "Start training" not in text
        vault.unlink()
        text = sample(web, url, **{"options.seed": "1"})
        assert "The Vault could not be read" in text
        assert vault.name in text
        assert "Open the settings" in text


def test_a_provider_that_lists_nothing_is_no_obstacle(web: Web, firm: Firm, key: str, admin: Admin) -> None:
    admin.put(f"{firm.path}/providers/main", {**firm.provider, "base_url": "http://127.0.0.1:1/v1", "api_key": "sk-x"})
    web.signed_in(key)
    answer = web.get(f"{HOME}/{firm.name}/new")
    assert answer.status_code == 200
    assert "The provider cannot be reached" in answer.text
    assert re.search(r'<input\s+id="base_model"', answer.text)


def test_what_cannot_be_trained_is_there_with_the_reason(web: Web, firm: Firm, key: str, admin: Admin) -> None:
    admin.put(f"{firm.path}/providers/main", {**firm.provider, "kind": "openai"})
    admin.put(f"{firm.path}/providers/other", {**firm.provider, "kind": "together"})
    web.signed_in(key)
    text = unescape(web.get(f"{HOME}/{firm.name}/new").text)
    assert re.search(r'<option value="gpt-5[^"]*" disabled>gpt-5[^<]* – [^<]+\.</option>', text)
    assert re.search(r'<option value="other" disabled>other – does not speak the OpenAI API</option>', text)


# in the browser


@pytest.fixture
def open_(browser: Browser, gateway: Program) -> Iterator[Open]:
    """Opens browser windows, each with a memory of its own."""
    with ExitStack() as stack:

        def opened(**options: Any) -> Reader:
            return stack.enter_context(reading(browser, gateway.url, next(addresses), **options))

        yield opened


def to_the_preview(page: Page) -> None:
    page.get_by_role("button", name="New job").click()
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    page.get_by_label("Label").fill("Winter 2026")
    page.get_by_label("Base model", exact=True).select_option(BASE)
    page.get_by_role("button", name="Show the preview").click()


def test_from_the_button_to_a_model_that_is_ready(open_: Open, firm: Firm, key: str) -> None:
    reader = open_()
    reader.sign_in(key, f"{HOME}/{firm.name}")
    to_the_preview(reader.page)
    expect(reader.page.get_by_role("heading", name="What “Winter 2026” would be")).to_be_visible()
    start = reader.page.get_by_role("button", name="Start training")
    expect(start).to_be_visible(timeout=60_000)
    expect(reader.page.locator(".facts")).to_contain_text("$")
    expect(reader.page.locator("#come")).to_have_text("The preview is here.")
    assert jobs(firm) == []
    start.dblclick()
    expect(reader.page.get_by_role("heading", name="Winter 2026")).to_be_visible()
    expect(reader.page.locator(".job-state")).to_contain_text("Ready", timeout=60_000)
    assert len(jobs(firm)) == 1
    reader.page.get_by_role("button", name="Activate").click()
    expect(reader.page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_its_screens_are_open_to_everybody(open_: Open, house: House, scheme: str, width: int) -> None:
    reader = open_(color_scheme=scheme, viewport={"width": width, "height": 800})
    reader.sign_in(house.key, house.url)
    reader.title.to_be_visible()
    for options in (False, True):
        reader.go(f"{house.url}/new")
        if options:
            reader.page.get_by_text("Training options").click()
        assert (reader.faults(), reader.width()) == ([], 0)
    reader.go(f"{house.url}/new/preview?{urlencode(ORDER)}")
    expect(reader.page.get_by_role("button", name="Start training")).to_be_visible(timeout=60_000)
    assert (reader.faults(), reader.width()) == ([], 0)


def test_what_is_wrong_can_be_put_right(browser: Browser, gateway: Program, house: House) -> None:
    with reading(browser, gateway.url, next(addresses), complains=True) as reader:  # of the 422
        reader.sign_in(house.key, f"{house.url}/new")
        page = reader.page
        page.get_by_text("Training options").click()
        page.get_by_label("Who writes the questions").select_option("teacher")
        page.get_by_role("button", name="Show the preview").click()
        consent = page.get_by_label("The firm agrees")
        expect(consent).to_have_attribute("aria-invalid", "true", timeout=60_000)
        assert reader.faults() == []
        page.get_by_role("alert").get_by_role("link").click()
        consent.check()
        page.get_by_role("button", name="Show the preview").click()
        expect(page.get_by_role("button", name="Start training")).to_be_visible(timeout=60_000)
        page.get_by_role("link", name="Change something").first.click()
        expect(page.get_by_label("The firm agrees")).to_be_checked()


def test_the_models_follow_the_provider(open_: Open, firm: Firm, key: str, admin: Admin) -> None:
    admin.put(f"{firm.path}/providers/second", {**firm.provider, "kind": "openai", "is_default": False})
    reader = open_()
    reader.sign_in(key, f"{HOME}/{firm.name}/new")
    page = reader.page
    cannot = page.locator("optgroup option[value^=gpt-5]")
    models = page.get_by_label("Base model", exact=True)
    models.select_option(BASE)
    expect(cannot).to_have_count(0)
    page.get_by_label("Label").fill("Kept")
    page.get_by_label("Provider", exact=True).select_option("second")
    expect(cannot.first).to_be_disabled()
    expect(models).to_have_value(BASE)
    expect(page.get_by_label("Label")).to_have_value("Kept")
