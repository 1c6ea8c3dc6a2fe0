"""instructor: answers of a shape, over openai-python. Whatever fails, it is its own exception that says so."""

import pytest

from tests.clients import cases
from tests.clients.running import Line, ScriptedProvider, Tenant, run_python

CLIENT = "instructor"
ERRORS = {case: "InstructorRetryException" for case, wanted in cases.CASES.items() if wanted.raises}


@pytest.fixture(scope="module")
def lines(tenant: Tenant) -> dict[str, Line]:
    """What the program told of each case."""
    return run_python("instructor", tenant, cases.of(CLIENT))


@pytest.mark.parametrize("case", cases.of(CLIENT))
def test_instructor(case: str, lines: dict[str, Line], provider: ScriptedProvider, tenant: Tenant) -> None:
    cases.check(CLIENT, case, lines[case], provider, tenant, ERRORS)
