"""Providers: where a tenant's calls go, and a secret that never comes back."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program

SECRET = "sk-very-secret-value-9f3a"
BODY = {"kind": "openai", "default_model": STOCK, "api_key": SECRET}


@pytest.fixture
def path(admin: Admin) -> str:
    """A new tenant's providers."""
    tenant = f"/tenants/{unique('t')}"
    admin.put(tenant, {})
    return f"{tenant}/providers"


def test_a_provider_shows_the_end_of_its_secret_and_no_more(admin: Admin, path: str) -> None:
    answer = admin.ask("PUT", f"{path}/main", BODY)
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "main",
        "kind": "openai",
        "base_url": "https://api.openai.com/v1",
        "default_model": STOCK,
        "is_default": True,
        "options": {},
        "api_key_hint": "…9f3a",
    }
    everything = [answer, admin.ask("GET", path), admin.ask("GET", path.removesuffix("/providers"))]
    everything += [admin.ask("PUT", f"{path}/main", {**BODY, "base_url": "ftp://x"})]
    for shown in everything:
        assert SECRET not in shown.text
        assert SECRET not in str(shown.headers)


def test_a_short_secret_is_not_hinted_at(admin: Admin, path: str) -> None:
    assert admin.put(f"{path}/main", {**BODY, "api_key": "short"})["api_key_hint"] == "…"


def test_the_secret_is_sealed_in_the_store_and_on_disk(
    admin: Admin, path: str, data_dir: Path, gateway: Program
) -> None:
    secret = f"sk-{unique('sealed')}-0000"
    admin.put(f"{path}/main", {**BODY, "api_key": secret})
    for file in [*data_dir.rglob("*"), gateway.log]:
        if file.is_file() and not file.is_symlink():
            assert secret.encode() not in file.read_bytes(), file


def test_the_first_becomes_the_default_and_another_when_it_says_so(admin: Admin, path: str) -> None:
    assert admin.put(f"{path}/one", BODY)["is_default"]
    assert not admin.put(f"{path}/two", BODY)["is_default"]
    assert admin.put(f"{path}/two", {**BODY, "is_default": True})["is_default"]
    shown = {one["name"]: one["is_default"] for one in admin.get(path)["items"]}
    assert shown == {"one": False, "two": True}
    assert admin.get(path.removesuffix("/providers"))["default_provider"] == "two"
    admin.delete(f"{path}/two")
    assert admin.get(path.removesuffix("/providers"))["default_provider"] is None


def test_a_secret_left_out_stays(admin: Admin, path: str) -> None:
    admin.put(f"{path}/main", BODY)
    changed = admin.put(f"{path}/main", {"kind": "openai", "default_model": "gpt-4.1"})
    assert (changed["api_key_hint"], changed["default_model"]) == ("…9f3a", "gpt-4.1")


def test_a_slash_at_the_end_makes_no_other_address(admin: Admin, path: str) -> None:
    slashed = {"kind": "openai", "default_model": STOCK, "base_url": "https://api.openai.com/v1/"}
    admin.put(f"{path}/main", {**slashed, "api_key": SECRET})
    for body in (slashed, {**slashed, "base_url": "https://api.openai.com/v1"}, slashed):
        repeated = admin.put(f"{path}/main", body)
        assert (repeated["base_url"], repeated["api_key_hint"]) == ("https://api.openai.com/v1", "…9f3a")


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://api.openai.com/v2"},
        {"base_url": "http://api.openai.com/v1"},
        {"kind": "openai_compatible", "base_url": "https://api.openai.com/v1"},
    ],
)
def test_a_secret_is_not_carried_to_another_address(admin: Admin, path: str, change: dict[str, str]) -> None:
    admin.put(f"{path}/main", BODY)
    moved = {"kind": "openai", "default_model": STOCK, **change}
    assert admin.refused("PUT", f"{path}/main", moved) == (422, "api_key_required", "api_key")
    [same] = admin.get(path)["items"]
    assert (same["kind"], same["base_url"]) == ("openai", "https://api.openai.com/v1")
    assert admin.put(f"{path}/main", {**moved, "api_key": SECRET})["base_url"] == change["base_url"]


BEDROCK = {"region": "eu-central-1", "access_key_id": "AKIA123"}


@pytest.mark.parametrize(
    ("kind", "model", "options", "change"),
    [
        ("litellm", "openai/gpt-4o", {"provider": "openai"}, {"options": {"provider": "huggingface"}}),
        ("litellm", "openai/gpt-4o", {"provider": "openai"}, {"default_model": "deepseek/chat", "options": {}}),
        ("litellm", "openai/gpt-4o", {}, {"default_model": "deepseek/chat"}),
        ("bedrock", "anthropic.claude", BEDROCK, {"options": {"region": "eu-central-1"}}),  # as a bearer token
        ("bedrock", "anthropic.claude", BEDROCK, {"options": {**BEDROCK, "region": "us-east-1"}}),
    ],
)
def test_nor_to_whomever_options_or_a_model_would_lead_it(
    admin: Admin, path: str, kind: str, model: str, options: dict[str, str], change: dict[str, Any]
) -> None:
    body = {"kind": kind, "default_model": model, "options": options}
    admin.put(f"{path}/main", {**body, "api_key": SECRET})
    assert admin.refused("PUT", f"{path}/main", {**body, **change}) == (422, "api_key_required", "api_key")
    assert admin.put(f"{path}/main", body)["options"] == options
    assert admin.put(f"{path}/main", {**body, **change, "api_key": SECRET})["default_model"] == (
        change.get("default_model") or model
    )


def test_a_tenant_has_not_any_number_of_them(admin: Admin, path: str) -> None:
    for number in range(64):
        admin.put(f"{path}/p{number}", BODY)
    assert admin.refused("PUT", f"{path}/more", BODY) == (422, "invalid_field", "provider")
    admin.put(f"{path}/p1", {**BODY, "default_model": "gpt-4.1"})


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_field", "kind"),
        ({"kind": "openai"}, "invalid_field", "default_model"),
        ({**BODY, "kind": "watson"}, "invalid_field", "kind"),
        ({**BODY, "default_model": ""}, "invalid_field", "default_model"),
        ({**BODY, "default_model": "ft:gpt-4o-mini-2024-07-18:acme::1"}, "invalid_field", "default_model"),
        ({**BODY, "default_model": 4}, "invalid_field", "default_model"),
        ({**BODY, "api_base": "x"}, "unknown_field", "api_base"),
        ({**BODY, "api_key": ""}, "invalid_field", "api_key"),
        ({**BODY, "api_key": "a\r\nhost: x"}, "invalid_field", "api_key"),
        ({**BODY, "api_key": "schlüssel-lang-genug"}, "invalid_field", "api_key"),
        ({**BODY, "base_url": "ftp://api.openai.com"}, "invalid_field", "base_url"),
        ({**BODY, "base_url": "https://user:pass@api.openai.com"}, "invalid_field", "base_url"),
        ({**BODY, "base_url": "https://api.openai.com/v1?x=1"}, "invalid_field", "base_url"),
        ({**BODY, "base_url": "https://api.openai.com:99999"}, "invalid_field", "base_url"),
        ({**BODY, "base_url": "nonsense"}, "invalid_field", "base_url"),
        ({**BODY, "options": []}, "invalid_field", "options"),
        ({**BODY, "options": {"api_version": "2024-10-21\n"}}, "invalid_field", "options.api_version"),
        ({**BODY, "options": {"aws_secret_access_key": "x"}}, "unknown_field", "options.aws_secret_access_key"),
        ({**BODY, "kind": "openai_compatible"}, "invalid_field", "base_url"),
    ],
)
def test_a_body_that_cannot_be_used(admin: Admin, path: str, body: Any, code: str, param: str) -> None:
    assert admin.refused("PUT", f"{path}/main", body) == (422, code, param)
    assert admin.get(path)["items"] == []


@pytest.mark.parametrize("name", ["a b", "a.b", "ä", "x" * 64, "a%2Fb"])
def test_a_name_that_cannot_be_used(admin: Admin, path: str, name: str) -> None:
    assert admin.ask("PUT", f"{path}/{name}", BODY).status_code in (404, 422)
    assert admin.get(path)["items"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/v1",
        "http://169.254.169.254/latest",
        "http://[::1]:8080",
        "http://192.168.1.1",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
    ],
)
def test_a_private_address_is_refused(admin: Admin, path: str, url: str) -> None:
    body = {**BODY, "base_url": url}
    assert admin.refused("PUT", f"{path}/main", body) == (422, "address_not_allowed", "base_url")


def test_one_that_is_not_there_cannot_be_deleted(admin: Admin, path: str) -> None:
    assert admin.refused("DELETE", f"{path}/main")[:2] == (404, "provider_not_configured")


def test_one_in_use_cannot_be_deleted(admin: Admin, sandbox: Program, vault: Path) -> None:
    firm = Firm(admin, sandbox.url, vault=vault)
    provider = f"{firm.path}/providers/main"
    job = firm.start_job()
    assert admin.refused("DELETE", provider)[:2] == (409, "provider_in_use")
    assert firm.finished(job)["status"] == "ready"
    firm.activate(job)
    assert admin.refused("DELETE", provider)[:2] == (409, "provider_in_use")
    firm.use_stock()
    admin.delete(provider)
    assert firm.say().json()["error"]["code"] == "provider_not_configured"
    assert admin.refused("POST", f"{firm.job_path(job)}/activate")[:2] == (404, "provider_not_configured")


def test_a_fine_tuned_model_is_not_the_default(admin: Admin, sandbox: Program, vault: Path) -> None:
    """It would go on answering after the stock model was asked for."""
    firm = Firm(admin, sandbox.url, vault=vault)
    body = {**firm.provider, "default_model": firm.ready_job()["fine_tuned_model"]}
    assert admin.refused("PUT", f"{firm.path}/providers/main", body) == (422, "invalid_field", "default_model")
    assert firm.say("default").headers["x-fine-tuned"] == "false"


@pytest.mark.parametrize("url", ["http://user:hunter2@[x", "http://us\u2100er:hunter2@h", "http://user:hunter2@h:x/"])
def test_a_password_in_a_url_that_cannot_be_read_is_not_repeated(admin: Admin, url: str) -> None:
    path = f"/tenants/{unique('t')}"
    admin.put(path, {})
    body = {"kind": "openai_compatible", "default_model": "m", "base_url": url}
    answer = admin.ask("PUT", f"{path}/providers/main", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "base_url")
    assert "hunter2" not in answer.text
