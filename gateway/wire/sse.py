"""Server-sent events in passing: cuts a byte stream into events without holding it back.

Source: WHATWG HTML, "Parsing an event stream". Fields other than `data` are of no interest here.
"""

import re

# A line ends with CRLF, LF or CR; an event with an empty line. The groups are atomic: a CRLF is one line end.
BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_MAX_EVENT = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventScanner:
    """Watches a stream go by. An event of more than 1 MiB is passed over, so that memory stays bounded."""

    __slots__ = ("_begun", "_oversized", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._oversized = False
        self._begun = False

    @property
    def at_boundary(self) -> bool:
        """Whether all that went by was whole events."""
        return not self._oversized and not self._rest.strip(b"\r\n")

    def feed(self, chunk: bytes) -> list[bytes]:
        """The `data` of each event that `chunk` completes."""
        searched = max(0, len(self._rest) - 3)  # what lies before was searched; a blank line has at most 4 bytes
        self._rest += chunk
        if not self._begun and len(self._rest) >= len(_BYTE_ORDER_MARK):
            self._begun = True
            if self._rest.startswith(_BYTE_ORDER_MARK):
                del self._rest[: len(_BYTE_ORDER_MARK)]
        payloads: list[bytes] = []
        start = 0
        for blank in BLANK_LINE.finditer(self._rest, searched):
            if not self._oversized:
                payloads.append(data_of(bytes(self._rest[start : blank.start()])))
            self._oversized = False
            start = blank.end()
        del self._rest[:start]
        if len(self._rest) > _MAX_EVENT:
            self._oversized = True
            del self._rest[:-3]
        return [payload for payload in payloads if payload]


def data_of(event: bytes) -> bytes:
    """The `data` of an event, its lines joined."""
    lines = (line for line in _LINE_END.split(event) if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
