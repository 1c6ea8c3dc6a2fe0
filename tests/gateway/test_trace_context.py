"""W3C Trace Context: what is read of a caller's headers, and what goes on of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import TraceState

from gateway import trace_context

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()
UNSAMPLED = f"00-{TRACE_ID}-{PARENT_ID}-00".encode()


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [
        (SAMPLED, True),
        (UNSAMPLED, False),
        (b" " + SAMPLED + b" ", True),
        (f"00-{TRACE_ID}-{PARENT_ID}-03".encode(), True),
        (f"00-{TRACE_ID}-{PARENT_ID}-02".encode(), False),
        (f"cc-{TRACE_ID}-{PARENT_ID}-01".encode(), True),
        (f"cc-{TRACE_ID}-{PARENT_ID}-01-what-the-future-will-be".encode(), True),
    ],
)
def test_a_traceparent_that_is_continued(traceparent: bytes, sampled: bool) -> None:
    call = trace_context.read(traceparent)
    assert call.hex == TRACE_ID
    assert (f"{call.parent_id:016x}", call.parent_sampled) == (PARENT_ID, sampled)
    assert call.parent is not None
    assert call.parent.is_remote
    assert (call.parent.trace_id, call.parent.span_id) == (call.trace_id, call.parent_id)
    assert call.parent.trace_flags.sampled is sampled
    expected = f"00-{TRACE_ID}-{PARENT_ID}-{int(sampled):02x}".encode()
    assert trace_context.passed(call) == [(b"traceparent", expected)]


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        b"",
        b"junk",
        b"-".join([b"00"] * 4),
        f"00-{TRACE_ID}-{PARENT_ID}".encode(),
        f"00-{TRACE_ID}-{PARENT_ID}-01-more".encode(),
        f"00-{TRACE_ID}-{PARENT_ID}-1".encode(),
        f"ff-{TRACE_ID}-{PARENT_ID}-01".encode(),
        f"00-{'0' * 32}-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID}-{'0' * 16}-01".encode(),
        f"00-{TRACE_ID[:-1]}-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID[:-1]}g-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID.upper()}-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID}-{PARENT_ID.upper()}-01".encode(),
        f"00-0x{TRACE_ID[2:]}-{PARENT_ID}-01".encode(),
        f"00-+{TRACE_ID[1:]}-{PARENT_ID}-01".encode(),
        f"00-0_{TRACE_ID[2:]}-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID[:-1]} -{PARENT_ID}-01".encode(),
        f"0 -{TRACE_ID}-{PARENT_ID}-01".encode(),
        f"00-{TRACE_ID}-{PARENT_ID}-+1".encode(),
        f"00-{TRACE_ID}-{PARENT_ID}-zz".encode(),
        f"zz-{TRACE_ID}-{PARENT_ID}-01".encode(),
        SAMPLED.replace(b"-", b"_"),
        SAMPLED + b"," + SAMPLED,
        b"\xff" * 55,
    ],
)
def test_a_traceparent_that_is_none_begins_a_new_trace(traceparent: bytes | None) -> None:
    call = trace_context.read(traceparent)
    assert call.parent is None
    assert call.hex != TRACE_ID
    assert len(call.hex) == 32


def test_ids_are_new_every_time() -> None:
    assert len({trace_context.read(None).trace_id for _ in range(100)} - {0}) == 100


# tracestate

LONG = b"k=" + b"v" * 256


@pytest.mark.parametrize(
    ("came", "state"),
    [
        (None, ""),
        (b"", ""),
        (b"a=1", "a=1"),
        (b"a=1,b=2", "a=1,b=2"),
        (b" a=1 ,\t, b=2,", "a=1,b=2"),
        (b"tenant@vendor=x", "tenant@vendor=x"),
        (b"0tenant@vendor=x", "0tenant@vendor=x"),
        (b"a*/-_=!\"#$%&'()*+-./:;<>?@[]^_`{|}~", "a*/-_=!\"#$%&'()*+-./:;<>?@[]^_`{|}~"),
        (b"a=x y", "a=x y"),
        (LONG, LONG.decode()),
        (b",".join(b"k%d=v" % number for number in range(32)), ",".join(f"k{number}=v" for number in range(32))),
        # what is none
        (b",".join(b"k%d=v" % number for number in range(33)), ""),
        (LONG + b"v", ""),
        (b"a", ""),
        (b"a=", ""),
        (b"=1", ""),
        (b"A=1", ""),
        (b"1=1", ""),
        (b"a=1=2", ""),
        (b"a=1,a=2", ""),
        (b"a=\xe9", ""),
        (b"a=1\x00", ""),
        (b"a=1,B=2", ""),
        (b"a=1\nb: 2", ""),
    ],
)
def test_a_tracestate(came: bytes | None, state: str) -> None:
    call = trace_context.read(SAMPLED, came)
    assert call.state == state
    assert call.hex == TRACE_ID, "it never costs the trace"
    assert dict(trace_context.passed(call)).get(b"tracestate", b"").decode() == state


def test_without_a_trace_it_counts_for_nothing() -> None:
    assert trace_context.read(None, b"a=1").state == ""
    assert trace_context.passed(trace_context.read(b"junk", b"a=1")) == []


KEYS = st.from_regex("[a-z][a-z0-9_*/-]{0,10}", fullmatch=True)
VALUES = st.from_regex("[!-+.-<>-~]{1,10}", fullmatch=True)


@given(st.dictionaries(KEYS, VALUES, max_size=32))
def test_what_the_sdk_writes_is_read(pairs: dict[str, str]) -> None:
    written = TraceState(list(pairs.items())).to_header()
    state = trace_context.read(SAMPLED, written.encode()).state
    assert state == written
    assert dict(trace_context.state_of(state)) == pairs


@given(st.binary(max_size=200))
def test_anything_at_all_is_a_header_or_nothing(came: bytes) -> None:
    headers = trace_context.passed(trace_context.read(SAMPLED, came))
    assert all(value.isascii() and b"\n" not in value and b"\r" not in value for _, value in headers)
