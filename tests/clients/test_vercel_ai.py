"""The Vercel AI SDK, its newest line and the one before, with each kind of its models: openai.chat(), openai() and
anthropic().
"""

from typing import NamedTuple

import pytest

from tests.clients.cases import check
from tests.clients.running import Line, ScriptedProvider, Tenant, run_node

MINE = [  # it lists no models, counts no tokens, and tells of OpenAI's interfaces by its models
    "chat",
    "stream",
    "tools",
    "stream_tools",
    "structured",
    "stream_structured",
    "with_raw",
    "bad_key",
    "error_401",
    "error_404",
    "foreign_model",
    "error_429",
    "error_500",
    "retries",
    "timeout",
    "broken_stream",
]
CALLED = {"called": {"city": "Paris"}}
TOLD: dict[str, Line] = {
    "chat": {"finish": "stop", "used": 12},
    "stream": {"finish": "stop"},
    "tools": CALLED,
    "stream_tools": CALLED,
}
_FAILED = ("bad_key", "error_401", "error_404", "foreign_model", "error_429", "error_500")
ERRORS = {**dict.fromkeys(_FAILED, "AI_APICallError"), "timeout": "TimeoutError"}
# What a stream has as its `error` part: of the older line, the provider's own words as they are.
BROKEN = {
    ("vercel_ai", "chat"): "AI_StreamProviderError",
    ("vercel_ai", "responses"): "AI_StreamProviderError",
    ("vercel_ai", "messages"): "AI_StreamProviderError",
    ("vercel_ai_6", "chat"): "Object",
    ("vercel_ai_6", "responses"): "Object",
    ("vercel_ai_6", "messages"): "Object",
}


class Ran(NamedTuple):
    """A run of the program, for whom, what its calls are marked with, and what it raises."""

    client: str
    tenant: Tenant
    errors: dict[str, str]
    lines: dict[str, Line]


@pytest.fixture(scope="module", params=["vercel_ai", "vercel_ai_6"])
def name(request: pytest.FixtureRequest) -> str:
    """A line of the SDK."""
    return str(request.param)


@pytest.fixture(scope="module", params=["chat", "responses", "messages"])
def ran(request: pytest.FixtureRequest, name: str, tenant: Tenant, anthropic_tenant: Tenant) -> Ran:
    """A run of the program with one kind of model."""
    api: str = request.param
    caller = anthropic_tenant if api == "messages" else tenant
    lines = _run(name, api, MINE, caller)
    return Ran(f"{name}-{api}", caller, {**ERRORS, "broken_stream": BROKEN[name, api]}, lines)


@pytest.mark.parametrize("case", MINE)
def test_vercel_ai(case: str, ran: Ran, provider: ScriptedProvider) -> None:
    line = ran.lines[case]
    check(ran.client, case, line, provider, ran.tenant, ran.errors)
    wanted = TOLD.get(case, {})
    assert {key: line[key] for key in wanted} == wanted
    if case == "chat":
        assert line["served"] == ran.tenant.served
    if case == "broken_stream":
        assert "The answer was broken off before its end" in line["message"]


def test_embeddings(name: str, provider: ScriptedProvider, tenant: Tenant) -> None:
    line = _run(name, "chat", ["embeddings"], tenant)["embeddings"]
    check(f"{name}-chat", "embeddings", line, provider, tenant, ERRORS)


def _run(name: str, api: str, cases: list[str], tenant: Tenant) -> dict[str, Line]:
    own = {
        "OPENAI_BASE_URL": f"{tenant.url}/v1",
        "OPENAI_API_KEY": tenant.key,
        "ANTHROPIC_BASE_URL": f"{tenant.url}/v1",
        "ANTHROPIC_API_KEY": tenant.key,
    }
    return run_node(name, tenant, cases, API=api, CLIENT=f"{name}-{api}", **own)
