"""pydantic-ai: agents over chat and responses, with errors of its own."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "pydantic-ai"
ERRORS = {
    "bad_key": "ModelAuthenticationError",
    "error_401": "ModelAuthenticationError",
    "error_404": "ModelNotFoundError",
    "foreign_model": "ModelNotFoundError",
    "error_429": "ModelRateLimitError",
    "error_500": "ModelServerError",
    "timeout": "ModelTimeoutError",
    "broken_stream": "ModelServerError",
}


@pytest.fixture(scope="module")
def lines(tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("pydantic_ai", tenant, cases.of(CLIENT))


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_pydantic_ai(case: str, lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    cases.check(CLIENT, case, lines[case], provider, tenant, ERRORS)
