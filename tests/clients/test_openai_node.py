"""openai-node, its newest line and the one before; its calls by chat completions, and again by Responses.

The newest asks for Node 22 and was seen to run on 20, as the Vercel AI SDK's newest does.
"""

import pytest

from tests.clients.cases import check
from tests.clients.running import Line, ScriptedProvider, Tenant, run_node

RESPONSES = [
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
CHAT = [*RESPONSES, "completions", "embeddings", "models"]  # the others are another client's, or these by Responses
CALLED = {"called": {"city": "Paris"}}
# What it tells beyond the answer. Nobody asks for usage in `stream`, so none may come.
TOLD: dict[tuple[str, str], Line] = {
    ("chat", "chat"): {"finish": "stop", "used": 12},
    ("chat", "stream"): {"finish": "stop", "usage": None},
    ("chat", "tools"): CALLED,
    ("chat", "stream_tools"): {"finish": "tool_calls", **CALLED},
    ("chat", "stream_structured"): {"used": 12},
    ("responses", "chat"): {"finish": "completed", "used": 12},
    ("responses", "stream"): {"finish": "completed"},
    ("responses", "tools"): CALLED,
    ("responses", "stream_tools"): CALLED,
}
ERRORS = {
    "bad_key": "AuthenticationError",
    "error_401": "AuthenticationError",
    "error_404": "NotFoundError",
    "foreign_model": "NotFoundError",
    "error_429": "RateLimitError",
    "error_500": "InternalServerError",
    "timeout": "APIConnectionTimeoutError",
    "broken_stream": "APIError",
}


@pytest.fixture(scope="module", params=["openai_node", "openai_node_6"])
def name(request: pytest.FixtureRequest) -> str:
    """A line of the client."""
    return str(request.param)


@pytest.fixture(scope="module")
def chat(name: str, tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case by chat completions."""
    return _run(name, "chat", CHAT, tenant)


@pytest.fixture(scope="module")
def responses(name: str, tenant: Tenant) -> dict[str, Line]:
    """The same by Responses."""
    return _run(name, "responses", RESPONSES, tenant)


@pytest.mark.parametrize("case", CHAT)
def test_chat(case: str, name: str, chat: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    check(f"{name}-chat", case, chat[case], provider, tenant, ERRORS)
    _check_more("chat", case, chat[case], tenant)


@pytest.mark.parametrize("case", RESPONSES)
def test_responses(
    case: str, name: str, responses: dict[str, Line], provider: ScriptedProvider, tenant: Tenant
) -> None:
    check(f"{name}-responses", case, responses[case], provider, tenant, ERRORS)
    _check_more("responses", case, responses[case], tenant)


def _run(name: str, api: str, cases: list[str], tenant: Tenant) -> dict[str, Line]:
    own = {"OPENAI_BASE_URL": f"{tenant.url}/v1", "OPENAI_API_KEY": tenant.key}
    return run_node(name, tenant, cases, API=api, CLIENT=f"{name}-{api}", **own)


def _check_more(api: str, case: str, line: Line, tenant: Tenant) -> None:
    wanted = TOLD.get((api, case), {})
    assert {key: line[key] for key in wanted} == wanted
    if case == "broken_stream":
        assert "broken off before its end" in line["message"]
    if case == "chat":
        assert line["served"] == tenant.served
