"""anthropic-node, at a provider of kind `anthropic`, and at one that has Anthropic's route beside OpenAI's and a
fine-tuned model of the tenant's.
"""

import pytest

from tests.clients.cases import check
from tests.clients.running import Line, ScriptedProvider, Tenant, run_node

MINE = [  # it has no OpenAI routes
    "chat",
    "stream",
    "tools",
    "stream_tools",
    "structured",
    "stream_structured",
    "forced_tool",
    "models",
    "count_tokens",
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
    "chat": {"finish": "end_turn", "used": 12},
    "stream": {"finish": "end_turn"},
    "tools": CALLED,
    "stream_tools": {"finish": "tool_use", **CALLED},
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


@pytest.fixture(scope="module", params=["tenant", "anthropic_tenant"])
def caller(request: pytest.FixtureRequest) -> Tenant:
    """Who calls."""
    found: Tenant = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def client(caller: Tenant, anthropic_tenant: Tenant) -> str:
    """What the calls are marked with."""
    return "anthropic_node" if caller is anthropic_tenant else "anthropic_node-tuned"


@pytest.fixture(scope="module")
def lines(client: str, caller: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    own = {"ANTHROPIC_BASE_URL": caller.url, "ANTHROPIC_API_KEY": caller.key}
    return run_node("anthropic_node", caller, MINE, CLIENT=client, **own)


@pytest.mark.parametrize("case", MINE)
def test_anthropic_node(
    case: str, client: str, lines: dict[str, Line], provider: ScriptedProvider, caller: Tenant
) -> None:
    # Counting is not rewritten: the model arrives as asked.
    at_provider = caller._replace(served=caller.model) if case == "count_tokens" else caller
    check(client, case, lines[case], provider, at_provider, ERRORS)
    wanted = TOLD.get(case, {})
    assert {key: lines[case][key] for key in wanted} == wanted
    if case == "broken_stream":
        assert "broken off before its end" in lines[case]["message"]
    if case == "chat":
        assert lines[case]["served"] == caller.served
