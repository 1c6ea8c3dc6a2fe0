"""Times as the API writes and reads them, RFC 3339, UTC, milliseconds; and the ids that are ordered by time."""

import os
from datetime import UTC, datetime
from functools import lru_cache

_RANDOM_HEX = 20  # of a call's id: 80 bits
_MILLISECONDS = tuple(f".{thousandths:03d}Z" for thousandths in range(1000))
_AHEAD = 409  # ids, from 4 KB of the kernel's randomness: a system call for each would cost as much as all the rest

# Each is popped once. Processes do not share it: they are started by exec, never by fork alone.
_ahead: list[str] = []


def call_id(seconds: float) -> str:
    """A new call's id: milliseconds since the epoch, then 80 random bits of the kernel's, in hex."""
    try:
        drawn = _ahead.pop()
    except IndexError:
        drawn = _draw()
    return f"call_{int(seconds * 1000):012x}{drawn}"


def from_seconds(seconds: float) -> str:
    """Seconds since the epoch, as text: to the microsecond as `datetime` rounds, then cut to milliseconds."""
    whole = int(seconds)
    micros = round((seconds - whole) * 1_000_000)
    if not 0 <= micros < 1_000_000:
        carry, micros = divmod(micros, 1_000_000)
        whole += carry
    return _second(whole) + _MILLISECONDS[micros // 1000]


def from_milliseconds(milliseconds: int) -> str:
    """Milliseconds since the epoch, as text."""
    return from_seconds(milliseconds / 1000)


def to_seconds(text: str) -> float:
    """Seconds since the epoch. Raises ValueError, also for a time without a zone."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("a time needs a zone, such as the Z in 2026-11-22T12:00:00Z")
    return parsed.timestamp()


@lru_cache(maxsize=64)
def _second(whole: int) -> str:
    """A whole second without its zone; the calls of a second share it."""
    return datetime.fromtimestamp(whole, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def _draw() -> str:
    drawn = os.urandom(_AHEAD * _RANDOM_HEX // 2).hex()
    _ahead.extend(drawn[at : at + _RANDOM_HEX] for at in range(_RANDOM_HEX, len(drawn), _RANDOM_HEX))
    return drawn[:_RANDOM_HEX]
