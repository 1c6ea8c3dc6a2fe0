"""What the translator answers, without litellm."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translator import answers
from gateway.translator.answers import Failure, error_of

PROVIDERS = 'litellm.BadRequestError: BedrockException - {"message":"Too long."}'


def failure(status: int | None, words: str, *names: str, **more: Any) -> Failure:
    """A provider's refusal, unless told otherwise."""
    return Failure(names=names or ("BadRequestError",), status=status, words=words, **{"providers": True, **more})


@pytest.mark.parametrize(
    ("of", "status", "code", "words"),
    [
        (failure(400, PROVIDERS), 400, "invalid_request", "Too long."),
        (failure(400, 'VertexException - {"error":{"code":400,"message":"No."}}'), 400, "invalid_request", "No."),
        (failure(400, "litellm.BadRequestError: GroqException - Not {so}."), 400, "invalid_request", "Not {so}."),
        (failure(400, "", "ContextWindowExceededError"), 400, "context_length_exceeded", "The provider refused"),
        (failure(404, "gone"), 404, "model_not_found", "gone"),
        (failure(400, "The provided model identifier is invalid."), 404, "model_not_found", "identifier"),
        (failure(403, "You don't have access to the model with the specified model ID."), 403, "model_not_found", ""),
        (failure(401, "who?"), 401, "invalid_api_key", "who?"),
        (failure(302, ""), 502, "upstream_protocol_error", "redirect"),
        (failure(408, ""), 504, "upstream_timeout", "in time"),
        (failure(503, "busy"), 503, "upstream_error", "busy"),
        (failure(500, "Traceback", "APIConnectionError", providers=False), 500, "internal_error", "APIConnectionError"),
        (failure(None, "oops", "KeyError", providers=False), 500, "internal_error", "KeyError"),
        (failure(None, "", "X", providers=False, not_reached=True), 502, "upstream_unreachable", "reached"),
        (failure(None, "", "X", providers=False, broken=True), 502, "upstream_protocol_error", "read"),
        (failure(500, "", "APIConnectionError", "RefreshError", providers=False), 401, "invalid_api_key", "account"),
    ],
)
def test_errors(of: Failure, status: int, code: str, words: str) -> None:
    error = error_of(of, [])
    assert (error.status, error.code) == (status, code)
    assert words in error.message
    body = msgspec.json.decode(error.body())["error"]
    assert body.keys() == {"message", "type", "param", "code"}


def test_a_traceback_is_not_shown() -> None:
    words = 'litellm.APIError: VertexException - no\nTraceback (most recent call last):\n  File "/srv/x.py"'
    assert error_of(failure(400, words), []).message == "no"


@pytest.mark.parametrize(("given_", "kept"), [("7", [(b"retry-after", b"7")]), ("7\r\nx: y", []), (None, [])])
def test_when_to_come_again(given_: str | None, kept: list[tuple[bytes, bytes]]) -> None:
    assert list(error_of(failure(429, "slow down", retry_after=given_), []).headers) == kept


@given(st.text(), st.text(), st.text(min_size=8).filter(lambda text: text.isprintable()), st.integers(300, 599))
def test_no_error_holds_a_secret(before: str, after: str, secret: str, status: int) -> None:
    for words in (before + secret + after, json.dumps({"message": secret}), json.dumps({"x": secret})):
        shown = error_of(failure(status, words), [secret]).message
        assert secret not in shown or secret in error_of(failure(status, ""), []).message


def test_an_answer_made_plain() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "audio": None}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1, "prompt_tokens_details": None}
    answer = {"id": "1", "model": "x", "choices": [choice], "usage": usage, "service_tier": None, "ratings": []}
    assert answers.plain(answer, "asked") == {
        "id": "1",
        "model": "asked",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "stop", "logprobs": None},
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


def test_usage_has_a_chunk_of_its_own() -> None:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
    chunk = {"id": "1", "model": "m", "choices": [choice], "usage": {"prompt_tokens": 1}}
    with_usage = answers.chunks(chunk, None, with_usage=True)
    assert [(bool(one["choices"]), "usage" in one) for one in with_usage] == [(True, False), (False, True)]
    assert answers.chunks(chunk, None, with_usage=False) == with_usage[:1]
    empty = {**chunk, "choices": [{"index": 0, "delta": {"content": None}, "finish_reason": None}]}
    assert answers.chunks(empty, None, with_usage=True) == with_usage[1:]
    assert answers.event({"a": 1}) == b'data: {"a":1}\n\n'
