"""anthropic-python: at a provider of kind `anthropic`, and at an OpenAI-shaped one that has `messages` too, where a
fine-tuned model answers."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "anthropic-python"
ERRORS = {
    "bad_key": "AuthenticationError",
    "error_401": "AuthenticationError",
    "error_404": "NotFoundError",
    "foreign_model": "NotFoundError",
    "error_429": "RateLimitError",
    "error_500": "InternalServerError",
    "timeout": "APITimeoutError",
    "broken_stream": "APIStatusError",
}


TUNED = "anthropic-python-tuned"
TUNED_CASES = [
    "chat",
    "stream",
    "tools",
    "stream_tools",
    "forced_tool",
    "with_raw",
    "error_404",
    "retries",
    "broken_stream",
]


@pytest.fixture(scope="module")
def lines(anthropic_tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("anthropic_python", anthropic_tenant, cases.of(CLIENT))


@pytest.fixture(scope="module")
def tuned_lines(tenant: Tenant) -> dict[str, Line]:
    """What it told as the caller of a tenant with a fine-tuned model."""
    return run_python("anthropic_python", tenant, TUNED_CASES, TAG=TUNED)


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_anthropic_python(
    case: str, lines: dict[str, Line], provider: ScriptedProvider, anthropic_tenant: Tenant
) -> None:
    cases.check(CLIENT, case, lines[case], provider, anthropic_tenant, ERRORS)


@pytest.mark.parametrize("case", TUNED_CASES)
def test_anthropic_python_and_a_fine_tuned_model(
    case: str, tuned_lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant
) -> None:
    cases.check(TUNED, case, tuned_lines[case], provider, tenant, ERRORS)
