"""Events cut out of a stream in passing: the same ones however the stream was cut into chunks."""

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.sse import EventScanner

MIB = 1 << 20


def payloads(stream: bytes) -> list[bytes]:
    return EventScanner().feed(stream)


def parsed(stream: bytes) -> tuple[list[bytes], bool]:
    """The WHATWG algorithm, line by line: the data of each whole event, and whether anything is left over."""
    *lines, rest = re.split(rb"\r\n|\r|\n", stream)
    events: list[bytes] = []
    data: list[bytes] = []
    pending = False
    for line in lines:
        if not line:
            if any(data) or len(data) > 1:
                events.append(b"\n".join(data))
            data, pending = [], False
            continue
        pending = True
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
    return events, pending or bool(rest)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\n", [b"a"]),
        (b"data: a\r\r", [b"a"]),
        (b"data: a\n\r\n", [b"a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"event: x\nid: 1\ndata: a\nretry: 5\n\n", [b"a"]),
        (b": a comment\n\n", []),
        (b": a comment\ndata: a\n\n", [b"a"]),
        (b"data:\n\n", []),
        (b"\n\n\ndata: a\n\n", [b"a"]),
        (b"data: a\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
        (b"database: a\n\n", []),
        (b" data: a\n\n", []),
        (b'data: {"x":"a\\n\\nb"}\n\n', [b'{"x":"a\\n\\nb"}']),
        (b"data: [DONE]\n\n", [b"[DONE]"]),
        (b"\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"a", b"b"]),
    ],
)
def test_events(stream: bytes, expected: list[bytes]) -> None:
    assert payloads(stream) == expected


@pytest.mark.parametrize(
    ("stream", "boundary"),
    [
        (b"", True),
        (b"data: a\n\n", True),
        (b"data: a\r\n\r\n", True),
        (b"data: a\r\n\r", True),
        (b": ping\n\n", True),
        (b"data: a\n\n\n", True),
        (b"data: a", False),
        (b"data: a\n", False),
        (b"data: a\r\n", False),
        (b"data: a\n\nd", False),
        (b"data: a\n\ndata: b\n", False),
    ],
)
def test_where_a_stream_could_end(stream: bytes, boundary: bool) -> None:
    scanner = EventScanner()
    scanner.feed(stream)
    assert scanner.at_boundary is boundary


LINES = st.sampled_from(
    [b"", b"", b"data: a", b"data: bc", b"data:", b"data:  d", b"event: x", b": ping", b"id: 1", b"data: {}"],
) | st.binary(max_size=6).map(lambda line: b"data: " + re.sub(rb"[\r\n]", b"", line))
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=20).map(
    lambda lines: b"".join(line + end for line, end in lines),
)


@st.composite
def cut(draw: st.DrawFn) -> list[bytes]:
    """A stream in chunks, cut anywhere, its end missing now and then."""
    stream = draw(STREAMS)
    places = sorted(draw(st.sets(st.integers(0, len(stream)), max_size=12)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@given(cut())
@settings(deadline=None, max_examples=400)
def test_any_chunks_give_what_the_whole_gives(chunks: list[bytes]) -> None:
    scanner = EventScanner()
    seen = [payload for chunk in chunks for payload in scanner.feed(chunk)]
    assert seen == payloads(b"".join(chunks)) == parsed(b"".join(chunks))[0]


@given(cut())
@settings(deadline=None, max_examples=300)
def test_the_boundary_is_known_after_every_chunk(chunks: list[bytes]) -> None:
    scanner = EventScanner()
    stream = b""
    for chunk in chunks:
        scanner.feed(chunk)
        stream += chunk
        assert scanner.at_boundary is not parsed(stream)[1]


@given(STREAMS)
@settings(deadline=None, max_examples=100)
def test_byte_by_byte(stream: bytes) -> None:
    scanner = EventScanner()
    seen = [payload for n in range(len(stream)) for payload in scanner.feed(stream[n : n + 1])]
    assert seen == payloads(stream)


def test_a_byte_order_mark_in_parts() -> None:
    scanner = EventScanner()
    assert [scanner.feed(part) for part in (b"\xef", b"\xbb\xbf", b"data: a\n\n")] == [[], [], [b"a"]]


@pytest.mark.parametrize("size", [200, 4096, MIB])
def test_a_long_event_in_chunks_of_any_size(size: int) -> None:
    """In the smallest of them, a scanner that began anew with each would look at gigabytes."""
    payload = b"x" * 1_000_000
    stream = b"data: " + payload + b"\n\n"
    scanner = EventScanner()
    seen = [event for n in range(0, len(stream), size) for event in scanner.feed(stream[n : n + size])]
    assert seen == [payload]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_oversized_event_is_passed_over_and_the_next_one_read(end: bytes) -> None:
    scanner = EventScanner()
    chunk = b"x" * (64 * 1024)
    assert scanner.feed(b"data: first" + end + b"data: ") == [b"first"]
    for _ in range(40):
        assert scanner.feed(chunk) == []
        assert not scanner.at_boundary
    for byte in end[:-1]:
        assert scanner.feed(bytes([byte])) == []
    assert scanner.feed(end[-1:] + b"data: next" + end) == [b"next"]
    assert scanner.at_boundary


def test_memory_stays_bounded_where_no_event_ever_ends() -> None:
    scanner = EventScanner()
    chunk = b"x" * (256 * 1024)
    tracemalloc.start()
    try:
        for _ in range(64):
            scanner.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB
