"""litellm as a library, which maps every provider's errors to its own; and as a client of its own proxy."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "litellm"
ERRORS = {
    "bad_key": "AuthenticationError",
    "error_401": "AuthenticationError",
    "error_404": "NotFoundError",
    "foreign_model": "NotFoundError",
    "error_429": "RateLimitError",
    "error_500": "InternalServerError",
    "timeout": "Timeout",
    "broken_stream": "MidStreamFallbackError",
}


@pytest.fixture(scope="module")
def lines(tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("litellm", tenant, cases.of(CLIENT))


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_litellm(case: str, lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    cases.check(CLIENT, case, lines[case], provider, tenant, ERRORS)
