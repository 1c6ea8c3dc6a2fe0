"""Answers read in passing: in the memory that there is, never in the way; and how a stream is broken off."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.answers import AnswerReader, Budget, Dialect, Served, broken_stream, error_code

MIB = 1 << 20
DIALECTS: list[Dialect] = ["chat", "completions", "responses", "messages", "embeddings"]
CHAT = {"id": "chatcmpl-1", "model": "m", "choices": [{"finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}
FULL = Served("m", "chatcmpl-1", ("stop",), 1)


def reader_of(dialect: Dialect | None, *, stream: bool, total: int = 64 * MIB) -> AnswerReader:
    return AnswerReader(dialect, stream=stream, budget=Budget(total))


def fed(reader: AnswerReader, body: bytes, step: int = MIB) -> AnswerReader:
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    return reader


# memory


def test_asking_twice_is_answered_twice() -> None:
    reader = fed(reader_of("chat", stream=False), json.dumps(CHAT).encode())
    assert reader.served() == reader.served() == FULL


def test_what_is_held_is_the_budgets_and_given_back_once() -> None:
    budget = Budget(1000)
    body = json.dumps(CHAT).encode()
    reader = fed(AnswerReader("chat", stream=False, budget=budget), body, 10)
    assert budget.free == 1000 - len(body)
    assert reader.served() == FULL
    assert budget.free == 1000
    reader.close()
    reader.close()
    assert budget.free == 1000
    assert reader.served() == FULL


def test_a_reader_that_is_closed_early_gives_everything_back() -> None:
    budget = Budget(1000)
    reader = fed(AnswerReader("chat", stream=False, budget=budget), b'{"id":"1"')
    reader.close()
    assert budget.free == 1000
    reader.feed(b"}")
    assert (budget.free, reader.served()) == (1000, Served())


@pytest.mark.parametrize(("size", "total"), [(9 * MIB, 64 * MIB), (3 * MIB, 2 * MIB)], ids=["8 MiB", "the budget"])
def test_an_answer_beyond_what_may_be_held_is_let_go_at_once(size: int, total: int) -> None:
    budget = Budget(total)
    reader = AnswerReader("chat", stream=False, budget=budget)
    fed(reader, json.dumps(CHAT | {"padding": "x" * size}).encode())
    assert budget.free == total
    assert reader.served() == Served()


def test_an_answer_refused_by_the_budget_leaves_it_to_others() -> None:
    budget = Budget(200)
    first = fed(AnswerReader("chat", stream=False, budget=budget), json.dumps(CHAT).encode())
    second = fed(AnswerReader("chat", stream=False, budget=budget), json.dumps(CHAT).encode())
    assert (first.served(), second.served()) == (FULL, Served())
    assert budget.free == 200


@pytest.mark.parametrize("stream", [True, False])
def test_without_a_dialect_nothing_is_held(stream: bool) -> None:
    reader = reader_of(None, stream=stream, total=0)
    tracemalloc.start()
    try:
        fed(reader, b"x" * (4 * MIB), 4096)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1000 + 4096
    assert reader.served() == Served()


def test_a_stream_closed_in_a_long_event_gives_everything_back() -> None:
    budget = Budget(MIB)
    reader = fed(AnswerReader("responses", stream=True, budget=budget), b"data: " + b"x" * 100_000, 4096)
    assert budget.free < MIB
    reader.close()
    assert budget.free == MIB


# where a stream may be broken off


@pytest.mark.parametrize("dialect", [None, *DIALECTS])
def test_only_a_stream_has_boundaries(dialect: Dialect | None) -> None:
    whole, stream = reader_of(dialect, stream=False), reader_of(dialect, stream=True)
    assert (whole.at_boundary, stream.at_boundary) == (False, True)
    assert not fed(whole, b"data: {}\n\n").at_boundary
    for part, boundary in [(b"data: {", False), (b"}\n", False), (b"\n", True), (b"\r", False), (b"\n", True)]:
        stream.feed(part)
        assert stream.at_boundary is boundary


@pytest.mark.parametrize(
    ("dialect", "last"),
    [
        ("chat", b"data: [DONE]\n\n"),
        ("completions", b"data: [DONE]\r\n\r\n"),
        ("messages", b'event: message_stop\ndata: {"type": "message_stop"}\n\n'),
        ("responses", b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n'),
        ("responses", b'data: {"type": "response.incomplete", "response": {}}\n\n'),
        ("responses", b'data: {"type":"response.failed","response":{"id":"r"}}\n\n'),
    ],
)
def test_a_stream_that_came_to_its_end_is_known(dialect: Dialect, last: bytes) -> None:
    before = b'data: {"type":"other","id":"i","model":"m","text":"[DONE] message_stop"}\n\n'
    for step in (1, 7, MIB):
        reader = fed(reader_of(dialect, stream=True), before + last[:-1], step)
        assert not reader.ended
        assert fed(reader, last[-1:]).ended
        assert fed(reader, b": a comment\n\n", step).ended
        assert not fed(reader, before, step).ended
        assert fed(reader, last).ended


def test_another_dialects_end_is_none() -> None:
    assert not fed(reader_of("messages", stream=True), b"data: [DONE]\n\n").ended
    assert not fed(reader_of("chat", stream=True), b'data: {"type":"message_stop"}\n\n').ended
    assert not fed(reader_of(None, stream=True), b"data: [DONE]\n\n").ended


@pytest.mark.parametrize("dialect", ["chat", "completions", "responses", None])
def test_a_broken_stream_says_so(dialect: Dialect | None) -> None:
    event = broken_stream(dialect, "call_1")
    assert event.startswith(b"data: ")
    assert event.endswith(b"}\n\n")
    error = json.loads(event[len(b"data: ") :])["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, "upstream_disconnected")
    assert "call_1" in error["message"]
    assert b"[DONE]" not in event


def test_a_broken_stream_of_responses_is_an_event_of_theirs() -> None:
    told = json.loads(broken_stream("responses", "call_1").removeprefix(b"data: "))
    assert (told["type"], told["code"], told["param"]) == ("error", "upstream_disconnected", None)
    assert told["message"] == told["error"]["message"]
    assert isinstance(told["sequence_number"], int)


def test_a_broken_stream_of_messages_says_so_in_their_shape() -> None:
    head, data = broken_stream("messages", "call_1").removesuffix(b"\n\n").split(b"\n")
    told = json.loads(data.removeprefix(b"data: "))
    assert (head, told["type"]) == (b"event: error", "error")
    assert (told["error"]["type"], told["error"]["code"]) == ("api_error", "upstream_disconnected")
    assert "call_1" in told["error"]["message"]


# whatever comes

WORDS = [
    b'"response"',
    b'"message_',
    b'"usage"',
    b"data: ",
    b"\n\n",
    b"\r",
    b"{",
    b"}",
    b"[DONE]",
    b":",
    b"1",
    b"[" * 5000,
]


@given(
    st.sampled_from([None, *DIALECTS]),
    st.booleans(),
    st.lists(st.sampled_from(WORDS) | st.binary(max_size=20)),
    st.sampled_from([0, 10, MIB]),
)
@settings(max_examples=300)
def test_nothing_raises_and_all_memory_comes_back(
    dialect: Dialect | None, stream: bool, chunks: list[bytes], total: int
) -> None:
    budget = Budget(total)
    reader = AnswerReader(dialect, stream=stream, budget=budget)
    for chunk in chunks:
        reader.feed(chunk)
    assert isinstance(reader.served(), Served)
    reader.close()
    assert budget.free == total


# errors


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"code":"model_not_found"}}', "model_not_found"),
        (b'{"error":{"message":"no","type":"t","param":null,"code":"DeploymentNotFound"}}', "DeploymentNotFound"),
        (b'{"error":{"code":404}}', "404"),
        (b'{"error":{"code":null}}', None),
        (b'{"error":{"message":"no"}}', None),
        (b'{"error":"model_not_found"}', None),
        (b'{"error":null}', None),
        (b'{"error":{"code":["model_not_found"]}}', None),
        (b'{"error":{"code":4.5}}', None),
        (b'{"code":"model_not_found"}', None),
        (b'{"type":"error","error":{"type":"not_found_error","message":"model: x"}}', "not_found_error"),
        (b'{"type":"error","error":{"type":"not_found_error","code":"c"}}', "c"),
        (b'{"error":{"type":"not_found_error","code":null}}', None),
        (b'{"type":"error","error":"not_found_error"}', None),
        (b'{"type":"error","error":{"type":7}}', None),
        (b"{}", None),
        (b"[]", None),
        (b"", None),
        (b"<html>", None),
        (b'{"error":{"code":"\\ud800"}}', None),
        (b'{"error":{"code":"\xff"}}', None),
        (b'{"error":"\xff"}', None),
        (b'{"error":' * 100_000, None),
    ],
)
def test_the_code_of_an_error(body: bytes, code: str | None) -> None:
    assert error_code(body) == code
