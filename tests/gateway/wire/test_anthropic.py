"""What an answer of the Messages API says of itself, streamed or not."""

import json
from typing import Any

import pytest

from gateway.wire.answers import AnswerReader, Budget, Served

WHOLE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3000,
        "output_tokens": 20,
    },
}
FULL = Served("claude-sonnet-4-5", "msg_1", ("end_turn",), 3210, 20, 3000, None, 200)


def event(kind: str, **more: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + json.dumps({"type": kind, **more}).encode() + b"\n\n"


def start(**usage: int) -> bytes:
    return event("message_start", message=WHOLE | {"content": [], "stop_reason": None, "usage": usage})


def end(**usage: int) -> bytes:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return event("message_delta", delta=delta, usage=usage) + event("message_stop")


TEXT = (
    event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    + event("ping")
    + event("content_block_delta", index=0, delta={"type": "text_delta", "text": '"message_delta" "usage":{'})
    + event("content_block_stop", index=0)
)


def served(body: bytes, *, stream: bool, size: int = 1 << 20) -> Served:
    reader = AnswerReader("messages", stream=stream, budget=Budget(64 << 20))
    for at in range(0, len(body), size):
        reader.feed(body[at : at + size])
    return reader.served()


def test_a_whole_answer() -> None:
    assert served(json.dumps(WHOLE).encode(), stream=False) == FULL


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_streamed_answer(size: int) -> None:
    first = start(input_tokens=10, cache_creation_input_tokens=200, cache_read_input_tokens=3000, output_tokens=1)
    assert served(first + TEXT + end(output_tokens=20), stream=True, size=size) == FULL


@pytest.mark.parametrize(
    ("first", "last", "tokens"),
    [
        ({"input_tokens": 10, "output_tokens": 1}, {"output_tokens": 20}, (10, 20, None, None)),
        ({"input_tokens": 10, "output_tokens": 1}, {}, (10, 1, None, None)),
        ({"input_tokens": 10, "output_tokens": 1}, {"input_tokens": 12, "output_tokens": 20}, (12, 20, None, None)),
        ({}, {"input_tokens": 12, "output_tokens": 20}, (12, 20, None, None)),
        ({}, {"output_tokens": 20}, (None, 20, None, None)),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
            {"input_tokens": 11, "cache_read_input_tokens": 6, "cache_creation_input_tokens": 7, "output_tokens": 20},
            (24, 20, 6, 7),
        ),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 0, "output_tokens": 1},
            {"cache_read_input_tokens": 6, "output_tokens": 20},
            (16, 20, 6, 0),
        ),
    ],
)
def test_the_counts_of_the_last_event_replace_those_of_the_first(
    first: dict[str, int], last: dict[str, int], tokens: tuple[int | None, ...]
) -> None:
    told = served(start(**first) + TEXT + end(**last), stream=True)
    assert (told.input_tokens, told.output_tokens, told.cached_tokens, told.cache_creation_tokens) == tokens


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"])
def test_why_it_ended_as_the_provider_says_it(reason: str) -> None:
    assert served(json.dumps(WHOLE | {"stop_reason": reason}).encode(), stream=False).finish_reasons == (reason,)


def test_a_stream_that_broke_off_tells_what_came() -> None:
    told = served(start(input_tokens=10, output_tokens=1) + TEXT[:-7], stream=True)
    assert told == Served("claude-sonnet-4-5", "msg_1", (), 10, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"type":"message_start","message":7}',
        b'{"type":"message_delta","usage":[]}',
        b'{"id":1}',
        b'{"a":"message_",' + b"[" * 90_000,
    ],
)
def test_an_answer_of_another_shape_says_nothing(body: bytes) -> None:
    assert served(body, stream=False) == Served()
    assert served(b"data: " + body + b"\n\n", stream=True) == Served()


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_an_error_in_a_stream_that_began_well(size: int) -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    said = served(start(input_tokens=10, output_tokens=1) + TEXT + error, stream=True, size=size)
    assert (said.error, said.input_tokens) == ("overloaded_error", 10)
