"""What is asked of the translator, without litellm."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translating import CREDENTIAL_HEADER, credential_header
from gateway.translator import asked
from gateway.translator.asked import Asked, Refused

MESSAGES = [{"role": "user", "content": "Say hello."}]
BEDROCK = credential_header("bedrock", "", "key", {"region": "eu-central-1", "stream_usage": False})
ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": "pem", "token_uri": "https://t.example/"}
VERTEX = credential_header("vertex", "", json.dumps(ACCOUNT), {"project": "firm", "location": "global"})
SIGNED = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "api_key")


def read(header: tuple[bytes, bytes], **body: Any) -> Asked:
    """A call with these members."""
    return asked.read([header], msgspec.json.encode({"model": "m", "messages": MESSAGES, **body}))


def refused(header: tuple[bytes, bytes], **body: Any) -> tuple[int, str]:
    """Status and code of a call that is refused."""
    with pytest.raises(Refused) as caught:
        read(header, **body)
    return caught.value.status, caught.value.code


def test_both_sides_name_the_header_alike() -> None:
    assert CREDENTIAL_HEADER == asked.CREDENTIAL_HEADER


@pytest.mark.parametrize(
    ("options", "signed"),
    [
        ({}, {"api_key": "key"}),
        ({"access_key_id": "AKID"}, {"aws_access_key_id": "AKID", "aws_secret_access_key": "key"}),
        (
            {"access_key_id": "AKID", "session_token": "s"},
            {"aws_access_key_id": "AKID", "aws_secret_access_key": "key", "aws_session_token": "s"},
        ),
    ],
)
def test_bedrocks_two_kinds_of_credentials(options: dict[str, str], signed: dict[str, str]) -> None:
    made = read(credential_header("bedrock", "", "key", {"region": "us-east-1", **options}))
    assert {name: made.arguments[name] for name in SIGNED if name in made.arguments} == signed
    assert made.arguments["aws_region_name"] == "us-east-1"
    assert made.arguments["model"] == "bedrock/converse/m"
    assert set(made.secrets) == {"key"} | ({"s"} if "session_token" in options else set())


@pytest.mark.parametrize(
    "model",
    ["agent/x", "invoke/x", "../x", "a b", "x?y", "us-east-1/x", "arn:aws:iam::1:role/x", "m\n", "m" * 300],
)
def test_a_model_is_no_way_into_another_api(model: str) -> None:
    assert refused(BEDROCK, model=model) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["agent_engine/1", "bge/1", "gemma/1", "a/b/c", "http://x/y", "x:predict", "x?y"])
def test_nor_at_vertex(model: str) -> None:
    assert refused(VERTEX, model=model) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("gemini-2.5-flash", "vertex_ai/gemini-2.5-flash"),
        ("claude-sonnet-4@20250514", "vertex_ai/claude-sonnet-4@20250514"),
        ("meta/llama-3.3-70b-instruct-maas", "vertex_ai/meta/llama-3.3-70b-instruct-maas"),
        ("123", "vertex_ai/gemini/123"),
    ],
)
def test_vertex_models(model: str, sent: str) -> None:
    assert read(VERTEX, model=model).arguments["model"] == sent


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("bedrock", {}),
        ("bedrock", {"region": "eu.attacker.example/"}),
        ("vertex", {"project": "firm"}),
        ("vertex", {"project": "firm/../x", "location": "global"}),
        ("vertex", {"project": "firm", "location": "attacker.example/"}),
        ("openai", {}),
    ],
)
def test_options_that_cannot_be_used(kind: str, options: dict[str, str]) -> None:
    assert refused(credential_header(kind, "", json.dumps(ACCOUNT), options)) == (400, "invalid_credential")


@pytest.mark.parametrize(
    "key",
    [
        "/etc/passwd",
        "[]",
        "{}",
        json.dumps({**ACCOUNT, "type": "external_account"}),
        json.dumps({**ACCOUNT, "type": "authorized_user"}),
        json.dumps({**ACCOUNT, "private_key": 7}),
        json.dumps({**ACCOUNT, "token_uri": "file:///etc/passwd"}),
    ],
)
def test_a_key_that_is_no_service_accounts(key: str) -> None:
    header = credential_header("vertex", "", key, {"project": "firm", "location": "global"})
    assert refused(header) == (401, "invalid_api_key")


def test_of_a_service_account_only_what_is_needed_goes_on() -> None:
    key = json.dumps({**ACCOUNT, "credential_source": {"executable": {"command": "sh"}}, "universe_domain": "x"})
    made = read(credential_header("vertex", "", key, {"project": "firm", "location": "global"}))
    assert json.loads(made.arguments["vertex_credentials"]) == ACCOUNT
    assert made.token_url == "https://t.example/"


@pytest.mark.parametrize("key", [None, "", "os.environ/HOME", "oidc/file//etc/passwd"])
def test_a_key_that_would_be_looked_up(key: str | None) -> None:
    header = credential_header("litellm", "", key, {"provider": "groq"})
    assert refused(header, model="groq/llama") == (401, "invalid_api_key")


@pytest.mark.parametrize("headers", [[], [BEDROCK, BEDROCK], [BEDROCK, VERTEX]])
def test_a_credential_comes_once(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Refused) as caught:
        asked.read(headers, b'{"model":"m","messages":[]}')
    assert caught.value.code == "invalid_credential"


@given(st.binary())
def test_any_bytes_for_a_credential(raw: bytes) -> None:
    for value in (raw, base64.b64encode(raw)):
        with pytest.raises(Refused):
            asked.read([(CREDENTIAL_HEADER, value)], b'{"model":"m","messages":[]}')


@given(st.binary())
def test_any_bytes_for_a_body(raw: bytes) -> None:
    with pytest.raises(Refused):
        asked.read([BEDROCK], raw)


_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2))
_NAMES = st.sampled_from(["n", "user", "tools", "api_base", "mock_response", "temperature", "store"]) | st.text()


@given(st.dictionaries(_NAMES, _VALUES))
def test_nothing_but_the_apis_own_parameters_goes_on(parameters: dict[str, Any]) -> None:
    known = asked._PASSED | asked._BOOKKEEPING
    try:
        kept = asked.passed(parameters)
    except Refused as refusal:
        assert refusal.code == "unknown_parameter"
        assert not parameters.keys() <= known
    else:
        assert parameters.keys() <= known
        assert all(name in asked._PASSED and parameters[name] is value for name, value in kept.items())


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({"n": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logprobs": False, "stream": False}, {}),
        ({"n": 2, "presence_penalty": 0.5, "logprobs": True}, {"n": 2, "presence_penalty": 0.5, "logprobs": True}),
        ({"temperature": 0, "max_tokens": None, "seed": 0}, {"temperature": 0, "seed": 0}),
        ({"user": "u", "metadata": {}, "store": True, "prompt_cache_key": "k"}, {}),
        ({"parallel_tool_calls": True}, {}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
    ],
)
def test_what_says_nothing_is_not_passed_on(parameters: dict[str, Any], kept: dict[str, Any]) -> None:
    assert asked.passed(parameters) == kept


def test_nothing_shown_holds_a_secret() -> None:
    made = read(credential_header("bedrock", "", "key-of-the-tenant", {"region": "us-east-1"}))
    assert "key-of-the-tenant" not in repr(made)
    assert "Say hello" not in repr(made)
    assert "key-of-the-tenant" not in repr(asked.Credential("bedrock", "key-of-the-tenant"))


@pytest.mark.parametrize(
    ("url", "googles"),
    [
        ("https://oauth2.googleapis.com/token", True),
        ("https://www.googleapis.com/oauth2/v4/token", True),
        ("http://oauth2.googleapis.com/token", False),
        ("https://googleapis.com.attacker.example/token", False),
        ("https://attackergoogleapis.com/token", False),
    ],
)
def test_googles_token_endpoints(url: str, googles: bool) -> None:
    assert asked.is_googles(url) is googles
