"""Times as the API writes and reads them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.timestamps import from_milliseconds, from_seconds, to_seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_348_800, "2026-11-22T12:00:00.000Z"),
        (1_795_348_800.5, "2026-11-22T12:00:00.500Z"),
        (1_795_348_800.0009, "2026-11-22T12:00:00.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
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
@settings(deadline=None)
def test_a_millisecond_survives(milliseconds: int) -> None:
    text = from_milliseconds(milliseconds)
    assert len(text) == len("2026-11-22T12:00:00.000Z")
    assert abs(to_seconds(text) - milliseconds / 1000) < 0.001


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
@settings(deadline=None)
def test_text_sorts_as_time_does(one: int, other: int) -> None:
    assert (from_seconds(one) < from_seconds(other)) is (one < other)
