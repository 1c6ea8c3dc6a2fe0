"""An HTTP/1 answer: bytes in, status, headers and body out. No I/O, no time, no policy.

llhttp reads in its strict mode what comes in parts or in chunks. What it lets through all the same is refused here
(RFC 9112): other protocols' status lines, leading empty lines, codings that nobody could undo. Nothing doubtful is
guessed at.
"""

import enum
import re
from typing import Any

import httptools

from gateway.errors import GatewayError
from gateway.wire import fields
from gateway.wire.headers import Headers

MAX_HEAD = 64 * 1024

# The whole head, so that no line of it can be read in two ways; every byte has one way to match, so it is linear.
_HEAD = re.compile(
    rb"HTTP/1\.[01] [1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n",
)
_PLAIN_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [\x20-\x7e]*)?")
# How chunks and trailers end: one empty line, and nothing behind it.
_TAIL = 5
_PLAIN = 4096  # no longer is a head that is read without llhttp
_MAX_DIGITS = 18
_BODILESS = frozenset({b"HEAD", b"CONNECT"})
_NO_BODY = frozenset({204, 304})
_IS_END = re.compile(rb"[^\r\n]\r\n\r\n")


class Framing(enum.Enum):
    """How the end of a body is known (RFC 9112 section 6.3)."""

    NONE = enum.auto()
    LENGTH = enum.auto()
    CHUNKED = enum.auto()
    UNTIL_CLOSE = enum.auto()


def framing(method: bytes, status: int, headers: Headers, *, http11: bool) -> tuple[Framing, int]:
    """How the body of an answer ends, and its length in bytes where that is told (else 0).

    `identity` is RFC 2616's word for no coding. Any other coding cannot be undone here, and the caller would not
    be told of it. Raises GatewayError `upstream_protocol_error`.
    """
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1 or (codings and not http11):
        raise _unreadable("its length is told in two ways")
    if codings and codings[0] not in (b"chunked", b"identity"):
        raise _unreadable("its transfer coding is not known")
    length = int(lengths[0]) if lengths else 0  # llhttp has refused all but digits below 2^64
    if status == 204 and (length or codings):
        raise _unreadable("it has a body where there can be none")
    if method == b"HEAD" or status in (204, 304) or (method == b"CONNECT" and status < 300):
        return Framing.NONE, 0
    if lengths:
        return Framing.LENGTH, length
    return (Framing.CHUNKED if codings == [b"chunked"] else Framing.UNTIL_CLOSE), 0


class AnswerParser:
    """The answer to one request. Interim answers (1xx) and trailers are read and dropped."""

    def __init__(self, method: bytes) -> None:
        self.status = 0
        self.headers: Headers = []
        self.begun = False  # any byte has come
        self.head_done = False
        self.complete = False
        self.surplus = False  # bytes came after the end: they are not read, and nothing may follow them
        self._method = method
        self._llhttp: Any = None
        self._head = bytearray()
        self._without_body = 0  # bytes since the last one that was of a body: bounds heads, extensions, trailers
        self._persistent = False
        self._framing = Framing.NONE
        self._left = 0
        self._parts: list[bytes] = []
        self._tail = b""  # of what was chunks

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow this one on its connection."""
        return self.complete and self._persistent and not self.surplus

    def feed(self, data: memoryview) -> bytes:
        """The part of the body that is in `data`. Raises GatewayError `upstream_protocol_error`."""
        if self._framing is Framing.CHUNKED and not self.complete:
            return self._feed_chunked(data)
        if not self.begun:
            self.begun = True
            data = self._take_plain(data)
        while not self.head_done and data:
            data = self._feed_head(data)
        if not data:
            return b""
        if self.complete:
            self.surplus = True
            return b""
        if self._framing is Framing.CHUNKED:
            return self._feed_chunked(data)
        if self._framing is Framing.UNTIL_CLOSE:
            return bytes(data)
        return self._feed_length(data)

    def end(self) -> bool:
        """The connection ended in good order: whether the answer is whole."""
        if self.head_done and self._framing is Framing.UNTIL_CLOSE:
            self.complete = True
        return self.complete

    def _take_plain(self, data: memoryview) -> memoryview:
        """What is behind a head that came at once, of an answer whose length is told: nothing in it needs llhttp."""
        head, end, _ = bytes(data[:_PLAIN]).partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        line = _PLAIN_LINE.fullmatch(first)
        headers = fields.read(lines) if line and end else None
        if line is None or headers is None or self._method in _BODILESS:
            return data
        named = dict(headers)
        length = named.get(b"content-length", b"")
        odd = b"transfer-encoding" in named or named.get(b"connection", b"keep-alive") != b"keep-alive"
        status = int(line[1])
        if odd or len(named) != len(headers) or not length.isdigit() or len(length) > _MAX_DIGITS or status in _NO_BODY:
            return data
        self.status, self.headers = status, headers
        self._framing, self._left = Framing.LENGTH, int(length)
        self._persistent = self.head_done = True
        self.complete = not self._left
        return data[len(head) + 4 :]

    def _feed_head(self, data: memoryview) -> memoryview:
        """Takes what is of the head; the rest. llhttp is fed as it comes, so that nonsense is refused at once."""
        before = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, before - 3))
        took = len(data) if end < 0 else end + 4 - before
        self._without_body += took
        if self._without_body > MAX_HEAD:
            raise _unreadable("its headers are over 64 KiB")
        if self._llhttp is None:
            self._llhttp = httptools.HttpResponseParser(self)
        try:
            self._llhttp.feed_data(data[:took])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise _unreadable(str(error)) from None
        if end >= 0:
            head = bytes(self._head[: end + 4])
            self._head.clear()
            self._take_head(head)
        return data[took:]

    def _take_head(self, head: bytes) -> None:
        if _HEAD.fullmatch(head) is None:
            raise _unreadable("its head is not HTTP/1")
        status = int(head[9:12])
        if status == 101:
            raise _unreadable("it changes to another protocol")
        if status < 200:
            return
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:-2])
        self.status = status
        self.headers = [(name.lower(), value.strip(b" \t")) for name, _, value in lines]
        http11 = head[7:8] == b"1"
        self._framing, self._left = framing(self._method, status, self.headers, http11=http11)
        self._persistent = http11 and self._framing is not Framing.UNTIL_CLOSE and not _closes(self.headers)
        self.head_done = True
        self._without_body = 0
        self.complete = self._framing is Framing.NONE or (self._framing is Framing.LENGTH and not self._left)

    def _feed_length(self, data: memoryview) -> bytes:
        body = bytes(data[: self._left])
        self._left -= len(body)
        self.complete = not self._left
        self.surplus = len(body) < len(data)
        return body

    def _feed_chunked(self, data: memoryview) -> bytes:
        self._parts = []
        try:
            self._llhttp.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise _unreadable(str(error)) from None
            self.surplus = True
        self._tail = bytes(data[-_TAIL:]) if len(data) >= _TAIL else (self._tail + bytes(data))[-_TAIL:]
        if self.complete and not _IS_END.fullmatch(self._tail):
            self.surplus = True  # llhttp passes over empty lines between messages
        self._without_body = 0 if self._parts else self._without_body + len(data)
        if self._without_body > MAX_HEAD and not self.complete:
            raise _unreadable("its trailers or chunk extensions are over 64 KiB")
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    # what llhttp calls

    def on_message_begin(self) -> None:
        """Called by llhttp."""
        self.surplus = self.surplus or self.complete

    def on_body(self, body: bytes) -> None:
        """Called by llhttp."""
        if not self.complete:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Called by llhttp; for an interim answer too, and where only the head was fed."""
        if self._framing is Framing.CHUNKED:
            self.complete = True


def _closes(headers: Headers) -> bool:
    values = (value for name, value in headers if name == b"connection")
    return any(token.strip().lower() == b"close" for value in values for token in value.split(b","))


def _unreadable(why: str) -> GatewayError:
    return GatewayError("upstream_protocol_error", f"The provider's answer could not be read: {why}.")
