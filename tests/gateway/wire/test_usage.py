"""The usage of streams: the option put in, its event taken out, and nothing else touched."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.body import read, with_members
from gateway.wire.usage import UsageFilter, options_with_usage

CONTENT = b'data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n'
EXTRA = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
DONE = b"data: [DONE]\n\n"


def through(stream: bytes, sizes: list[int]) -> bytes:
    """What comes out of the filter when the stream comes in pieces of these sizes, again and again."""
    usage = UsageFilter()
    out, at, turn = b"", 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        out += usage.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    return out + usage.end()


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b'{"stream":true}', {"include_usage": True}),
        (b'{"stream":true,"stream_options":null}', {"include_usage": True}),
        (b'{"stream":true,"stream_options":{}}', {"include_usage": True}),
        (b'{"stream":true,"stream_options":{"include_usage":false}}', {"include_usage": True}),
        (b'{"stream":true,"stream_options":{"include_usage":null,"x":[1]}}', {"include_usage": True, "x": [1]}),
        (b'{"stream":true,"stream_options":{"include_usage":true}}', None),
        (b'{"stream":true,"stream_options":"yes"}', None),
        (b'{"stream":true,"stream_options":[]}', None),
        (b'{"stream":false}', None),
        (b"{}", None),
    ],
)
def test_what_is_asked_for(body: bytes, options: dict[str, object] | None) -> None:
    value = options_with_usage(read(body))
    assert (json.loads(value) if value else None) == options


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b'{"stream":true}', b'{"model":"m","stream_options":{},"stream":true}'),
        (b'{"stream_options":1, "model" : "a"}', b'{"stream_options":{}, "model" : "m"}'),
        (b'{"model":"a","x":1}', b'{"stream_options":{},"model":"m","x":1}'),
        (b"{ }", b'{"model":"m","stream_options":{} }'),
    ],
)
def test_two_members_are_changed_at_once(raw: bytes, sent: bytes) -> None:
    assert with_members(read(raw), {"model": b'"m"', "stream_options": b"{}"}) == sent


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@given(st.lists(st.integers(1, 90), min_size=1, max_size=5))
@settings(max_examples=60)
def test_the_extra_event_is_taken_out_however_the_stream_is_cut(line_end: bytes, sizes: list[int]) -> None:
    stream = (CONTENT * 2 + EXTRA + DONE).replace(b"\n", line_end)
    assert through(stream, sizes) == (CONTENT * 2 + DONE).replace(b"\n", line_end)


COMPLETION = b'data: {"id":"cmpl-1","choices":[{"text":"a","index":0}],"usage":null}\n\n'
AZURE = b'data: {"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
CUMULATIVE = b'data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
OTHERS = [
    CONTENT,
    COMPLETION,
    AZURE,
    AZURE.replace(b'"created"', b'"usage":null,"created"'),
    CUMULATIVE,
    DONE,
    b": ping\n\n",
    b"event: x\nid: 7\ndata: a\n\n",
    b'data: {"choices":[],\ndata: "usage":null}\n\n',
    b'data: {"choices":[],"usage":{}\n\n',
    b"data\n\n",
]
EXTRAS = [
    EXTRA,
    b'data: {"id":"c","object":"text_completion", "choices": [ ], "usage": {"prompt_tokens": 1}}\n\n',
    b': a comment\nevent: x\ndata: {"choices":[],\ndata: "usage":{"prompt_tokens":1}}\nid: 7\n\n',
    b'data:{"usage":{"completion_tokens":0},"choices":[]}\n\n',
]


@st.composite
def cuts(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """A stream in chunks, cut anywhere, and its events without the extra one. Lines end in one way, or in two."""
    before, after = draw(st.lists(st.sampled_from(OTHERS))), draw(st.lists(st.sampled_from(OTHERS), max_size=3))
    ends = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\r"], [b"\n", b"\r\n"], [b"\r", b"\r\n"]]))

    def written(event: bytes) -> bytes:
        return b"".join(line + draw(st.sampled_from(ends)) for line in event.split(b"\n")[:-1])

    kept_before, extra = [written(event) for event in before], written(draw(st.sampled_from(EXTRAS)))
    kept_after = [written(event) for event in after]
    stream = b"".join([*kept_before, extra, *kept_after])
    places = sorted(draw(st.sets(st.integers(0, len(stream)), max_size=10)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)], [*kept_before, *kept_after]


@given(cuts())
@settings(max_examples=500)
def test_all_but_the_extra_event_goes_through_wherever_the_stream_is_cut(cut: tuple[list[bytes], list[bytes]]) -> None:
    chunks, kept = cut
    usage = UsageFilter()
    out = b"".join(usage.feed(chunk) for chunk in chunks) + usage.end()
    assert out == b"".join(kept)


@given(st.lists(st.sampled_from(OTHERS), min_size=1), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=200)
def test_what_is_complete_is_let_through_at_once(events: list[bytes], end: bytes) -> None:
    whole = [event.replace(b"\n", end) for event in events]
    usage = UsageFilter()
    for event in whole:
        assert usage.feed(event[:-1]) == b""
        assert usage.feed(event[-1:]) == event
        assert usage.at_boundary
    assert usage.feed(b"".join(whole)) == b"".join(whole)


def test_the_other_half_of_the_extra_events_end_goes_with_it() -> None:
    usage = UsageFilter()
    extra = EXTRA.replace(b"\n\n", b"\r\r\n")
    assert [usage.feed(part) for part in (extra[:-1], b"\n" + DONE)] == [b"", DONE]


@given(st.lists(st.sampled_from([b"data: x", b'"usage"', b'"choices":[]', b"\n", b"\r", b"\r\n", b": hi", b"{}"])))
@settings(max_examples=200)
def test_whatever_else_there_is_goes_through(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    for sizes in ([1], [7], [len(stream) or 1]):
        assert through(stream, sizes) == stream


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n',
        b'data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"usage\\" \\"choices\\":[]"}}]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":1}\n\n',
        b': "usage" "choices":[]\n\n',
    ],
)
def test_what_only_looks_like_it_stays(event: bytes) -> None:
    assert through(event, [1]) == event


def test_an_event_goes_on_as_soon_as_it_is_whole() -> None:
    usage = UsageFilter()
    assert usage.feed(CONTENT + CONTENT[:10]) == CONTENT
    assert usage.at_boundary
    assert usage.feed(CONTENT[10:]) == CONTENT


def test_an_event_too_long_to_be_the_one_is_not_held_back() -> None:
    usage = UsageFilter()
    long = b"data: " + b"x" * 200_000
    passed = b"".join(usage.feed(long[at : at + 1000]) for at in range(0, 16_000, 1000))
    assert passed == b""
    for at in range(16_000, len(long), 1000):
        passed += usage.feed(long[at : at + 1000])
        assert len(passed) >= min(at + 1000, len(long)) - (3 if at > 17_000 else 17_000)
    assert not usage.at_boundary
    assert passed + usage.feed(b"\n\n" + DONE) == long + b"\n\n" + DONE
    assert usage.at_boundary
