"""One request on a caller's connection and its answer, as bytes of HTTP/1.1: the exchange that `protocol.py` makes.

Framing, back-pressure and the caller's leaving; no parsing (the connection's), no policy (the lifecycle's).
Source: RFC 9112.
"""

import asyncio
import contextlib
import http
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gateway.errors import GatewayError
from gateway.exchange import CallerGone
from gateway.wire.headers import Headers
from gateway.wire.requests import RequestHead

_HIGH_WATER = 64 * 1024  # of a body that nobody reads yet
_FORMATTED = 4096  # of more, formatting makes room for a quarter more than it needs, and leaves holes in memory
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_BODY = frozenset({204, 304})
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in http.HTTPStatus}


def status_line(status: int) -> bytes:
    """The first line of an answer. A reason phrase means nothing (RFC 9112 section 4): a provider's own is not kept."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


class Patience(Struct, frozen=True):
    """For how long a caller is waited for, in seconds: for a request's head; for the next part of its body; for room
    for the next part of an answer; for the next request on a connection."""

    head: float = 20.0
    body: float = 60.0
    write: float = 120.0
    idle: float = 75.0


class Socket(Protocol):
    """What an exchange asks of its connection."""

    patience: Patience
    closing: bool  # no further request is served on it
    peer: str | None  # see Exchange

    @property
    def has_room(self) -> bool:
        """Whether the caller takes more of an answer."""

    def send(self, data: bytes) -> None:
        """Writes to the caller."""

    async def writable(self) -> bool:
        """Returns when the caller takes more; False where it is gone or took nothing for too long."""

    def read_on(self) -> None:
        """A part of the body was taken; there is room for more."""

    def ended(self, exchange: "HttpExchange") -> None:
        """The answer is whole."""

    def close(self) -> None:
        """Ends the connection once all that was sent is on its way."""

    def abort(self) -> None:
        """Ends the connection at once."""


class HttpExchange:
    """See Exchange. The connection calls `feed`, `finish`, `fail` and `lose`."""

    __slots__ = (
        "_bodiless",
        "_buffered",
        "_callback",
        "_chunked",
        "_expects",
        "_failure",
        "_head",
        "_out",
        "_over",
        "_parts",
        "_socket",
        "_waiter",
        "fields",
        "gone",
        "headers",
        "keep_alive",
        "method",
        "path",
        "query",
        "read_wait",
        "started",
        "whole",
    )

    def __init__(self, socket: Socket, head: RequestHead) -> None:
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.headers
        self.fields = head.fields
        self.keep_alive = head.keep_alive
        self.started = False
        self.gone = False
        self.read_wait = 0
        self.whole = False  # the request has arrived to its end
        self._socket = socket
        self._head = head
        self._expects = head.expects
        self._parts: list[bytes] = []
        self._buffered = 0
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._callback: Callable[[], object] | None = None
        self._out: list[bytes] = []
        self._chunked = False
        self._bodiless = False
        self._over = False

    @property
    def peer(self) -> str | None:
        """See Exchange."""
        return self._socket.peer

    # what the connection calls

    @property
    def full(self) -> bool:
        """Whether so much of the body lies here that no more should be read."""
        return self._buffered >= _HIGH_WATER

    @property
    def over(self) -> bool:
        """Whether the answer is whole, or cut by us."""
        return self._over

    def feed(self, data: bytes) -> None:
        """Part of the body has come."""
        if not self._over:
            self._parts.append(data)
            self._buffered += len(data)
            self._wake()

    def finish(self) -> None:
        """The body is whole."""
        self.whole = True
        self._wake()

    def fail(self, failure: GatewayError) -> None:
        """What came cannot be the rest of this request."""
        self.keep_alive = False
        self._failure = self._failure or failure
        self._wake()

    def lose(self) -> None:
        """The caller has left."""
        if self._over:
            return
        self.gone = True
        self._failure = CallerGone()
        self._wake()
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    # what the lifecycle calls

    def arrived(self) -> bytes | None:
        """See Exchange."""
        return self._take() if self.whole and self._failure is None else None

    async def read(self) -> bytes:
        """See Exchange."""
        if not self._parts and not self.whole and self._failure is None:
            if self._expects and not self.started:  # inside an answer it would be taken for a part of it
                self._expects = False
                self._socket.send(_CONTINUE)
            await self._arrival()
        if self._failure is not None:
            raise self._failure
        return self._take()

    def _take(self) -> bytes:
        if not self._parts:
            return b""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        if not self.whole:
            self._socket.read_on()
        return data

    async def _arrival(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._socket.patience.body):
                await self._waiter
        except TimeoutError:
            raise GatewayError("request_timeout") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def on_gone(self, callback: Callable[[], object]) -> None:
        """See Exchange."""
        self._callback = callback
        if self.gone:
            callback()

    def start(self, status: int, headers: Headers) -> None:
        """See Exchange."""
        out = [status_line(status), *[b"%b: %b\r\n" % header for header in headers]]
        self._bodiless = status in _NO_BODY or self.method == "HEAD"
        unframed = not self._bodiless and b"content-length" not in dict(headers)
        self._chunked = unframed and not self._head.http_1_0  # told anew: an error may take the place of an answer
        if unframed and self._head.http_1_0:
            self.keep_alive = False
        elif self._chunked:
            out.append(b"transfer-encoding: chunked\r\n")
        if not self.whole or self._socket.closing:
            self.keep_alive = False
        if not self.keep_alive:
            out.append(b"connection: close\r\n")
        elif self._head.http_1_0:
            out.append(b"connection: keep-alive\r\n")
        out.append(b"\r\n")
        self._out = out

    def write(self, data: bytes) -> None:
        """See Exchange."""
        if data and not self._bodiless and not self.gone:
            if not self._chunked:
                self._out.append(data)
            elif len(data) <= _FORMATTED:
                self._out.append(b"%x\r\n%b\r\n" % (len(data), data))
            else:
                self._out += (b"%x\r\n" % len(data), data, b"\r\n")

    def flush(self) -> bool:
        """See Exchange."""
        self._flush()
        return self._socket.has_room

    async def drain(self) -> None:
        """See Exchange."""
        self._flush()
        if not self._socket.has_room and not await self._socket.writable():
            self.lose()
            raise CallerGone

    async def end(self) -> None:
        """See Exchange."""
        if self._chunked:
            self._out.append(b"0\r\n\r\n")
        self._flush()
        self._over = True
        self._callback = None
        self._socket.ended(self)

    def _flush(self) -> None:
        if self.gone:
            raise CallerGone
        if self._out:
            self.started = True
            self._socket.send(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()

    def cut(self) -> None:
        """See Exchange."""
        if not self._over:
            with contextlib.suppress(CallerGone):
                self._flush()
            self._over = True
            self._callback = None
            self._socket.close()

    def abort(self) -> None:
        """See Exchange."""
        if not self._over:
            self._over = True
            self._callback = None
            self._socket.abort()
