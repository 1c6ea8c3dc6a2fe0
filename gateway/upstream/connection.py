"""One connection to a provider: a request written, an answer read as it comes. No pooling, no retries, no policy.

An asyncio BufferedProtocol: every connection of a pool reads into one buffer, which is emptied before the event loop
goes on. Of an answer that nobody reads at most `_HIGH_WATER` and one such buffer are kept; then the socket is not
read until the relay has caught up.
"""

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

from gateway.deadline import Deadline
from gateway.errors import GatewayError
from gateway.upstream.parsing import AnswerParser
from gateway.upstream.upload import Sender, Upload
from gateway.wire.headers import Headers

RECEIVED = 64 * 1024
_HIGH_WATER = 64 * 1024
# What the kernel may hold of an answer that is not read: left alone it takes several megabytes for each connection.
_KERNEL_RECEIVED = 256 * 1024
_CHUNK_COST = 64  # what a bytes object takes beside its bytes, roughly: a stream of single bytes is no cheaper
_MAX_LEFT_BEHIND = 1 << 20


# Takes a part of an answer's body; whether it takes more.
Sink = Callable[[bytes], bool]


class Disconnected(Exception):
    """The connection ended. `clean`: before any byte of the answer."""

    def __init__(self, *, clean: bool) -> None:
        super().__init__("the upstream closed the connection")
        self.clean = clean


class Connection(asyncio.BufferedProtocol):
    """One connection, used for one exchange after the other.

    Life: `send` → `sent` → `head` → `read` until b"", or `pour` → (`drained`?) → `send` …; `abort` at any time.
    `on_lost` is called when the connection ends.
    """

    def __init__(self, buffer: memoryview) -> None:
        self.on_lost: Callable[[Connection], None] | None = None
        self.transport: asyncio.Transport | None = None
        self.tls: ssl.SSLObject | None = None
        self.session_kept = False
        self._buffer = buffer
        self._sender: Sender | None = None
        self._parser: AnswerParser | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._failure: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._raised: Exception | None = None  # by the sink
        self._loop = asyncio.get_running_loop()
        self._idle: float | None = None
        self._heard = 0.0  # when something last came for the sink
        self._deadline = Deadline(self._loop, self._expired)

    # what the pool and the relay call

    @property
    def status(self) -> int:
        """The answer's, once `head` has returned."""
        return self._parser.status if self._parser else 0

    @property
    def headers(self) -> Headers:
        """The answer's, names in lower case, once `head` has returned."""
        return self._parser.headers if self._parser else []

    @property
    def drained(self) -> bool:
        """Whether the exchange is over on both sides, so that another may follow it."""
        if self.closed or self._sender is None or self._parser is None or self._failure is not None:
            return False
        return self._parser.reusable and not self._chunks and self._sender.idle

    @property
    def silent(self) -> bool:
        """Whether the answer is over and nothing has come after it."""
        return self._failure is None and self._parser is not None and self._parser.complete and not self._parser.surplus

    @property
    def closed(self) -> bool:
        """Whether nothing more can be sent."""
        return self.transport is None or self.transport.is_closing()

    def send(self, head: bytes, body: bytes | Upload, stall: float = 120.0) -> None:
        """Writes a request and prepares for its answer.

        `stall`: the seconds in which an upstream must take something of a request too long to be written at once.
        """
        self._parser = AnswerParser(head[: head.index(b" ")])
        if self._sender is None or self.closed:
            self._failure = self._failure or Disconnected(clean=True)
        else:
            self._sender.send(head, body, stall)

    async def sent(self) -> None:
        """Waits until the request is written, or its answer begins before that. Raises as `head` does."""
        while self._sender and self._sender.busy and not self._sender.answered:
            await self._wait()

    async def head(self, within: float | None = None) -> None:
        """Waits for the answer's head, for so many seconds.

        Raises Disconnected, GatewayError `upstream_protocol_error` or `upstream_timeout` (also where nothing of the
        request was taken), and whatever the request's source raises.
        """
        self._deadline.move(within)
        try:
            while self._parser is None or not self._parser.head_done:
                await self._wait()
        finally:
            self._deadline.move(None)

    @property
    def arrived(self) -> bool:
        """Whether more of the answer than its head is here."""
        return bool(self._chunks) or self._is_over()

    async def read(self, idle: float | None = None) -> bytes:
        """All that has arrived of the body since the last call; b"" at its end. Raises as `head` does, after `idle`
        seconds in which nothing came too."""
        if self._chunks:
            return self._taken()
        taken: list[bytes] = []

        def take(chunk: bytes) -> bool:
            taken.append(chunk)
            return False

        await self.pour(take, idle)
        return taken[0] if taken else b""

    async def pour(self, sink: Sink, idle: float | None) -> bool:
        """Gives `sink` what has arrived of the body, then the rest as it arrives. True once the sink takes no more, and
        False at the body's end. Raises as `read` does, and what the sink raises."""
        if self._chunks and not sink(self._taken()):
            return True
        if self._is_over():
            return False
        self._sink = sink
        self._idle = idle
        self._deadline.move(idle)
        try:
            while True:
                await self._wait()
                if self._raised is not None:
                    raise self._raised
                if self._is_over() or self._sink is None:
                    return self._sink is None
        finally:
            self._sink = None
            self._deadline.move(None)

    def _is_over(self) -> bool:
        return self._parser is not None and self._parser.complete

    def _taken(self) -> bytes:
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused:
            self._paused = False
            if self.transport is not None and not self.transport.is_closing():
                self.transport.resume_reading()
        return chunk

    def _give(self, body: bytes) -> None:
        """To whoever waits for it; else it is kept."""
        if self._sink is None:
            self._chunks.append(body)
            self._buffered += len(body) + _CHUNK_COST
            return
        try:
            self._heard = self._loop.time()
            if not self._sink(body):
                self._sink = None
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is for whoever pours
            self._sink, self._raised = None, failure
            self._fail(failure)

    def _expired(self) -> None:
        if self._parser is not None and not self._parser.head_done:
            self._fail(GatewayError("upstream_timeout"))
            return
        if self._sink is None:
            return  # the head came in the turn in which the time was over
        idle = self._idle or 0.0
        left = max(self.patience(idle), self._heard + idle - self._loop.time())
        if left > 0:
            self._deadline.move(left)
        else:
            self._fail(GatewayError("upstream_timeout", "The provider stopped sending."))

    def patience(self, seconds: float) -> float:
        """See Sender."""
        return self._sender.patience(seconds) if self._sender else 0.0

    def abort(self) -> None:
        """Closes at once; what was not written is dropped."""
        if self._sender is not None:
            self._sender.stop()
        if self.transport is not None:
            self.transport.abort()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: BaseException) -> None:
        self._failure = self._failure or failure
        self._wake()
        self.abort()

    def _on_sent(self, failure: BaseException | None) -> None:
        if failure is not None:
            self._chunks.clear()  # whoever reads is told now, not after what came before
            self._fail(failure)
        self._wake()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self.tls = transport.get_extra_info("ssl_object")
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_RECEIVED)
        self._sender = Sender(self.transport, self._on_sent)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio passes it
        """Called by asyncio."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Called by asyncio."""
        self._take(self._buffer[:nbytes])

    def pause_writing(self) -> None:
        """Called by asyncio."""
        if self._sender is not None:
            self._sender.pause()

    def resume_writing(self) -> None:
        """Called by asyncio."""
        if self._sender is not None:
            self._sender.resume()

    def eof_received(self) -> bool:
        """Called by asyncio. Nothing is written after it: an upstream that only listens gives no answer."""
        self._end(orderly=self.tls is None)
        self.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, once."""
        transport, self.transport = self.transport, None
        self._deadline.close()
        self._end(orderly=False, unread=transport if exc is not None else None)
        if self._sender is not None:
            self._sender.stop()
        if self.on_lost is not None:
            self.on_lost(self)

    # the answer

    def _unanswered(self) -> AnswerParser | None:
        """The parser of an answer that is not over."""
        return None if self._parser is None or self._parser.complete else self._parser

    def _take(self, data: memoryview) -> None:
        parser = self._parser
        if parser is None or self._is_over():
            self._fail(GatewayError("upstream_protocol_error", "The provider sent bytes that nothing asked for."))
            return
        try:
            body = parser.feed(data)
        except GatewayError as error:
            self._fail(error)
            return
        if body:
            self._give(body)
        sender = self._sender
        if sender is not None and sender.busy and parser.head_done:
            sender.answered = True
            if parser.complete:
                self.abort()  # nobody asks for the rest of the request
        if self._buffered > _HIGH_WATER and not self._paused and not self.closed:
            self._paused = True
            cast("asyncio.Transport", self.transport).pause_reading()
        if self._sink is None or parser.complete:
            self._wake()

    def _end(self, *, orderly: bool, unread: asyncio.Transport | None = None) -> None:
        """Nothing more comes: takes what was left unread, and says how the answer ended."""
        if self._failure is None and self.tls is not None:
            for data in _left_in_tls(self.tls):
                orderly = not data
                self._take_left(data)
        elif self._failure is None and unread is not None:
            for data in _left_in_socket(unread):
                self._take_left(data)
        parser = self._unanswered()
        if parser is not None and not (orderly and parser.end()):
            self._failure = self._failure or Disconnected(clean=not parser.begun)
        self._wake()

    def _take_left(self, data: bytes) -> None:
        if data and self._failure is None and self._unanswered() is not None:
            self._take(memoryview(data))


def _left_in_tls(tls: ssl.SSLObject) -> Iterator[bytes]:
    """What was received and not decrypted yet: event loops drop it when a paused reader's connection ends.

    b"" is the peer's own word that it ends here (close_notify); without it an end may be anybody's.
    """
    try:
        while data := tls.read(RECEIVED):
            yield data
    except ssl.SSLError:
        return
    yield b""


def _left_in_socket(transport: asyncio.Transport) -> Iterator[bytes]:
    """What the kernel still holds when a write has failed: an early answer may have come before the reset."""
    sock = transport.get_extra_info("socket")
    try:
        for _ in range(_MAX_LEFT_BEHIND // RECEIVED):
            data = os.read(sock.fileno(), RECEIVED)
            if not data:
                return
            yield data
    except OSError:
        return
