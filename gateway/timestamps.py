"""Times as the API writes and reads them, RFC 3339, UTC, milliseconds; and the ids that are ordered by time."""

import os
from datetime import UTC, datetime


def call_id(seconds: float) -> str:
    """A new call's id: milliseconds since the epoch, then 80 random bits, in hex."""
    return f"call_{int(seconds * 1000):012x}{os.urandom(10).hex()}"


def from_seconds(seconds: float) -> str:
    """Seconds since the epoch, as text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_milliseconds(milliseconds: int) -> str:
    """Milliseconds since the epoch, as text."""
    return from_seconds(milliseconds / 1000)


def to_seconds(text: str) -> float:
    """Seconds since the epoch. Raises ValueError, also for a time without a zone."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("a time needs a zone, such as the Z in 2026-11-22T12:00:00Z")
    return parsed.timestamp()
