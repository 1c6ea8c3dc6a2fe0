"""The kinds of providers (`gateway/wire/kinds.py`): their credentials, their paths, what they serve."""

import typing
from typing import Any

import pytest

from gateway import endpoints
from gateway.admin.schemas import Kind
from gateway.wire import kinds
from gateway.wire.kinds import KINDS, NeedsModel


def path(
    kind: str, base: str, route: str, model: str | None = "m", query: str = "", options: dict[str, Any] | None = None
) -> str:
    return kinds.path(kind, base, route, model, query, options or {})


def test_the_table_has_what_the_admin_api_takes() -> None:
    assert set(KINDS) == set(typing.get_args(Kind))


def test_the_contracts_examples_of_provider_names() -> None:
    named = {kind: KINDS[kind].provider_name for kind in ("openai", "azure_openai", "anthropic", "bedrock")}
    assert named == {
        "openai": "openai",
        "azure_openai": "azure.ai.openai",
        "anthropic": "anthropic",
        "bedrock": "aws.bedrock",
    }


def test_which_are_translated() -> None:
    translated = {kind for kind in KINDS if kinds.is_translated(kind)}
    assert translated == {"bedrock", "vertex", "litellm"} == {kind for kind, row in KINDS.items() if not row.needs_url}


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("openai", ((b"authorization", b"Bearer sk-1"),)),
        ("openai_compatible", ((b"authorization", b"Bearer sk-1"),)),
        ("together", ((b"authorization", b"Bearer sk-1"),)),
        ("fireworks", ((b"authorization", b"Bearer sk-1"),)),
        ("azure_openai", ((b"api-key", b"sk-1"),)),
        ("anthropic", ((b"x-api-key", b"sk-1"),)),
        ("bedrock", ()),
        ("vertex", ()),
        ("litellm", ()),
    ],
)
def test_credentials(kind: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert kinds.credential(kind, "sk-1") == headers
    assert kinds.credential(kind, None) == ()


def test_what_anthropic_insists_on() -> None:
    assert KINDS["anthropic"].defaults == ((b"anthropic-version", b"2023-06-01"),)
    assert not any(row.defaults for kind, row in KINDS.items() if kind != "anthropic")


# paths

OPENAI_BASES = [(kind, KINDS[kind].base_url.split("/", 3)[3]) for kind in ("openai", "together", "fireworks")]


@pytest.mark.parametrize(("kind", "base"), [*OPENAI_BASES, ("openai_compatible", ""), ("openai_compatible", "a/v3")])
@pytest.mark.parametrize("route", ["chat/completions", "models", "responses/resp_1"])
def test_a_path_goes_after_the_base(kind: str, base: str, route: str) -> None:
    base = f"/{base}" if base else ""
    assert path(kind, base, route) == f"{base}/{route}"
    assert path(kind, base, route, None, "a=1&b=%20") == f"{base}/{route}?a=1&b=%20"


@pytest.mark.parametrize(
    ("base", "route", "sent"),
    [
        ("", "messages", "/v1/messages"),
        ("/v1", "messages", "/v1/messages"),
        ("/proxy", "messages/count_tokens", "/proxy/v1/messages/count_tokens"),
        ("/proxy/v1", "models", "/proxy/v1/models"),
        ("/apiv1", "messages", "/apiv1/v1/messages"),
    ],
)
def test_anthropics_base_is_without_v1(base: str, route: str, sent: str) -> None:
    assert path("anthropic", base, route) == sent
    assert path("anthropic", base, route, query="beta=true") == f"{sent}?beta=true"


@pytest.mark.parametrize("kind", ["bedrock", "vertex", "litellm"])
def test_the_translator_has_paths_of_its_own(kind: str) -> None:
    assert path(kind, "/whatever", "chat/completions", query="a=1") == "/v1/chat/completions"


DATED = "api-version=2024-10-21"


@pytest.mark.parametrize(
    ("base", "route", "model", "query", "options", "sent"),
    [
        # dated: deployments
        ("", "chat/completions", "dep", "", {}, f"/openai/deployments/dep/chat/completions?{DATED}"),
        ("/openai", "embeddings", "dep", "", {}, f"/openai/deployments/dep/embeddings?{DATED}"),
        ("/proxy", "completions", "dep", "", {}, f"/proxy/openai/deployments/dep/completions?{DATED}"),
        ("", "audio/speech", "a b/c?d", "", {}, f"/openai/deployments/a%20b%2Fc%3Fd/audio/speech?{DATED}"),
        ("", "images/generations", "../x", "", {}, f"/openai/deployments/..%2Fx/images/generations?{DATED}"),
        ("", "responses", None, "", {}, f"/openai/responses?{DATED}"),
        ("", "responses/resp_1", None, "a=1", {}, f"/openai/responses/resp_1?a=1&{DATED}"),
        ("", "responses", None, "", {"api_version": "2025-03-01"}, "/openai/responses?api-version=2025-03-01"),
        ("", "responses", None, "api-version=x", {}, "/openai/responses?api-version=x"),
        ("", "responses", None, "a=1&api-version=x", {}, "/openai/responses?a=1&api-version=x"),
        ("", "responses", None, "no-api-version=x", {}, f"/openai/responses?no-api-version=x&{DATED}"),
        # without dates: as at OpenAI
        ("/openai/v1", "chat/completions", "dep", "", {}, "/openai/v1/chat/completions"),
        ("/openai/v1", "chat/completions", None, "a=1", {}, "/openai/v1/chat/completions?a=1"),
        ("/openai/v1", "models", None, "", {"api_version": "preview"}, "/openai/v1/models?api-version=preview"),
    ],
)  # fmt: skip
def test_azures_two_interfaces(
    base: str, route: str, model: str | None, query: str, options: dict[str, Any], sent: str
) -> None:
    assert path("azure_openai", base, route, model, query, options) == sent


@pytest.mark.parametrize("model", [None, ""])
def test_azures_dated_interface_needs_a_model_in_the_path(model: str | None) -> None:
    with pytest.raises(NeedsModel):
        path("azure_openai", "", "chat/completions", model)


# what is served

CHAT_ONLY = ["bedrock", "vertex", "litellm"]


@pytest.mark.parametrize(
    ("kind", "base", "family", "yes"),
    [
        *((kind, "", "chat", True) for kind in KINDS if kind != "anthropic"),
        *((kind, "", family, False) for kind in CHAT_ONLY for family in ("responses", "embeddings", "models", "other")),
        ("anthropic", "", "chat", False),
        ("anthropic", "", "messages", True),
        ("anthropic", "", "models", True),
        ("anthropic", "", "embeddings", False),
        ("openai", "/v1", "messages", False),
        ("openai_compatible", "", "messages", True),
        ("together", "", "messages", False),
        ("azure_openai", "", "moderations", False),
        ("azure_openai", "", "models", False),
        ("azure_openai", "/openai", "models", False),
        ("azure_openai", "/openai/v1", "models", True),
        ("openai", "/v1", "other", True),
    ],
)
def test_what_a_kind_serves(kind: str, base: str, family: kinds.Family, yes: bool) -> None:
    assert kinds.serves(kind, base, family) is yes


def test_every_route_is_served_by_somebody() -> None:
    for endpoint in endpoints.TABLE:
        assert any(endpoint.family in row.families for row in KINDS.values()), endpoint.path
