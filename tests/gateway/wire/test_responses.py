"""What an answer of the Responses API says of itself, streamed or not."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.wire.answers import AnswerReader, Budget, Served

USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 8},
    "total_tokens": 120,
}
TEXT = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": '"response":"failed"'}]}
WHOLE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-4.1-mini-2025-04-14",
    "output": [TEXT],
    "usage": USAGE,
}
FULL = Served("gpt-4.1-mini-2025-04-14", "resp_1", ("stop",), 100, 20, 64, 8)


def event(kind: str, **more: Any) -> bytes:
    data = {"type": kind, "sequence_number": 1, **more}
    return b"event: " + kind.encode() + b"\ndata: " + json.dumps(data).encode() + b"\n\n"


CREATED = event("response.created", response=WHOLE | {"status": "in_progress", "output": [], "usage": None})
DELTA = event("response.output_text.delta", item_id="msg_1", delta='the "response": {"id":"x"}', id="no", model="no")


def served(body: bytes, *, stream: bool, size: int = 1 << 20) -> Served:
    reader = AnswerReader("responses", stream=stream, budget=Budget(64 << 20))
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    return reader.served()


def test_a_whole_answer() -> None:
    assert served(json.dumps(WHOLE).encode(), stream=False) == FULL


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_streamed_answer(size: int) -> None:
    stream = CREATED + DELTA * 3 + event("response.completed", response=WHOLE)
    assert served(stream, stream=True, size=size) == FULL


def test_what_was_said_stands() -> None:
    later = event("response.other", response={"id": "resp_2", "model": "n", "status": "failed"})
    assert served(CREATED + event("response.completed", response=WHOLE) + later, stream=True) == replace(
        FULL, error="error"
    )


FAILED = WHOLE | {"status": "failed", "error": {"code": "server_error", "message": "no"}, "usage": None}


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("last", "code"),
    [
        (event("response.failed", response=FAILED), "server_error"),
        (event("error", code="rate_limit_exceeded", message="no", param=None), "rate_limit_exceeded"),
        (event("error", error={"type": "overloaded", "message": "no"}), "overloaded"),
    ],
)
def test_an_error_in_a_stream_that_began_well(last: bytes, code: str, size: int) -> None:
    assert served(CREATED + DELTA * 3 + last, stream=True, size=size).error == code


def test_an_error_in_an_answer_that_began_well() -> None:
    said = served(json.dumps(FAILED).encode(), stream=False)
    assert (said.error, said.finish_reasons) == ("server_error", ("error",))


def test_a_stream_that_broke_off_tells_what_came() -> None:
    assert served(CREATED + DELTA[:-9], stream=True) == Served(FULL.model, FULL.response_id)


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        ({"status": "completed"}, ("stop",)),
        ({"status": "completed", "output": [TEXT, {"type": "function_call", "name": "f"}]}, ("tool_calls",)),
        ({"status": "completed", "output": [{"type": "custom_tool_call"}]}, ("tool_calls",)),
        ({"status": "completed", "output": [{"type": "web_search_call"}, TEXT]}, ("stop",)),
        ({"status": "completed", "output": None}, ("stop",)),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, ("length",)),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, ("content_filter",)),
        ({"status": "incomplete", "incomplete_details": None}, ("length",)),
        ({"status": "failed", "usage": None}, ("error",)),
        ({"status": "cancelled"}, ()),
        ({"status": "queued"}, ()),
        ({"status": None}, ()),
    ],
)
def test_why_it_ended_in_the_conventions_words(answer: dict[str, Any], reasons: tuple[str, ...]) -> None:
    kind = f"response.{answer['status']}"
    assert served(json.dumps(WHOLE | answer).encode(), stream=False).finish_reasons == reasons
    assert served(CREATED + event(kind, response=WHOLE | answer), stream=True).finish_reasons == reasons


def test_an_answer_of_hundreds_of_kilobytes_is_read_at_its_streams_end() -> None:
    long = WHOLE | {"output": [TEXT | {"content": "x" * 700_000}]}
    assert served(CREATED + event("response.completed", response=long), stream=True, size=4096) == FULL


def test_usage_without_details() -> None:
    whole = WHOLE | {"usage": {"input_tokens": 1, "output_tokens": 2}}
    assert served(json.dumps(whole).encode(), stream=False) == replace(
        FULL, input_tokens=1, output_tokens=2, cached_tokens=None, reasoning_tokens=None
    )


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"response":7}', b'{"id":[]}', b'{"output":{}}', b"[" * 90_000]
)
def test_an_answer_of_another_shape_says_nothing(body: bytes) -> None:
    assert served(body, stream=False) == Served()
    assert served(b"data: " + body + b"\n\n", stream=True) == Served()
