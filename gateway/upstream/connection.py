"""One connection to a provider: a request written, an answer read as it comes.

An asyncio Protocol around llhttp. It buffers at most `_HIGH_WATER` of an answer; then the socket is not read
until the relay has caught up. No pooling, no retries, no policy.
"""

import asyncio
from collections import deque
from typing import cast

import httptools

from gateway.errors import GatewayError
from gateway.wire.headers import Headers

_HIGH_WATER = 256 * 1024
_MAX_HEAD = 64 * 1024


class Disconnected(Exception):
    """The connection ended. `clean`: before any byte of the answer."""

    def __init__(self, *, clean: bool) -> None:
        super().__init__("the upstream closed the connection")
        self.clean = clean


class Connection(asyncio.Protocol):
    """One connection, used for one exchange after the other.

    Life: `send` → `head` → `read` until b"" → (reusable?) → `send` …; `abort` at any time.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.reusable = False
        self.complete = False
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._head_size = 0
        self._head_done = False
        self._any_byte = False
        self._after_body = False  # trailers are being read
        self._surplus = False
        self._paused = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # what the pool and the relay call

    @property
    def drained(self) -> bool:
        """Whether the answer was read to its end, so that another may follow it."""
        return self.complete and self.reusable and not self._chunks and self._failure is None

    @property
    def closed(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport is None or self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> None:
        """Writes a request and prepares for its answer."""
        assert self._transport is not None  # noqa: S101 - asyncio calls connection_made first
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers = []
        self.reusable = self.complete = self._head_done = self._any_byte = False
        self._after_body = self._surplus = False
        self._head_size = 0
        self._transport.writelines([head, body])

    async def head(self) -> None:
        """Waits for the answer's head. Raises Disconnected, GatewayError `upstream_protocol_error`."""
        while not self._head_done:
            await self._wait()

    async def read(self) -> bytes:
        """All that has arrived of the body since the last call; b"" at its end. Raises as `head` does."""
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait()
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    def abort(self) -> None:
        """Closes at once; what was not written is dropped."""
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._wake()
        self.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._parser is None or self.complete:
            self._fail(GatewayError("upstream_protocol_error", "The provider sent bytes that nothing asked for."))
            return
        self._any_byte = True
        if not self._head_done or self._after_body:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(GatewayError("upstream_protocol_error", f"The provider's answer could not be read: {error}."))
            return
        if self._head_size > _MAX_HEAD and (not self._head_done or self._after_body) and not self.complete:
            self._fail(GatewayError("upstream_protocol_error", "The provider's headers are over 64 KiB."))
            return
        if self._buffered > _HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Called by asyncio."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio. An answer without a length ends here; any other is cut."""
        self._transport = None
        if self._ends_with_connection() and exc is None:
            self.complete = True
        if not self.complete:
            self._failure = self._failure or Disconnected(clean=not self._any_byte)
        self._wake()

    def _ends_with_connection(self) -> bool:
        names = {name for name, _ in self.headers}
        return self._head_done and not names & {b"content-length", b"transfer-encoding"}

    # what llhttp calls

    def on_message_begin(self) -> None:
        """Called by llhttp; again after an interim (1xx) answer, whose headers are not the answer's."""
        if self.complete:
            self._surplus = True  # a second answer that nothing asked for: not read, and the connection not kept
            self.reusable = False
            return
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by llhttp; for a trailer too, which is none of the answer's headers."""
        if self._head_done:
            self._after_body = True
        else:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Called by llhttp."""
        assert self._parser is not None  # noqa: S101 - it is the caller
        if self._surplus:
            return
        self.status = self._parser.get_status_code()
        self._head_done = self.status >= 200

    def on_body(self, body: bytes) -> None:
        """Called by llhttp."""
        if self._surplus:
            return
        self._chunks.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        """Called by llhttp."""
        if self._head_done and self._parser is not None and not self._surplus:
            self.complete = True
            self.reusable = bool(self._parser.should_keep_alive())
