"""Server-sent events in passing: cuts a byte stream into events without holding it back. What an event says is the
dialects' to know.

Source: WHATWG HTML, "Parsing an event stream". Fields other than `data` are of no interest here.
"""

import re

from gateway.wire.budget import Budget

# A line ends with CRLF, LF or CR; an event with an empty line. The groups are atomic: a CRLF is one line end. A CR
# after a CRLF or LF, with nothing behind it yet, is half of the empty line; only a stream that ends its lines with CR
# alone ends an event with one.
BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\n|\r(?!\Z))|\r\r")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_AT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\n)\Z|\r\r\Z")
_MAX_EVENT = 8 << 20
_OWN = 16 * 1024  # of an event that has begun, this much is held without asking
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

TAIL = 4  # how many bytes of a stream's end tell whether an event ends there
START = b"\n\n"  # the tail of a stream that has not begun: an event may follow


def is_boundary(tail: bytes) -> bool:
    """Whether a stream whose last bytes these are stands between two events. `tail`: at least TAIL of them, where
    the stream, with START before it, has as many."""
    return _AT_END.search(tail) is not None


class EventScanner:
    """Watches a stream go by. Of an event that has arrived in part, 16 KiB are held; what is more is taken from the
    budget. Where that has no more, or with more than 8 MiB, the event is passed over."""

    __slots__ = ("_begun", "_budget", "_oversized", "_rest", "_taken")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._rest = bytearray()
        self._taken = 0
        self._oversized = False
        self._begun = False

    def is_whole(self, chunk: bytes) -> bool:
        """Whether a chunk consists of whole events in the common form: nothing before it waits, lines end with LF.
        Such a chunk need not be given to `feed`."""
        return self._begun and not self._rest and chunk.endswith(b"\n\n") and b"\r" not in chunk

    def feed(self, chunk: bytes) -> list[bytes]:
        """The `data` of each event that `chunk` completes."""
        searched = max(0, len(self._rest) - 3)  # what lies before was searched; a blank line has at most 4 bytes
        self._rest += chunk
        if not self._begun and len(self._rest) >= len(BYTE_ORDER_MARK):
            self._begun = True
            if self._rest.startswith(BYTE_ORDER_MARK):
                del self._rest[: len(BYTE_ORDER_MARK)]
        payloads: list[bytes] = []
        start = 0
        for blank in BLANK_LINE.finditer(self._rest, searched):
            if not self._oversized:
                payloads.append(data_of(bytes(self._rest[start : blank.start()])))
            self._oversized = False
            start = blank.end()
        if start:
            del self._rest[:start]
            self._give_back()
        if len(self._rest) > _OWN and (self._oversized or not self._may_hold()):
            self._oversized = True
            del self._rest[:-3]
            self._give_back()
        return [payload for payload in payloads if payload]

    def close(self) -> None:
        """Forgets what is held and gives its memory back."""
        self._rest = bytearray()
        self._give_back()

    def _may_hold(self) -> bool:
        """Whether what is held may be; the budget is asked for what has come since."""
        wanted = len(self._rest) - _OWN - self._taken
        if len(self._rest) > _MAX_EVENT or not self._budget.take(wanted):
            return False
        self._taken += wanted
        return True

    def _give_back(self) -> None:
        if self._taken:
            self._budget.give(self._taken)
            self._taken = 0


def data_of(event: bytes) -> bytes:
    """The `data` of an event, its lines joined."""
    lines = (line for line in _LINE_END.split(event) if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
