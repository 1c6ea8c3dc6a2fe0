"""A pytest plugin that runs inside openai-python's own tests: it gives their clients the key to use, has every request
say which test it is of, and writes each test's outcome to a file. Their clone is not touched.

It runs in the clone's environment, so nothing of ours may be imported here.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path

import openai
import pytest

TEST_HEADER = "x-resource-test"
KEY = "HOUSESTYLE_RESOURCES_KEY"  # the API key, where the tests' own would not do
REPORT = "HOUSESTYLE_RESOURCES_REPORT"  # the file that lines of JSON are appended to
_RAISED = "housestyle_raised"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Prepares the clients of a test: their fixtures live for the session, so that each test does it anew."""
    for client in getattr(item, "funcargs", {}).values():
        if isinstance(client, openai.OpenAI | openai.AsyncOpenAI):
            # What `default_headers` is made of; there is no public way to change it after construction.
            client._custom_headers = {**client._custom_headers, TEST_HEADER: item.nodeid}
            key = os.environ.get(KEY)
            if key:
                client.api_key = client.admin_api_key = key


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what was raised; where xdist has other processes run the tests, it comes back with the report."""
    report = yield
    if report.failed and call.excinfo is not None:
        report.user_properties.append((_RAISED, _described(call.excinfo.value)))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Writes a phase of a test that says how it ended; of xdist's processes the one that hears of all does so."""
    if "PYTEST_XDIST_WORKER" in os.environ or (report.passed and report.when != "call"):
        return
    raised = dict(report.user_properties).get(_RAISED, "")
    line = {"test": report.nodeid, "how": report.outcome, "raised": raised}
    with Path(os.environ[REPORT]).open("a") as file:
        file.write(json.dumps(line) + "\n")


def _described(raised: BaseException) -> str:
    """The type, and an API error's status and code, also where the error is but the cause."""
    cause: BaseException | None = raised
    while cause is not None:
        if isinstance(cause, openai.APIStatusError):
            return f"{type(cause).__name__} {cause.status_code} {cause.code}"
        cause = cause.__cause__ or cause.__context__
    return type(raised).__name__
