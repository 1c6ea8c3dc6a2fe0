"""What an OpenAI-shaped answer says of itself: read in passing, never in the way."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.wire.openai import AnswerReader, Served, error_code

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
    reader = AnswerReader(stream=stream)
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
    [(2**63 - 1, 2**63 - 1), (2**63, None), (10**30, None), (-1, None)],
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


def test_asking_twice_is_answered_twice() -> None:
    reader = AnswerReader(stream=False)
    reader.feed(json.dumps(WHOLE).encode())
    assert reader.served() == reader.served() == FULL


def test_an_answer_too_long_to_look_into() -> None:
    body = json.dumps(WHOLE | {"padding": "x" * (9 << 20)}).encode()
    assert served(body, stream=False, size=1 << 20) == Served()


def test_only_a_stream_has_boundaries() -> None:
    whole, stream = AnswerReader(stream=False), AnswerReader(stream=True)
    assert (whole.at_boundary, stream.at_boundary) == (False, True)
    stream.feed(b"data: {")
    assert not stream.at_boundary
    stream.feed(b"}\n\n")
    assert stream.at_boundary


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>502 Bad Gateway</html>",
        b'{"error":{"message":"no","code":"x"}}',
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
@settings(deadline=None, max_examples=120)
def test_nothing_that_an_upstream_sends_raises(chunks: list[bytes], stream: bool) -> None:
    reader = AnswerReader(stream=stream)
    for part in chunks:
        reader.feed(part)
    assert isinstance(reader.served(), Served)


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
