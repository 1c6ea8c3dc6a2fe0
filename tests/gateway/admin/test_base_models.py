"""Which base models a provider offers: its own list, judged by what is shipped; and how it is asked."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gateway.admin.base_models import offered
from gateway.admin.provider_models import Listed
from gateway.admin.schemas import BaseModelView
from tests.support.admin import STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program
from tests.support.sandbox import Account
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, Upstream, echo_model, upstream

NOW = "2026-11-22T12:00:00.000Z"
RETIRING = "gpt-4.1-2025-04-14"


@pytest.fixture
def provider() -> Iterator[Upstream]:
    """A scripted one in a thread of its own, since the admin's requests wait for it."""
    with in_thread(upstream(echo_model)) as made:
        yield made


@pytest.fixture
def retired(sandbox: Program) -> Iterator[str]:
    """A stock model whose end the sandbox announces, until the test is over."""
    account = Account(sandbox.url, unique("sk"))
    account.retire(RETIRING, "2026-01-31")
    yield RETIRING
    account.retire(RETIRING, None)


def path(firm: Firm, provider: str = "main") -> str:
    return f"{firm.path}/providers/{provider}/base-models"


def test_the_providers_own_list(admin: Admin, sandbox: Program, vault: Any, retired: str) -> None:
    firm = Firm(admin, sandbox.url, vault=vault)
    tuned = firm.ready_job()["fine_tuned_model"]
    models = {row["model"]: row for row in admin.get(path(firm))}
    assert set(models["sandbox-small"]) == {"model", "tunable", "reason", "retires_at"}
    assert models["sandbox-small"] == {"model": "sandbox-small", "tunable": True, "reason": None, "retires_at": None}
    assert tuned not in models
    assert models[retired]["tunable"] is False
    assert models[retired]["retires_at"] == "2026-01-31T00:00:00.000Z"
    assert "2026-01-31" in models[retired]["reason"]


def test_a_tenants_own_admin_may_ask(admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin", "label": "x"})["key"]
    with Admin(admin.url, key) as own, Admin(admin.url, firm.key) as caller:
        assert own.get(path(firm))
        assert caller.refused("GET", path(firm)) == (403, "forbidden_role", None)


def view(rows: list[BaseModelView], model: str) -> BaseModelView:
    [found] = [row for row in rows if row.model == model]
    return found


def test_of_a_kind_that_is_known_the_tunable_ones_come_first_and_the_others_say_why() -> None:
    listed = [
        Listed("gpt-6-luna"),
        Listed("gpt-4.1-mini-2025-04-14", "2027-01-14"),
        Listed("gpt-4.1-mini"),
        Listed("gpt-new"),
        Listed("gpt-4.1-2025-04-14", "2026-11-21"),
        Listed("ft:gpt-4.1-mini-2025-04-14:firm::a"),
        Listed("house-style", parent="gpt-4.1-mini"),
        Listed("text-embedding-3-small"),
        Listed("gpt-4o-audio-preview"),
        Listed("dall-e-3"),
    ]
    rows = offered(listed, "openai", NOW)
    assert [row.model for row in rows if row.tunable] == ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"]
    assert [row.tunable for row in rows] == sorted((row.tunable for row in rows), reverse=True)
    assert all((row.reason is None) == row.tunable for row in rows)
    names = [row.model for row in rows]
    assert len(names) == len(set(names))
    for gone in ("ft:gpt-4.1-mini-2025-04-14:firm::a", "house-style", "text-embedding-3-small", "dall-e-3"):
        assert gone not in names
    assert view(rows, "gpt-4.1-mini").retires_at == "2027-01-14T00:00:00.000Z"
    assert "cannot be fine-tuned" in (view(rows, "gpt-6-luna").reason or "")
    assert "not known to be tunable" in (view(rows, "gpt-new").reason or "")
    assert "was retired on 2026-11-21, says the provider" in (view(rows, "gpt-4.1-2025-04-14").reason or "")
    assert "does not list it" in (view(rows, "gpt-4o-mini-2024-07-18").reason or "")
    assert "was retired on 2026-10-23" in (view(rows, "gpt-4-0613").reason or "")


def test_after_the_last_day_nothing_is_tunable_at_openai() -> None:
    rows = offered([Listed("gpt-4.1-mini-2025-04-14")], "openai", "2027-01-07T00:00:00.000Z")
    assert not any(row.tunable for row in rows)


def test_of_a_kind_that_is_not_known_what_it_lists_is_tunable() -> None:
    rows = offered([Listed("llama-3"), Listed("bge-large"), Listed("whisper")], "openai_compatible", NOW)
    assert rows == [BaseModelView("llama-3", True, None, None)]


# how a provider is asked


def listing(*names: str) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [{"id": name} for name in names]})


def script(body: bytes, status: str = "200 OK", *headers: str) -> Any:
    async def answer(_request: Received, peer: Peer) -> None:
        await peer.answer(body, status, *headers)

    return answer


async def cut(_request: Received, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    peer.cut()


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (script(b"{}", "401 Unauthorized"), 502, "provider_auth_failed"),
        (script(b"{}", "403 Forbidden"), 502, "provider_auth_failed"),
        (script(b"{}", "404 Not Found"), 400, "endpoint_not_supported"),
        (script(b"{}", "500 Oops"), 502, "upstream_protocol_error"),
        (script(b"", "302 Found", "location: http://169.254.169.254/"), 502, "upstream_protocol_error"),
        (script(b"<html>"), 502, "upstream_protocol_error"),
        (script(b'{"data":7}'), 502, "upstream_protocol_error"),
        (script(b"\xff\xfe"), 502, "upstream_protocol_error"),
        (script(b"[" * 100_000), 502, "upstream_protocol_error"),
        (script(b" " * (9 << 20)), 502, "upstream_protocol_error"),
        (cut, 502, "upstream_protocol_error"),
    ],
)
def test_a_provider_that_does_not_play_along(
    admin: Admin, firm: Firm, provider: Upstream, answer: Any, status: int, code: str
) -> None:
    provider.script = answer
    asked = admin.ask("GET", path(firm))
    assert (asked.status_code, asked.json()["error"]["code"]) == (status, code)
    assert firm.account.key not in asked.text
    assert "main" in asked.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "models"),
    [
        (listing("llama-3"), ["llama-3"]),
        (b'[{"id":"llama-3","type":"chat"}]', ["llama-3"]),  # Together's
        (b'{"data":[{"id":7},{"name":"x"},null,"y",{"id":"llama-3","shutdown_date":5,"parent":[]}]}', ["llama-3"]),
        (b'{"data":[]}', []),
    ],
)
def test_the_forms_of_a_list(admin: Admin, firm: Firm, provider: Upstream, body: bytes, models: list[str]) -> None:
    provider.script = script(body)
    assert [row["model"] for row in admin.get(path(firm))] == models


@pytest.mark.parametrize(
    ("kind", "base", "target", "header"),
    [
        ("openai", "/v1", "/v1/models", "authorization"),
        ("openai_compatible", "/v1", "/v1/models", "authorization"),
        ("together", "/v1", "/v1/models", "authorization"),
        ("fireworks", "/inference/v1", "/inference/v1/models", "authorization"),
        ("azure_openai", "/openai/v1", "/openai/v1/models", "api-key"),
        ("anthropic", "", "/v1/models?limit=1000", "x-api-key"),
    ],
)
def test_each_kind_is_asked_in_its_own_way(
    admin: Admin, firm: Firm, provider: Upstream, kind: str, base: str, target: str, header: str
) -> None:
    provider.script = script(listing("m"))
    body = {"kind": kind, "base_url": provider.url + base, "api_key": "sk-own", "default_model": STOCK}
    admin.put(f"{firm.path}/providers/{kind}", body)
    assert "m" in [row["model"] for row in admin.get(path(firm, kind))]
    assert (provider.last.method, provider.last.target) == ("GET", target)
    assert provider.last.header(header) == ["Bearer sk-own" if header == "authorization" else "sk-own"]
    assert bool(provider.last.header("anthropic-version")) == (kind == "anthropic")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("bedrock", {}),
        ("azure_openai", {"base_url": "https://firm.openai.azure.com", "api_key": "sk"}),  # its dated interface
    ],
)
def test_a_kind_without_a_list(admin: Admin, firm: Firm, kind: str, more: Any) -> None:
    admin.put(f"{firm.path}/providers/other", {"kind": kind, "default_model": "x", **more})
    assert admin.refused("GET", path(firm, "other")) == (400, "endpoint_not_supported", None)


def test_nobody_is_there(admin: Admin, firm: Firm) -> None:
    body = {**firm.provider, "base_url": "http://127.0.0.1:9/v1"}
    admin.put(f"{firm.path}/providers/main", body)
    assert admin.refused("GET", path(firm)) == (502, "upstream_unreachable", None)
    assert admin.refused("GET", path(firm, "none")) == (404, "provider_not_configured", None)
