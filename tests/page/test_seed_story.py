"""The whole story through the page alone, from sign-in to stock, while another browser watches and is never reloaded.

Calls alone are made elsewhere, as the Assistant makes them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.readers import Reader, listening, reading
from tests.page.web import HOME, addresses
from tests.support.admin import BASE_MODEL, NO_TLS, STOCK, unique
from tests.support.processes import ADMIN_KEY, Program, running
from tests.support.sandbox import Account
from tests.support.vaults import demo_vault

LABEL = "Spring 2027"
LONG_MS = 60_000


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Account]:
    """The firm's account at a provider that trains slowly enough to be watched."""
    with running(["sandbox", "--port", "0", "--step-seconds", "1"], {}, tmp_path / "log") as program:
        yield Account(program.url, "sk-story")


def make_firm(page: Page, name: str) -> None:
    page.get_by_role("button", name="New firm").click()
    page.get_by_label("Name").fill(f"Story & Partners {name}")
    page.get_by_label("Id").fill(name)
    page.get_by_role("button", name="Make the firm").click()
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    page.get_by_role("link", name="All firms").click()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()


def add_provider(page: Page, provider: Account) -> None:
    page.get_by_role("link", name="Add the first one").first.click()
    page.get_by_role("link", name="Another server with OpenAI’s API").click()
    page.get_by_label("Address").fill(provider.base_url)
    page.get_by_label("API key").fill(provider.key)
    page.get_by_label("Default model").fill(STOCK)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The provider is saved.")).to_be_visible()


def add_vault(page: Page, vault: Path) -> None:
    page.get_by_role("link", name="Say where it is").click()
    page.get_by_role("link", name="Files").click()
    page.get_by_label("Address").fill(vault.as_uri())
    page.get_by_role("button", name="Save and count").click()
    expect(page.get_by_role("heading", name="The Vault is saved")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("57")
    open_tab(page, "Settings")


def make_key(page: Page, label: str, role: str) -> str:
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Label").fill(label)
    page.get_by_label(role).check()
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("output").inner_text()
    open_tab(page, "Settings")
    return key


def start_job(page: Page) -> None:
    page.get_by_role("button", name="New job").click()
    page.get_by_label("Label").fill(LABEL)
    page.get_by_label("Base model", exact=True).select_option(BASE_MODEL)
    page.get_by_role("button", name="Show the preview").click()
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".facts")).to_contain_text("57")
    expect(page.get_by_role("heading", name="A few of the examples")).to_be_visible()
    start.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(LABEL)


def read_why(page: Page, call_id: str) -> None:
    open_tab(page, "Why trace")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Call or trace").fill(call_id)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"The firm’s model “{LABEL}” answered")
    words = (
        f"the caller Assistant asked for {STOCK}; the firm’s model {LABEL} answered, because it had been active since"
    )
    expect(page.locator(".story")).to_contain_text(words)


def watch(onlooker: Reader, key: str, name: str) -> None:
    """Signs in at the Models tab, which is then left alone; the mark would not outlive a reload."""
    onlooker.sign_in(key, f"{HOME}/{name}")
    onlooker.title.to_have_text("The stock model answers")
    listening(onlooker)
    onlooker.page.evaluate("window.watched = true")


def call(url: str, key: str) -> dict[str, str]:
    """A call of the Assistant's, by the provider's own SDK: the answer's headers."""
    with httpx2.Client(verify=NO_TLS) as http:
        assistant = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=http)
        messages: Any = [{"role": "user", "content": "Draft a clause on notices."}]
        raw = assistant.chat.completions.with_raw_response.create(model=STOCK, messages=messages)
        assert raw.parse().choices[0].message.content
        return dict(raw.headers)


def test_from_sign_in_to_stock(browser: Browser, gateway: Program, provider: Account, data_dir: Path) -> None:
    name = unique("story")
    with (
        reading(browser, gateway.url, next(addresses)) as reader,
        reading(browser, gateway.url, next(addresses)) as onlooker,
    ):
        page = reader.page
        reader.sign_in(ADMIN_KEY)
        make_firm(page, name)
        page.get_by_label("Filter by name").press_sequentially(name)
        page.get_by_role("link", name=name).click()
        reader.title.to_be_visible()

        open_tab(page, "Settings")
        add_provider(page, provider)
        add_vault(page, demo_vault(data_dir))
        maria = make_key(page, "Maria Lindqvist", "Administers this firm")
        key = make_key(page, "Assistant", "Calls models")
        for label in ("Maria Lindqvist", "Assistant"):
            expect(page.get_by_role("row", name=label)).to_be_visible()

        watch(onlooker, maria, name)
        open_tab(page, "Models")
        start_job(page)
        open_tab(page, "Models")
        rows = [one.page.locator("tr[id^=row-]") for one in (reader, onlooker)]
        for row in rows:
            expect(row).to_contain_text("training steps", timeout=LONG_MS)
        for row in rows:
            expect(row).to_contain_text("Ready", timeout=LONG_MS)
        for one in (reader, onlooker):
            one.title.to_have_text("The stock model answers")

        rows[0].get_by_role("button", name="Activate").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Share of the calls")).to_have_value("100")
        dialog.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_contain_text("In force on 1 of 1 replica after")
        for one in (reader, onlooker):
            one.title.to_have_text(f"“{LABEL}” answers")

        own = call(gateway.url, key)
        assert own["x-fine-tuned"] == "true"
        expect(onlooker.page.locator(".facts")).to_contain_text("1 of 1")
        read_why(page, own["x-call-id"])

        open_tab(page, "Models")
        page.get_by_role("button", name="Use stock model").click()
        dialog.get_by_role("button", name="Use stock model").click()
        expect(page.get_by_role("status")).to_contain_text("The stock model answers from now on.")
        for one in (reader, onlooker):
            one.title.to_have_text("The stock model answers")
        assert call(gateway.url, key)["x-fine-tuned"] == "false"
        assert onlooker.page.evaluate("window.watched") is True, "it was reloaded"
