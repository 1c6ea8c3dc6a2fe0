"""Events cut out of a stream in passing: the same ones however the stream was cut into chunks."""

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.budget import Budget
from gateway.wire.sse import START, TAIL, EventScanner, is_boundary

MIB = 1 << 20


def scanner_of(total: int = 64 * MIB) -> EventScanner:
    return EventScanner(Budget(total))


def payloads(stream: bytes) -> list[bytes]:
    return scanner_of().feed(stream)


def is_half(stream: bytes) -> bool:
    """Whether the empty line at a stream's end has arrived by half: a CR whose LF may follow."""
    return (START + stream).endswith(b"\n\r")


def parsed(stream: bytes) -> tuple[list[bytes], bool]:
    """The WHATWG algorithm, line by line: the data of each whole event, and whether anything is left over."""
    *lines, rest = re.split(rb"\r\n|\r|\n", stream[:-1] if is_half(stream) else stream)
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
        (b"data: a\r\n\r", False),
        (b"data: a\n\r\n", True),
        (b"data: a\r\r", True),
        (b"data: a\r", False),
        (b"\r\n", True),
        (b"\xef\xbb\xbf", False),
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
    assert is_boundary((START + stream)[-TAIL:]) is boundary


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
@settings(max_examples=400)
def test_any_chunks_give_what_the_whole_gives(chunks: list[bytes]) -> None:
    scanner = scanner_of()
    seen = [payload for chunk in chunks for payload in scanner.feed(chunk)]
    assert seen == payloads(b"".join(chunks)) == parsed(b"".join(chunks))[0]


@given(STREAMS)
@settings(max_examples=300)
def test_the_boundary_is_known_everywhere(stream: bytes) -> None:
    for end in range(len(stream) + 1):
        so_far = stream[:end]
        pending = parsed(so_far)[1]
        assert is_boundary((START + so_far)[-TAIL:]) is (not pending and not is_half(so_far))


@given(cut())
@settings(max_examples=200)
def test_a_whole_chunk_may_be_left_out(chunks: list[bytes]) -> None:
    """What follows it is read as if it had been seen."""
    scanner, skipping = scanner_of(), scanner_of()
    for chunk in chunks:
        seen = scanner.feed(chunk)
        if skipping.is_whole(chunk):
            assert seen == payloads(chunk)
        else:
            assert skipping.feed(chunk) == seen


@given(STREAMS)
@settings(max_examples=100)
def test_byte_by_byte(stream: bytes) -> None:
    scanner = scanner_of()
    seen = [payload for n in range(len(stream)) for payload in scanner.feed(stream[n : n + 1])]
    assert seen == payloads(stream)


def test_a_byte_order_mark_in_parts() -> None:
    scanner = scanner_of()
    assert [scanner.feed(part) for part in (b"\xef", b"\xbb\xbf", b"data: a\n\n")] == [[], [], [b"a"]]


@pytest.mark.parametrize("size", [200, 4096, MIB])
def test_a_long_event_in_chunks_of_any_size(size: int) -> None:
    """In the smallest of them, a scanner that began anew with each would look at gigabytes."""
    payload = b"x" * 1_000_000
    stream = b"data: " + payload + b"\n\n"
    scanner = scanner_of()
    seen = [event for n in range(0, len(stream), size) for event in scanner.feed(stream[n : n + size])]
    assert seen == [payload]


@pytest.mark.parametrize("total", [0, 64 * MIB], ids=["no memory left", "over 8 MiB"])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_event_that_cannot_be_held_is_passed_over_and_the_next_one_read(end: bytes, total: int) -> None:
    budget = Budget(total)
    scanner = EventScanner(budget)
    chunk = b"x" * (64 * 1024)
    assert scanner.feed(b"data: first" + end + b"data: ") == [b"first"]
    for _ in range(140):
        assert scanner.feed(chunk) == []
    assert budget.free == total
    for byte in end[:-1]:
        assert scanner.feed(bytes([byte])) == []
    assert scanner.feed(end[-1:] + b"data: next" + end) == [b"next"]


def test_what_is_held_of_a_long_event_is_the_budgets_until_the_event_has_ended() -> None:
    budget = Budget(MIB)
    scanner = EventScanner(budget)
    scanner.feed(b"data: " + b"x" * 10_000)
    assert budget.free == MIB
    scanner.feed(b"x" * 500_000)
    assert MIB - 510_010 < budget.free < MIB - 480_000
    assert [len(payload) for payload in scanner.feed(b"\n\ndata: next")] == [510_000]
    assert budget.free == MIB


def test_closing_gives_back_what_is_held() -> None:
    budget = Budget(MIB)
    scanner = EventScanner(budget)
    scanner.feed(b"x" * 500_000)
    assert budget.free < MIB
    scanner.close()
    scanner.close()
    assert budget.free == MIB


def test_memory_stays_bounded_where_no_event_ever_ends() -> None:
    scanner = scanner_of(0)
    chunk = b"x" * (16 * 1024)
    tracemalloc.start()
    try:
        for _ in range(1000):
            scanner.feed(chunk)
        kept = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/gateway/wire/*")])
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in kept.traces) < 64 * 1024
