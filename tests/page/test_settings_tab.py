"""The settings tab: whose it is, what each form changes, where an error lands, what is never shown; and one story."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from gateway.admin.page.settings_fields import PROVIDERS, VAULTS
from tests.page.readers import Reader, reading
from tests.page.web import HOME, SIGN_IN, Web, addresses
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program
from tests.support.vaults import demo_vault, write_vault

SECRET = "sk-never-to-be-shown-1234"


class Office(Firm):
    """A firm with an admin's key. Each test has one of its own."""

    def __init__(self, admin: Admin, sandbox: Program, **more: Any) -> None:
        super().__init__(admin, sandbox.url, **more)
        made = admin.post(f"{self.path}/keys", {"role": "tenant_admin", "label": "Maria Lindqvist"})
        self.admin_key, self.admin_key_id = made["key"], made["id"]
        self.url = f"{HOME}/{self.name}/settings"

    def ask(self, path: str) -> Any:
        """What the API has there."""
        return self.admin.get(f"{self.path}{path}")


@pytest.fixture
def office(admin: Admin, sandbox: Program) -> Iterator[Office]:
    """The firm."""
    office = Office(admin, sandbox)
    yield office
    office.close()


@pytest.fixture
def maria(web: Web, office: Office) -> Web:
    """Its admin."""
    return web.signed_in(office.admin_key)


def send(web: Web, path: str, form: dict[str, str], token: str | None = None) -> httpx2.Response:
    """The answer to a form that comes from the settings' own page, or with that token."""
    return web.post(path, token or web.token(path.partition("/settings")[0]), None, **form)


def problem(page: str, field: str) -> str:
    """What is said at a field."""
    found = re.search(rf'id="{field}-problem" role="alert">([^<]*)<', page)
    return found[1] if found else ""


# whose it is

SCREENS = ("", "/provider", "/providers/main", "/providers/main/delete", "/vault", "/key", "/audit")


def test_it_is_the_firms_own(web: Web, maria: Web, office: Office, admin: Admin) -> None:
    admin.put("/tenants/harrow-settings", {})
    for path in SCREENS:
        assert maria.get(f"{HOME}/harrow-settings/settings{path}").status_code == 403
    token = maria.token(office.url)
    for path in ("", "/provider", "/vault", "/vault/test", "/key", f"/keys/{office.admin_key_id}/revoke"):
        form = {"kind": "file" if "vault" in path else "openai", "provider": "x", "role": "caller", "rule": "all"}
        assert send(maria, f"{HOME}/harrow-settings/settings{path}", form, token).status_code == 403


def test_whoever_is_not_signed_in_sees_nothing(web: Web, office: Office) -> None:
    for path in SCREENS:
        answer = web.get(office.url + path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{SIGN_IN}?next={office.url}{path}")


def test_nothing_is_changed_without_the_sessions_token(maria: Web, office: Office) -> None:
    before = [office.ask(path) for path in ("", "/providers", "/keys")]
    forms: dict[str, dict[str, str]] = {
        "": {"rule": "all"},
        "/provider": {"kind": "openai", "provider": "other", "default_model": "x"},
        "/providers/main": {"kind": "openai_compatible", "default_model": "x"},
        "/providers/main/delete": {},
        "/vault": {"kind": "file", "url": "file:///x"},
        "/vault/test": {"kind": "file", "url": "file:///x"},
        "/key": {"role": "caller"},
        f"/keys/{office.admin_key_id}/revoke": {},
    }
    token = maria.token(office.url)
    for path, form in forms.items():
        assert maria.post(office.url + path, None, None, **form).status_code == 403
        assert maria.post(office.url + path, token, {"sec-fetch-site": "cross-site"}, **form).status_code == 403
    assert [office.ask(path) for path in ("", "/providers", "/keys")] == before


# the firm


def test_the_rule_the_fallback_and_the_limit(maria: Web, office: Office) -> None:
    form = {"name": "Quince & Pell", "rule": "all", "fallback": "fail", "cost_limit_usd": "$1,250.50"}
    answer = send(maria, office.url, form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{office.url}?done=firm")
    firm = office.ask("")
    assert (firm["name"], firm["rule"], firm["fallback"]) == ("Quince & Pell", "all", "fail")
    assert firm["cost_limit_usd"] == 1250.5
    assert "The firm’s settings are saved." in maria.get(answer.headers["location"]).text
    send(maria, office.url, {**form, "cost_limit_usd": ""})
    assert office.ask("")["cost_limit_usd"] is None


@pytest.mark.parametrize(
    ("form", "field"), [({"cost_limit_usd": "much"}, "cost"), ({"name": "x" * 201}, "name"), ({"rule": "most"}, "rule")]
)
def test_an_error_is_said_at_its_field(maria: Web, office: Office, form: dict[str, str], field: str) -> None:
    before = office.ask("")
    answer = send(maria, office.url, {"name": "Kept", "cost_limit_usd": "", **form})
    assert answer.status_code == 422
    assert problem(answer.text, field)
    assert office.ask("") == before


def test_what_a_tenants_admin_may_not_do_is_not_offered(web: Web, maria: Web, office: Office, admin: Admin) -> None:
    page = maria.get(office.url).text
    assert 'value="off"' not in page
    assert 'name="suspended"' not in page
    token = maria.token(office.url)
    assert maria.post(office.url, token, rule="off").status_code == 403
    assert 'name="allowed_paths"' not in page
    assert maria.post(office.url, token, governs="1", suspended="on").status_code == 403
    assert maria.post(office.url, token, allowed_paths="rerank").status_code == 403
    admin.put(office.path, {"rule": "off"})
    page = maria.get(office.url).text
    assert "A platform admin switched it off" in page
    assert 'name="rule"' not in page
    assert maria.post(office.url, token, fallback="fail").status_code == 303
    assert office.ask("")["rule"] == "off"


def test_a_platform_admin_switches_off_and_suspends(web: Web, office: Office) -> None:
    web.signed_in(ADMIN_KEY)
    token = web.token(office.url)
    form = {"name": "Quince", "rule": "off", "fallback": "stock", "governs": "1"}
    assert send(web, office.url, {**form, "suspended": "on"}, token).status_code == 303
    assert (office.ask("")["rule"], office.ask("")["suspended"]) == ("off", True)
    assert 'name="suspended" type="checkbox" checked' in web.get(office.url).text
    send(web, office.url, {**form, "rule": "default_only"}, token)
    assert (office.ask("")["rule"], office.ask("")["suspended"]) == ("default_only", False)


def test_a_platform_admin_opens_further_routes(web: Web, office: Office) -> None:
    web.signed_in(ADMIN_KEY)
    token = web.token(office.url)
    assert send(web, office.url, {"allowed_paths": "rerank\r\n batches/* "}, token).status_code == 303
    assert office.ask("")["allowed_paths"] == ["rerank", "batches/*"]
    assert ">rerank\nbatches/*</textarea>" in web.get(office.url).text
    answer = send(web, office.url, {"allowed_paths": "rerank\nfine_tuning/jobs"}, token)
    assert answer.status_code == 422
    assert "cannot be allowed" in problem(answer.text, "allowed_paths")
    assert "fine_tuning/jobs</textarea>" in answer.text
    assert office.ask("")["allowed_paths"] == ["rerank", "batches/*"]
    send(web, office.url, {"name": "Quince"}, token)
    assert office.ask("")["allowed_paths"] == ["rerank", "batches/*"], "a form without the field changes nothing of it"
    send(web, office.url, {"allowed_paths": ""}, token)
    assert office.ask("")["allowed_paths"] == []


# providers


@pytest.mark.parametrize("kind", [one.name for one in PROVIDERS])
def test_every_kind_of_provider_has_a_form(maria: Web, office: Office, kind: str) -> None:
    assert f"?kind={kind}" in maria.get(f"{office.url}/provider").text
    page = maria.get(f"{office.url}/provider?kind={kind}").text
    for name in ("provider", "api_key", "default_model"):
        assert f'name="{name}"' in page
    assert ('name="base_url"' in page) is (kind not in ("bedrock", "vertex"))
    assert ('name="options.region"' in page) is (kind == "bedrock")


def test_a_provider_is_made_changed_and_taken_away(maria: Web, office: Office) -> None:
    token = maria.token(office.url)
    form = {
        "kind": "azure_openai",
        "provider": "azure",
        "base_url": f"{office.account.base_url}/",
        "api_key": SECRET,
        "default_model": "drafting",
        "options.api_version": "2024-10-21",
        "options.stream_usage": "on",
    }
    assert send(maria, f"{office.url}/provider", form, token).headers["location"] == f"{office.url}?done=provider"
    made = office.ask("/providers")["items"][0]
    assert (made["name"], made["kind"], made["default_model"]) == ("azure", "azure_openai", "drafting")
    assert (made["is_default"], made["options"]) == (False, {"api_version": "2024-10-21"})
    pages = [maria.get(office.url).text, maria.get(f"{office.url}/providers/azure").text]
    assert all("…1234" in page and SECRET not in page for page in pages)
    assert 'value="2024-10-21"' in pages[1]

    changed = {"kind": "azure_openai", "default_model": "drafting-2", "is_default": "on"}
    assert send(maria, f"{office.url}/providers/azure", changed, token).status_code == 303
    made = office.ask("/providers")["items"][0]
    assert (made["default_model"], made["is_default"]) == ("drafting-2", True)
    assert (made["options"], made["api_key_hint"]) == ({"stream_usage": False}, "…1234")

    assert "refused until another is the default" in maria.get(f"{office.url}/providers/azure/delete").text
    answer = maria.post(f"{office.url}/providers/azure/delete", token)
    assert answer.headers["location"] == f"{office.url}?done=no-provider"
    assert [one["name"] for one in office.ask("/providers")["items"]] == ["main"]
    assert maria.get(f"{office.url}/providers/azure").status_code == 404


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"base_url": "http://10.1.2.3/v1"}, "base_url"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"api_key": "with a blank"}, "api_key"),
        ({"default_model": "ft:gpt-4o-mini:x"}, "default_model"),
        ({"default_model": ""}, "default_model"),
        ({"provider": "no/name"}, "provider"),
        ({"provider": "main"}, "provider"),
    ],
)
def test_a_providers_error_is_said_at_its_field(maria: Web, office: Office, form: dict[str, str], field: str) -> None:
    fields = {"kind": "openai_compatible", "provider": "second", "default_model": "m", "base_url": "http://127.0.0.1:9"}
    token = maria.token(office.url)
    answer = send(maria, f"{office.url}/provider", {**fields, "api_key": SECRET, **form}, token)
    assert answer.status_code in (409, 422)
    assert problem(answer.text, field)
    assert SECRET not in answer.text
    assert [one["name"] for one in office.ask("/providers")["items"]] == ["main"]


def test_a_secret_is_asked_for_again_where_it_would_go_elsewhere(maria: Web, office: Office) -> None:
    form = {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "default_model": STOCK}
    answer = send(maria, f"{office.url}/providers/main", form)
    assert answer.status_code == 422
    assert problem(answer.text, "api_key")
    assert 'value="http://127.0.0.1:9/v1"' in answer.text


def test_a_provider_in_use_stays(web: Web, house: Any) -> None:
    house.firm.activate(house.spring)
    url = f"{house.url}/settings/providers/main/delete"
    answer = web.signed_in(house.key).post(url, web.token(house.url))
    assert answer.status_code == 409
    assert "The provider is in use" in answer.text
    assert house.firm.admin.get(f"{house.firm.path}/providers")["items"]


# the Vault


@pytest.mark.parametrize("kind", [one.name for one in VAULTS])
def test_every_kind_of_vault_has_a_form(maria: Web, office: Office, kind: str) -> None:
    assert f"?kind={kind}" in maria.get(f"{office.url}/vault").text
    assert 'name="url"' in maria.get(f"{office.url}/vault?kind={kind}").text


def test_a_vault_is_counted_and_saved(maria: Web, office: Office, data_dir: Path) -> None:
    vault = write_vault(data_dir / "vaults" / f"{office.name}.jsonl", 12, 3)
    token = maria.token(office.url)
    answer = maria.post(f"{office.url}/vault", token, kind="file", url=vault.as_uri())
    assert answer.status_code == 200
    assert re.search(r"Ready chunks</dt><dd>12<", answer.text)
    assert "Few: a model" in answer.text
    form = {"kind": "file", "url": vault.as_uri(), "options.ready_values": "pending, final"}
    assert re.search(r"Ready chunks</dt><dd>3<", send(maria, f"{office.url}/vault", form, token).text)
    assert office.ask("/vault")["options"] == {"ready_values": ["pending", "final"]}
    assert 'value="pending, final"' in maria.get(f"{office.url}/vault").text
    missing = {"kind": "file", "url": vault.as_uri(), "options.fields.status": "–"}
    send(maria, f"{office.url}/vault", missing, token)
    assert office.ask("/vault")["options"] == {"fields": {"status": None}}
    assert office.ask("/vault")["ready_chunks"] == 15


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "nothing"}, "url"),
        ({"kind": "s3", "url": "s3://bucket/x"}, "url"),
        ({"kind": "api", "url": "https://a.example/x", "options.api.page_size": "many"}, "options-api-page_size"),
    ],
)
def test_a_vaults_error_is_said_at_its_field(maria: Web, office: Office, form: dict[str, str], field: str) -> None:
    answer = send(maria, f"{office.url}/vault", {"kind": "file", **form})
    assert answer.status_code == 422
    assert problem(answer.text, field)


def test_a_vault_that_cannot_be_read_changes_nothing(maria: Web, office: Office, data_dir: Path) -> None:
    token = maria.token(office.url)
    maria.post(f"{office.url}/vault", token, kind="file", url=demo_vault(data_dir).as_uri())
    before = office.ask("/vault")
    gone = (data_dir / "vaults" / "gone.jsonl").as_uri()
    answer = maria.post(f"{office.url}/vault", token, kind="file", url=gone)
    assert answer.status_code == 422
    assert problem(answer.text, "url")
    assert f'value="{gone}"' in answer.text
    assert office.ask("/vault") == before


def test_a_vault_is_tested_as_it_is_typed_and_not_saved(maria: Web, office: Office, data_dir: Path) -> None:
    vault = write_vault(data_dir / "vaults" / f"{office.name}.jsonl", 12, 3)
    token, path = maria.token(office.url), f"{office.url}/vault/test"
    form = {"kind": "file", "url": vault.as_uri(), "options.ready_values": "pending"}
    page = maria.post(path, token, None, **form).text
    assert "3 chunks are ready, 12 others are not." in page
    assert "12 with the status “not ready”" in page
    assert f'value="{vault.as_uri()}"' in page
    part = maria.post(path, token, {"hx-request": "true"}, **form).text
    assert "3 chunks are ready" in part
    assert "<form" not in part
    missing = {"kind": "file", "url": (data_dir / "vaults" / "gone.jsonl").as_uri()}
    answer = maria.post(path, token, None, **missing)
    assert answer.status_code == 422
    assert "no such file" in problem(answer.text, "url")
    part = maria.post(path, token, {"hx-request": "true"}, **missing).text
    assert re.search(r'<a href="#url">Address</a>: [^<]*no such file', part)
    assert office.admin.ask("GET", f"{office.path}/vault").status_code == 404


# keys


def test_a_key_is_shown_once_and_works_until_it_is_revoked(maria: Web, office: Office) -> None:
    token = maria.token(office.url)
    form = {"label": "Intake", "role": "caller", "expires_at": "2999-12-31"}
    page = send(maria, f"{office.url}/key", form, token).text
    found = re.search(r">(hs_[^<]+)</output>", page)
    assert found is not None
    assert office.say(headers={"authorization": f"Bearer {found[1]}"}).status_code == 200
    made = office.ask("/keys")["items"][0]
    assert (made["label"], made["role"], made["expires_at"]) == ("Intake", "caller", "2999-12-31T23:59:59.000Z")
    zoned = {"role": "caller", "expires_at": "2999-12-31", "expires_at_zone": "-05:00"}
    send(maria, f"{office.url}/key", zoned, token)
    assert office.ask("/keys")["items"][0]["expires_at"] == "3000-01-01T04:59:59.000Z"
    page = maria.get(office.url).text
    assert "Intake" in page
    assert found[1] not in page
    assert "Revoke “Intake”?" in maria.get(f"{office.url}/keys/{made['id']}/revoke").text
    answer = maria.post(f"{office.url}/keys/{made['id']}/revoke", token)
    assert answer.headers["location"] == f"{office.url}?done=no-key"
    assert office.say(headers={"authorization": f"Bearer {found[1]}"}).status_code == 401
    assert maria.get(f"{office.url}/keys/{made['id']}/revoke").status_code == 404


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"role": "platform_admin"}, "role"),
        ({"role": "service"}, "role"),
        ({"role": ""}, "role"),
        ({"role": "caller", "expires_at": "2020-01-01"}, "expires"),
        ({"role": "caller", "expires_at": "soon"}, "expires"),
    ],
)
def test_a_keys_error_is_said_at_its_field(maria: Web, office: Office, form: dict[str, str], field: str) -> None:
    before = office.ask("/keys")
    answer = send(maria, f"{office.url}/key", form)
    assert answer.status_code == 422
    assert problem(answer.text, field)
    assert office.ask("/keys") == before


def test_who_revokes_their_own_key_is_told_and_out(maria: Web, office: Office) -> None:
    token, path = maria.token(office.url), f"{office.url}/keys/{office.admin_key_id}/revoke"
    assert "your session ends with it" in maria.get(path).text
    maria.post(path, token)
    assert maria.get(office.url).headers["location"].startswith(SIGN_IN)


# the audit log


def test_the_audit_log_says_who_did_what(maria: Web, office: Office) -> None:
    maria.post(office.url, maria.token(office.url), rule="all")
    page = maria.get(f"{office.url}/audit").text
    assert re.search(r"<b>Maria Lindqvist</b> changed the firm’s settings: rule<", page)
    assert "&#34;rule&#34;: &#34;all&#34;" in page
    keys = maria.get(f"{office.url}/audit?action=key.").text
    assert "made the key “Maria Lindqvist”" in keys
    assert "changed the firm’s settings" not in keys
    assert "Nothing of the kind" in maria.get(f"{office.url}/audit?action=vault.").text


def test_the_audit_log_has_pages(maria: Web, office: Office) -> None:
    for number in range(26):
        office.admin.put(office.path, {"name": f"Name {number}"})
    first = maria.get(f"{office.url}/audit?action=tenant.").text
    older = re.search(r'href="([^"]+cursor=[^"]+)">Older<', first)
    assert older is not None
    second = maria.get(older[1].replace("&amp;", "&")).text
    assert first.count("changed the firm’s settings") == 25
    assert second.count("changed the firm’s settings") == 1
    assert second.count("made the firm") == 1
    assert "cursor=" not in second


# in a browser


def look(reader: Reader) -> None:
    """No serious fault, nothing wider than the window."""
    assert reader.faults() == []
    assert reader.width() == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_the_story_of_a_firm_that_is_set_up(
    browser: Browser, gateway: Program, admin: Admin, sandbox: Program, data_dir: Path, scheme: Any, width: int
) -> None:
    office = Office(admin, sandbox)
    admin.delete(f"{office.path}/providers/main")
    vault = demo_vault(data_dir)
    view: Any = {"width": width, "height": 800}
    with reading(browser, gateway.url, next(addresses), color_scheme=scheme, viewport=view) as reader:
        page = reader.page
        reader.sign_in(office.admin_key, office.url)
        look(reader)
        page.get_by_role("link", name="Add the first one").first.click()
        look(reader)
        page.get_by_role("link", name="Another server with OpenAI’s API").click()
        look(reader)
        page.get_by_label("Address").fill(office.account.base_url)
        page.get_by_label("API key").fill(office.account.key)
        page.get_by_label("Default model").fill(STOCK)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="The provider is saved.")).to_be_focused()
        look(reader)
        page.get_by_role("link", name="Say where it is").click()
        page.get_by_role("link", name="Files").click()
        page.get_by_label("Address").fill(vault.as_uri())
        page.get_by_text("Rarely needed").click()
        look(reader)
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator("#tested")).to_contain_text("57 chunks are ready")
        expect(page.get_by_label("Address")).to_have_value(vault.as_uri())
        look(reader)
        page.get_by_role("button", name="Save and count").click()
        expect(page.get_by_role("heading", name="The Vault is saved")).to_be_visible()
        look(reader)
        page.get_by_role("link", name="Settings").first.click()
        page.get_by_role("link", name="New key").click()
        page.get_by_label("Label").fill("Assistant at home")
        look(reader)
        page.get_by_role("button", name="Make the key").click()
        key = page.locator("output").inner_text()
        look(reader)
        assert office.say(headers={"authorization": f"Bearer {key}"}).status_code == 200
        reader.go(office.url)
        page.get_by_role("button", name="Revoke Assistant at home").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert reader.faults() == []
        dialog.get_by_role("button", name="Leave it").click()
        expect(dialog).to_have_count(0)
        page.get_by_role("button", name="Revoke Assistant at home").click()
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("The key is revoked")).to_be_visible()
        page.get_by_label("All calls").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The firm’s settings are saved.")).to_be_visible()
        page.get_by_role("link", name="Read it").click()
        expect(page.locator(".audit")).to_contain_text("revoked the key “Assistant at home”")
        page.get_by_text("Before and after").first.click()
        look(reader)
    assert office.ask("")["rule"] == "all"
    assert office.ask("/vault")["ready_chunks"] == 57
    office.close()


def test_an_error_is_seen_and_has_the_focus(browser: Browser, gateway: Program, office: Office) -> None:
    with reading(browser, gateway.url, next(addresses), complains=True) as reader:  # Chromium calls any 422 an error
        reader.sign_in(office.admin_key, f"{office.url}/providers/main")
        reader.page.get_by_label("Address").fill("http://10.1.2.3/v1")
        reader.page.get_by_role("button", name="Save").click()
        expect(reader.page.get_by_role("alert")).to_contain_text("HOUSESTYLE_UPSTREAM_ALLOW")
        expect(reader.page.get_by_label("Address")).to_be_focused()
        look(reader)
