"""What a chat completion, a completion or a list of embeddings says of itself."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.wire import openai
from gateway.wire.answers import AnswerReader, Budget, Served

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 0},
}
WHOLE: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4.1-mini-2025-04-14",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "{}"}, "finish_reason": "stop"}],
    "usage": USAGE,
}


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {"content": content} if content is not None else {}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def events(*answers: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(answer).encode() + b"\n\n" for answer in answers) + b"data: [DONE]\n\n"


def served(body: bytes, *, stream: bool, size: int | None = None) -> Served:
    reader = AnswerReader("chat", stream=stream, budget=Budget(64 << 20))
    step = size or max(len(body), 1)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    return reader.served()


FULL = Served("gpt-4.1-mini-2025-04-14", "chatcmpl-1", ("stop",), 100, 20, 64, 8)


@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_whole_answer(size: int | None) -> None:
    assert served(json.dumps(WHOLE).encode(), stream=False, size=size) == FULL


@pytest.mark.parametrize("size", [None, 1, 7, 64])
def test_a_streamed_answer(size: int | None) -> None:
    last = chunk(usage=USAGE) | {"choices": []}
    stream = events(chunk(""), chunk("Hel", usage=None), chunk("lo"), chunk(finish="stop"), last)
    assert served(stream, stream=True, size=size) == FULL


def test_a_stream_without_usage() -> None:
    stream = events(chunk("a"), chunk(finish="length"))
    assert served(stream, stream=True) == Served("gpt-4.1-mini-2025-04-14", "chatcmpl-1", ("length",))


def test_a_stream_that_broke_off_tells_what_came() -> None:
    stream = events(chunk("a"), chunk("b"))[: len(events(chunk("a"))) - 4]
    assert served(stream, stream=True).response_id == "chatcmpl-1"


def test_several_choices() -> None:
    whole = WHOLE | {"choices": [{"finish_reason": "stop"}, {"finish_reason": "tool_calls"}]}
    assert served(json.dumps(whole).encode(), stream=False).finish_reasons == ("stop", "tool_calls")
    stream = events(chunk(finish="tool_calls"), chunk(finish="stop"))
    assert served(stream, stream=True).finish_reasons == ("tool_calls", "stop")


def test_the_last_usage_counts() -> None:
    stream = events(chunk("a", usage=USAGE), chunk("b", usage=USAGE | {"completion_tokens": 21}), chunk("c"))
    assert served(stream, stream=True).output_tokens == 21


def test_the_first_event_of_azure_names_nothing() -> None:
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    assert served(events(first, chunk("a", finish="stop")), stream=True) == Served(
        FULL.model, FULL.response_id, ("stop",)
    )


def test_usage_without_details() -> None:
    whole = WHOLE | {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}
    assert served(json.dumps(whole).encode(), stream=False) == Served(FULL.model, FULL.response_id, ("stop",), 0, 0)


def test_no_choices_hide_nothing_else() -> None:
    assert served(json.dumps(WHOLE | {"choices": None}).encode(), stream=False) == replace(FULL, finish_reasons=())
    assert served(events(chunk(usage=USAGE) | {"choices": None}), stream=True) == replace(FULL, finish_reasons=())


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_alone(stream: bool) -> None:
    answer = {"model": "m", "choices": []}
    assert served(events(answer) if stream else json.dumps(answer).encode(), stream=stream) == Served("m")


def test_finish_reasons_are_bounded() -> None:
    choices = {"choices": [{"finish_reason": "stop"}] * 3000}
    for reasons in (
        served(json.dumps(WHOLE | choices).encode(), stream=False).finish_reasons,
        served(events(*[chunk(finish="stop")] * 3000), stream=True).finish_reasons,
    ):
        assert reasons == ("stop",) * 128


@pytest.mark.parametrize(
    ("count", "known"),
    [(10**9, 10**9), (10**9 + 1, None), (2**63, None), (10**30, None), (-1, None)],
)
def test_an_absurd_count_is_not_known(count: int, known: int | None) -> None:
    usage = {
        "prompt_tokens": count,
        "completion_tokens": count,
        "prompt_tokens_details": {"cached_tokens": count},
        "completion_tokens_details": {"reasoning_tokens": count},
    }
    told = served(json.dumps(WHOLE | {"usage": usage}).encode(), stream=False)
    assert told == Served(FULL.model, FULL.response_id, ("stop",), known, known, known, known)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>502 Bad Gateway</html>",
        b'{"id":7}',
        b'{"usage":[]}',
        b'{"choices":{}}',
        b'{"id":"\xff"}',
        b'{"id":"\\ud800"}',
        b"[" * 100_000,
        b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_an_answer_of_another_shape_says_nothing(body: bytes) -> None:
    assert served(body, stream=False) == Served()
    assert served(b"data: " + body + b"\n\n", stream=True) == Served()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("part", "known"),
    [
        ({"id": 7}, replace(FULL, response_id=None)),
        ({"model": ["m"]}, replace(FULL, model=None)),
        ({"choices": [{"finish_reason": 5}, 7, {"finish_reason": "stop"}]}, FULL),
        ({"choices": "none"}, replace(FULL, finish_reasons=())),
        ({"usage": USAGE | {"prompt_tokens": 100.0, "completion_tokens": "20"}}, FULL),
        ({"usage": USAGE | {"prompt_tokens": 1.5}}, replace(FULL, input_tokens=None)),
        ({"usage": USAGE | {"prompt_tokens_details": [64]}}, replace(FULL, cached_tokens=None)),
        (
            {"usage": USAGE | {"completion_tokens_details": {"reasoning_tokens": {}}}},
            replace(FULL, reasoning_tokens=None),
        ),
        ({"usage": "much"}, Served(FULL.model, FULL.response_id, FULL.finish_reasons)),
    ],
    ids=str,
)
def test_a_part_of_another_shape_hides_nothing_else(part: dict[str, Any], known: Served, stream: bool) -> None:
    answer = WHOLE | part
    assert served(events(answer) if stream else json.dumps(answer).encode(), stream=stream) == known


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "model", "choices", "usage", "finish_reason", "prompt_tokens"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.lists(st.binary(max_size=40) | ANSWERS.map(lambda a: b"data: " + json.dumps(a).encode() + b"\n\n")),
    st.booleans(),
)
@settings(max_examples=120)
def test_nothing_that_an_upstream_sends_raises(chunks: list[bytes], stream: bool) -> None:
    reader = AnswerReader("chat", stream=stream, budget=Budget(64 << 20))
    for part in chunks:
        reader.feed(part)
    assert isinstance(reader.served(), Served)


COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "model": "gpt-3.5-turbo-instruct",
    "choices": [{"text": "x", "index": 0, "logprobs": None, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}
EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "embedding": [0.1, -2e-5], "index": 0}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}


def test_a_completion() -> None:
    told = Served("gpt-3.5-turbo-instruct", "cmpl-1", ("length",), 5, 7)
    assert served(json.dumps(COMPLETION).encode(), stream=False) == told
    first = COMPLETION | {"usage": None, "choices": [{"text": "x", "index": 0, "finish_reason": None}]}
    last = COMPLETION | {"choices": []}
    assert served(events(first, COMPLETION | {"usage": None}, last), stream=True) == told


def test_embeddings() -> None:
    assert served(json.dumps(EMBEDDINGS).encode(), stream=False) == Served("text-embedding-3-small", input_tokens=8)


# a search tells which events need no look

TEXTS = st.sampled_from(['"usage":{"prompt_tokens":9}', '"finish_reason":"stop"', '\\"usage\\":', "[DONE]", "é", "a"])
USAGES = st.sampled_from([None, USAGE, {"prompt_tokens": 1}])
COMPACT: dict[str, Any] = {"separators": (",", ":")}


@st.composite
def streamed(draw: st.DrawFn) -> list[bytes]:
    """Events as one provider or another writes them."""
    style = draw(st.sampled_from([COMPACT, {}, {"ensure_ascii": False}, COMPACT | {"ensure_ascii": False}]))
    answers = []
    for text, finish, usage, says in draw(
        st.lists(st.tuples(TEXTS, st.sampled_from([None, None, "stop"]), USAGES, st.booleans()), max_size=8)
    ):
        answers.append(chunk(text, finish, **({"usage": usage} if says else {})))
    return [b"data: " + json.dumps(answer, **style).encode() + b"\n\n" for answer in answers]


@given(streamed(), st.integers(1, 400))
@settings(max_examples=200)
def test_what_is_passed_over_would_have_added_nothing(stream: list[bytes], size: int) -> None:
    told = Served()
    for event in stream:
        told = openai.see(told, event[len(b"data: ") : -2])
    joined = b"".join(stream)
    reader = AnswerReader("chat", stream=True, budget=Budget(64 << 20))
    for event in stream:
        reader.feed(event)
    assert reader.served() == told == served(joined, stream=True) == served(joined, stream=True, size=size)


def test_most_events_need_no_look() -> None:
    known = Served("m", "id")
    plain = json.dumps(chunk('say "usage":{} or "finish_reason":"stop"', usage=None), **COMPACT).encode()
    assert not openai.matters(known, b"data: " + plain + b"\n\n")
    assert openai.matters(Served(), plain)
    assert openai.matters(known, b'data: {"us\\u0061ge":{"prompt_tokens":1}}\n\n')
    for other in (chunk(finish="stop"), chunk(usage=USAGE)):
        assert openai.matters(known, json.dumps(other, **COMPACT).encode())
        assert openai.matters(known, json.dumps(other).encode())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"message": "no", "type": "server_error", "code": "overloaded"}, "overloaded"),
        ({"message": "no", "type": "server_error", "code": None}, "server_error"),
        ({"message": "no", "code": 502}, "502"),
        ({"message": "no"}, "error"),
        ({"message": "no", "code": {}, "type": "server_error"}, "server_error"),
        ("no: the prompt was ...", "error"),
        ("", None),
        ([], None),
        (None, None),
    ],
)
def test_an_error_in_an_answer_that_began_well(said: Any, code: str | None) -> None:
    chunk = {"id": "chatcmpl-1", "model": "m", "choices": [{"delta": {"content": '"error":"quoted"'}}], "error": None}
    stream = b"".join(b"data: " + json.dumps(part).encode() + b"\n\n" for part in (chunk, chunk, {"error": said}))
    assert served(stream, stream=True).error == code
    assert served(json.dumps({"error": said}).encode(), stream=False).error == code
