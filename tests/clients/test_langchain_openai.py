"""langchain-openai: chat, responses and embeddings over openai-python, with errors of its own."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "langchain-openai"
ERRORS = {
    "bad_key": "OpenAIAuthenticationError",
    "error_401": "OpenAIAuthenticationError",
    "error_404": "OpenAIModelNotFoundError",
    "foreign_model": "OpenAIModelNotFoundError",
    "error_429": "OpenAIRateLimitError",
    "error_500": "OpenAIAPIError",
    "timeout": "OpenAITimeoutError",
    "broken_stream": "APIError",
}


@pytest.fixture(scope="module")
def lines(tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("langchain_openai", tenant, cases.of(CLIENT))


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_langchain_openai(case: str, lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    cases.check(CLIENT, case, lines[case], provider, tenant, ERRORS)
