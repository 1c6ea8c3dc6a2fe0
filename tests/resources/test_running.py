"""The whole of it on a clone that is made here: small, with a mock that answers by script. What a real clone adds is
its own tests and Steady, which `scripts/resource-tests` brings.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.relay.messages import Wire, read_request
from tests.relay.provider import providing
from tests.resources.clone import Clone, Unusable, prepare, read_report
from tests.resources.comparing import Outcome, Verdict
from tests.resources.hop import hopping
from tests.resources.running import Compared, run

CONFTEST = """
import os

import openai
import pytest


@pytest.fixture(scope="session")
def client():
    with openai.OpenAI(base_url=os.environ["TEST_API_BASE_URL"], api_key="My API Key", max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
async def async_client():
    async with openai.AsyncOpenAI(base_url=os.environ["TEST_API_BASE_URL"], api_key="My API Key") as client:
        yield client
"""
TESTS = """
import openai
import pytest


def test_chat(client):
    with client.chat.completions.with_streaming_response.create(model="gpt-4o", messages=[]) as response:
        assert response.json()["model"] == "seen"


async def test_upload(async_client):
    assert (await async_client.audio.transcriptions.create(file=b"RIFF", model="whisper-1")).text == "heard"


def test_no_model(client):
    assert client.responses.with_raw_response.create(input="Hello").status_code == 200


def test_error(client):
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model="m", input="x")


def test_wrong_in_both(client):
    client.moderations.with_raw_response.create(input="x")


def test_batches(client):
    assert client.batches.list().data == []


def test_organization(client):
    client.get("/organization/users", cast_to=object)


def test_silent(client):
    with pytest.raises(ValueError):
        client.models.retrieve("")


@pytest.mark.skip(reason="as some of theirs are")
def test_skipped():
    raise AssertionError
"""
SETTINGS = """
[pytest]
addopts = -n auto -p no:hypothesispytest
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
filterwarnings = error
"""
ANSWERS = {
    "/chat/completions": (200, b'{"model":"seen"}'),
    "/audio/transcriptions": (200, b'{"text":"heard"}'),
    "/responses": (200, b"{}"),
    "/embeddings": (429, b'{"error":{"code":"slow_down","message":"Later."}}'),
    "/moderations": (404, b'{"error":{"code":"gone","message":"No."}}'),
    "/batches": (200, b'{"object":"list","data":[],"has_more":false}'),
    "/organization/users": (200, b"{}"),
}


def answer(wire: Wire) -> bool:
    """A mock's answer; it does not know of `/v1`."""
    request = read_request(wire)
    status, body = ANSWERS[request.line[1].decode()]
    wire.send(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
    wire.send(body)
    return True


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    """All three runs of the small clone's tests."""
    folder = tmp_path_factory.mktemp("clone")
    tests = folder / "tests" / "api_resources"
    tests.mkdir(parents=True)
    (folder / "pytest.ini").write_text(SETTINGS)
    (folder / "tests" / "conftest.py").write_text(CONFTEST)
    (tests / "test_small.py").write_text(TESTS)
    clone = Clone(folder, Path(sys.executable))
    with providing() as mock:
        mock.script = answer
        yield run(clone, mock.address, tmp_path_factory.mktemp("kept"), ["-n", "1"])


def kinds(verdicts: list[Verdict]) -> dict[str, tuple[str, str]]:
    """Family and kind by the test's name."""
    assert [verdict for verdict in verdicts if verdict.kind == "different"] == []
    return {verdict.test.rpartition("::")[2]: (verdict.family, verdict.kind) for verdict in verdicts}


RELAYED = {
    "test_chat": ("chat", "same"),
    "test_upload": ("audio", "same"),
    "test_no_model": ("responses", "same"),
    "test_error": ("embeddings", "same"),
    "test_wrong_in_both": ("moderations", "same"),
    "test_silent": ("(no request)", "same"),
    "test_skipped": ("(no request)", "same"),
    "test_organization": ("organization", "not allowed"),
}


def test_a_new_tenants_calls_are_the_same_or_refused(compared: Compared) -> None:
    assert kinds(compared.verdicts["a new tenant"]) == RELAYED | {"test_batches": ("batches", "not allowed")}


def test_what_was_allowed_is_the_same_too(compared: Compared) -> None:
    assert compared.allowed == ("batches", "batches/*")
    opened = compared.verdicts["a tenant with `allowed_paths`"]
    assert kinds(opened) == RELAYED | {"test_batches": ("batches", "same")}


def test_the_direct_run_is_as_the_mock_answers(compared: Compared) -> None:
    ended = {test.rpartition("::")[2]: outcome for test, outcome in compared.direct.outcomes.items()}
    assert ended.pop("test_wrong_in_both") == Outcome("failed", "NotFoundError 404 gone")
    assert ended.pop("test_skipped") == Outcome("skipped")
    assert set(ended.values()) == {Outcome("passed")}
    assert len(ended) == 7


def test_a_run_without_tests_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "tests" / "api_resources").mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    with hopping(("127.0.0.1", 1)) as hop, pytest.raises(Unusable, match="pytest ended with 5"):
        Clone(tmp_path, Path(sys.executable)).run(hop.url, tmp_path / "report", None, ["-n", "0"])


def test_a_failure_after_the_test_stands(tmp_path: Path) -> None:
    report = tmp_path / "report"
    lines = [("a", "passed", ""), ("a", "failed", "OSError"), ("b", "failed", "ValueError"), ("b", "passed", "")]
    report.write_text("".join(f'{{"test":"{t}","how":"{h}","raised":"{r}"}}\n' for t, h, r in lines))
    assert read_report(report) == {"a": Outcome("failed", "OSError"), "b": Outcome("failed", "ValueError")}


def test_a_folder_that_is_no_clone_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no clone of openai-python"):
        prepare(tmp_path, tmp_path)
    (tmp_path / "tests" / "api_resources").mkdir(parents=True)
    with pytest.raises(Unusable, match="has no uv"):
        prepare(tmp_path, tmp_path)
    with pytest.raises(Unusable, match="--spec FILE"):
        Clone(tmp_path, tmp_path).specification()


def test_the_mocks_version_is_the_clones(tmp_path: Path) -> None:
    clone = Clone(tmp_path, tmp_path)
    own = clone.mock_version()
    assert own
    (tmp_path / "package.json").write_text('{"devDependencies":{"@stdy/cli":"9.8.7"}}')
    assert clone.mock_version() == "9.8.7"
    (tmp_path / "package.json").write_text('{"devDependencies":{}}')
    assert clone.mock_version() == own
