"""llama-index's OpenAILike; the errors are openai-python's."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "llama-index"
ERRORS = {
    "bad_key": "AuthenticationError",
    "error_401": "AuthenticationError",
    "error_404": "NotFoundError",
    "foreign_model": "NotFoundError",
    "error_429": "RateLimitError",
    "error_500": "InternalServerError",
    "timeout": "APITimeoutError",
    "broken_stream": "APIError",
}


@pytest.fixture(scope="module")
def lines(tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("llama_index", tenant, cases.of(CLIENT))


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_llama_index(case: str, lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    cases.check(CLIENT, case, lines[case], provider, tenant, ERRORS)
