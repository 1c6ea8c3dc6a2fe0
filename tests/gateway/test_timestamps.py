"""Times as the API writes and reads them, and the ids that are ordered by time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.timestamps import call_id, from_milliseconds, from_seconds, to_seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_348_800, "2026-11-22T12:00:00.000Z"),
        (1_795_348_800.5, "2026-11-22T12:00:00.500Z"),
        (1_795_348_800.0009, "2026-11-22T12:00:00.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (1_795_348_799.9999998, "2026-11-22T12:00:00.000Z"),
        (-0.25, "1969-12-31T23:59:59.750Z"),
    ],
)
def test_written(seconds: float, text: str) -> None:
    assert from_seconds(seconds) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00.000Z",
        "2026-11-22T13:00:00+01:00",
        "2026-11-22T06:30:00-05:30",
        "2026-11-22T12:00:00.000000+00:00",
    ],
)
def test_read(text: str) -> None:
    assert to_seconds(text) == 1_795_348_800


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-22", "2026-11-22T12:00:00", "2026-11-22 12:00", "2026-02-30T00:00:00Z", "1795348800", "Z"],
)
def test_what_is_no_moment_in_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_seconds(text)


@given(st.integers(0, 4_000_000_000_000))
def test_a_millisecond_survives(milliseconds: int) -> None:
    text = from_milliseconds(milliseconds)
    assert len(text) == len("2026-11-22T12:00:00.000Z")
    assert abs(to_seconds(text) - milliseconds / 1000) < 0.001


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_text_sorts_as_time_does(one: int, other: int) -> None:
    assert (from_seconds(one) < from_seconds(other)) is (one < other)


@given(st.one_of(st.floats(-1e9, 1e11), st.integers(-(10**9), 10**11), st.integers(0, 10**6).map(lambda n: n / 1e6)))
def test_it_rounds_as_datetime_does(seconds: float) -> None:
    whole = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    assert from_seconds(seconds) == whole.replace("+00:00", "Z")


@given(st.lists(st.floats(0, 4e9), min_size=2, max_size=2).map(sorted))
def test_ids_sort_as_their_times_do(seconds: list[float]) -> None:
    one, other = (call_id(moment) for moment in seconds)
    assert one[:17] <= other[:17]
    assert int(one.removeprefix("call_")[:12], 16) == int(seconds[0] * 1000)


def test_ids_are_never_drawn_twice() -> None:
    ids = [call_id(1_795_348_800) for _ in range(5000)]  # several times what is drawn at once
    assert len(set(ids)) == 5000
    assert {len(one) for one in ids} == {len("call_") + 12 + 20}
    for at in range(17, 37):  # every digit of the random part is random
        assert len({one[at] for one in ids}) == 16
