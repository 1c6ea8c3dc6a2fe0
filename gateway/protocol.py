"""A caller's connection: requests parsed strictly, answered in their order, each handed on as an exchange.

An asyncio Protocol around llhttp that takes the place of uvicorn's own (`Config(http=…)`); uvicorn keeps listening,
signals and shutdown. Nothing here knows a route. Sources: RFC 9112; uvicorn's `Server` for `connections`, `tasks` and
`shutdown`.
"""

import asyncio
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, cast

import httptools
from uvicorn.server import ServerState

from gateway import timestamps
from gateway.deadline import Deadline
from gateway.errors import GatewayError
from gateway.http_exchange import HttpExchange, Patience, status_line
from gateway.wire import requests
from gateway.wire.headers import Headers

_MAX_WAITING = 8  # requests sent ahead of their answers, before no more is read
_LINGER_SECONDS = 2.0  # after the last that came from a caller who sends on though it is answered
_MAX_LINGER_SECONDS = 30.0
_LEAVE_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_ESTABLISHED = 1  # tcp_states.h

Handler = Callable[[HttpExchange], Coroutine[Any, Any, None]]


def _nobody(_: str, __: GatewayError) -> None:
    """For who does not want to hear of it."""


class CallerProtocol(asyncio.Protocol):
    """One connection. `handler` takes each exchange, one after the other; `on_unread` hears of a request that became
    none, since its head could not be read: the call id of its answer, and why."""

    def __init__(
        self,
        handler: Handler,
        state: ServerState,
        patience: Patience,
        on_unread: Callable[[str, GatewayError], object] = _nobody,
    ) -> None:
        self.patience = patience
        self.closing = False
        self.peer: str | None = None
        self._handler = handler
        self._on_unread = on_unread
        self._state = state
        self._parser: Any = httptools.HttpRequestParser(self)  # strict: none of llhttp's leniencies
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._deadline = Deadline(self._loop, self._expire)
        self._current: HttpExchange | None = None
        self._waiting: deque[HttpExchange] = deque()
        self._arriving: HttpExchange | None = None
        self._refused: GatewayError | None = None  # nothing that comes after it is read
        self._url = b""
        self._headers: Headers = []
        self._in_head = False
        self._head_size = 0
        self._trailers = False
        self._due = 0  # bytes of a plain request's body that are still to come
        self._reading = True
        self._watch: asyncio.TimerHandle | None = None  # while it is not read
        self._room: asyncio.Future[None] | None = None  # while the caller takes no more
        self._linger_until: float | None = None  # by the loop's clock; from the last answer on
        self._left = sys.maxsize  # bytes that a caller who is being left had not taken when it was last looked

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else None  # a Unix socket's is a text
        self._state.connections.add(cast("Any", self))
        self._wait(self.patience.head)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._refused is not None:
            self._linger_on()
            return
        if not self._in_head and (self._due or self._arriving is None):
            data = self._take_plain(data)
        if data:
            self._parse(data)
        self._pace()

    def _take_plain(self, data: bytes) -> bytes:
        """Takes plain requests, which need no llhttp; what is left begins with one that does."""
        at = 0
        while at < len(data):
            if not self._due:
                end = data.find(b"\r\n\r\n", at)
                head = requests.plain(data[at:end]) if end >= 0 else None
                if head is None:
                    break
                self._begin(HttpExchange(self, head))
                self._due = int(head.fields.get(b"content-length", b"0"))
                at = end + 4
            part = data[at : at + self._due] if at or len(data) > self._due else data
            at += len(part)
            self._due -= len(part)
            if part:
                self.on_body(part)
            if not self._due:
                self._finish()
        return data[at:]

    def _parse(self, data: bytes) -> None:
        if self._in_head or self._trailers:
            self._head_size += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            inner = error.__context__
            self._refuse(inner if isinstance(inner, GatewayError) else _malformed(error))
        else:
            if self._head_size > requests.MAX_HEAD and (self._in_head or self._trailers):
                self._refuse(GatewayError("headers_too_large"))

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._arriving is None:
                self._refuse(None)  # what follows is not HTTP
            else:
                rest = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(_BodyOf(self))
                self._parser.feed_data(requests.plain_head(requests.framing(self._headers)) + rest)

    def eof_received(self) -> bool:
        """Called by asyncio. A caller who says no more is one who leaves, as at other proxies."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        """Called by asyncio."""
        self._state.connections.discard(cast("Any", self))
        self._transport = None
        self._deadline.close()
        self._waiting.clear()
        self._parser = None
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if self._current is not None:
            self._current.lose()

    def pause_writing(self) -> None:
        """Called by asyncio."""
        if self._room is None:
            self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """Called by asyncio."""
        if self._room is not None:
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)
            if self._current is None and self._linger_until is None:
                self._go_on()

    def shutdown(self) -> None:
        """Called by uvicorn when the server is to stop: what is under way is finished; what is on its way here already
        is served too, for a moment."""
        self.closing = True
        if self._current is None:
            self._wait(_LEAVE_SECONDS)

    # what llhttp calls

    def on_message_begin(self) -> None:
        """Called by llhttp."""
        self._url, self._headers = b"", []
        self._in_head, self._head_size = True, 0
        if self._current is None:
            self._wait(self.patience.head)

    def on_url(self, url: bytes) -> None:
        """Called by llhttp; in parts where they came so."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by llhttp; for a trailer too, which is dropped."""
        if self._arriving is None:
            self._headers.append((name.lower(), value.rstrip(b" \t")))  # RFC 9110 section 5.5; llhttp leaves it
        elif not self._trailers:
            self._trailers, self._head_size = True, 0

    def on_headers_complete(self) -> None:
        """Called by llhttp. Raises GatewayError, which `data_received` gets wrapped."""
        parser = self._parser
        head = requests.read(
            parser.get_method().decode("ascii"),
            self._url,
            parser.get_http_version(),
            self._headers,
            keep_alive=parser.should_keep_alive() and not parser.should_upgrade(),
        )
        self._in_head = False
        self._begin(HttpExchange(self, head))

    def on_body(self, body: bytes) -> None:
        """Called by llhttp."""
        if self._arriving is not None:
            self._arriving.feed(body)

    def on_message_complete(self) -> None:
        """Called by llhttp; before the body, where the request asks for another protocol: see `_BodyOf`."""
        if self._arriving is not None and not (self._parser.should_upgrade() and requests.framing(self._headers)):
            self._finish()
            self._trailers = False

    # requests in their order

    def _begin(self, exchange: HttpExchange) -> None:
        self._arriving = exchange
        self._waiting.append(exchange)
        if self._current is None and self._room is None:
            self._next()

    def _finish(self) -> None:
        if self._arriving is not None:
            self._arriving.finish()
            self._arriving = None

    def _next(self) -> None:
        self._wait(None)
        self._current = self._waiting.popleft()
        task = self._loop.create_task(self._handle(self._current))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    async def _handle(self, exchange: HttpExchange) -> None:
        try:
            await self._handler(exchange)
        finally:
            if not exchange.over:  # a handler must not return without an answer
                exchange.abort()

    def ended(self, exchange: HttpExchange) -> None:
        """See Socket."""
        self._current = None
        self._state.total_requests += 1
        if self._transport is None:
            return
        if not exchange.keep_alive:
            self._linger(whole=exchange.whole)
        elif self._room is not None:
            self._wait(self.patience.write)  # no further answer before there is room for it
        else:
            self._go_on()
        self._pace()

    def _go_on(self) -> None:
        """The answer is on its way; what comes after it."""
        if self._waiting:
            self._next()
        elif self._refused is not None:
            self._answer_refusal()
        elif self.closing:
            self._wait(_LEAVE_SECONDS)
        else:
            self._wait(self.patience.head if self._in_head else self.patience.idle)

    def _refuse(self, error: GatewayError | None) -> None:
        """Reads nothing more; the answers that are owed come first."""
        self._refused = error or GatewayError("malformed_request")
        if self._arriving is not None:
            self._arriving.fail(self._refused)
            self._arriving = None
        elif error is not None and self._current is None and not self._waiting:
            self._answer_refusal()

    def _answer_refusal(self) -> None:
        assert self._refused is not None  # noqa: S101 - by its callers
        body = self._refused.body()
        call_id = timestamps.call_id(time.time())
        headers = [*self._refused.headers(), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers += [(b"x-call-id", call_id.encode())]
        headers += [(b"x-fine-tuned", b"false"), (b"x-model-reason", b"none")]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.send(status_line(self._refused.kind.status) + lines + b"\r\n" + body)
        self._on_unread(call_id, self._refused)
        self._linger(whole=False)

    def _linger(self, *, whole: bool) -> None:
        """Closes. Where the caller is still sending, that is read on for a while: a close in the face of it would take
        the answer with it."""
        if self._transport is None:
            return
        self._current = None
        self._refused = self._refused or GatewayError("malformed_request")
        self._linger_until = self._loop.time() + _MAX_LINGER_SECONDS
        if whole or not self._transport.can_write_eof():
            self.close()
        else:
            self._transport.write_eof()
            self._linger_on()

    def _linger_on(self) -> None:
        if self._linger_until is not None:
            self._wait(min(_LINGER_SECONDS, max(self._linger_until - self._loop.time(), 0.0)))

    # bytes and time

    def send(self, data: bytes) -> None:
        """See Socket."""
        if self._transport is not None:
            self._transport.write(data)

    @property
    def has_room(self) -> bool:
        """See Socket."""
        return self._room is None and self._transport is not None

    async def writable(self) -> bool:
        """See Socket."""
        while self._room is not None and self._transport is not None:
            left = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self.patience.write):
                    await asyncio.shield(self._room)
            except TimeoutError:
                if self._untaken() >= left:
                    self.abort()
                    return False
        return self._transport is not None

    def _untaken(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def read_on(self) -> None:
        """See Socket."""
        self._pace()

    def close(self) -> None:
        """See Socket. A caller who does not take what was sent is not waited for without end."""
        self._current = None
        if self._transport is not None:
            self._transport.close()
            self._wait(self.patience.write)

    def abort(self) -> None:
        """See Socket."""
        self._current = None
        if self._transport is not None:
            self._transport.abort()

    def _pace(self) -> None:
        """Reads on, or not: a body that nobody takes must not pile up, nor requests ahead of their answers."""
        if self._reading and not self._waiting and self._arriving is None:
            return
        if self._transport is None or self._transport.is_closing():
            return
        behind = len(self._waiting) >= _MAX_WAITING or (self._arriving is not None and self._arriving.full)
        full = behind and self._refused is None
        if full and self._reading:
            self._transport.pause_reading()
            self._look_out()
        elif not full and not self._reading:
            self._transport.resume_reading()
        self._reading = not full

    def _look_out(self) -> None:
        """A connection that is not read does not tell that its caller has left: the kernel is asked, now and then."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._transport is None or self._transport.is_closing() or self._reading:
            return
        if _has_left(self._transport.get_extra_info("socket")):
            self._transport.abort()  # `connection_lost` tells the exchange
        else:
            self._look_out()

    def _wait(self, seconds: float | None) -> None:
        """Closes the connection after so many seconds; None takes that back."""
        self._deadline.move(seconds)

    def _expire(self) -> None:
        if self._transport is None:
            return
        if self._transport.is_closing() or self._refused is not None:
            self._leave()
        elif self._in_head:
            self._refused = GatewayError("request_timeout")
            self._answer_refusal()
        else:
            self.close()

    def _leave(self) -> None:
        """Ends a connection that is over, unless its caller still takes what was sent, however slowly."""
        left = self._untaken()
        if 0 < left < self._left:
            self._left = left
            self._wait(self.patience.write)
        else:
            self.abort()


class _BodyOf:
    """What llhttp calls for the body of a request that asks for another protocol. It is answered in this one all
    the same (RFC 9110 section 7.8; Java's client wishes for `h2c` with every request), but llhttp passes over the body;
    so a second parser is given a head without the wish, and the rest."""

    def __init__(self, protocol: CallerProtocol) -> None:
        self._protocol = protocol
        self._begun = False
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_headers_complete(self) -> None:
        """Called by llhttp."""
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by llhttp."""
        if self._begun:
            self._protocol.on_header(name, value)


def _has_left(sock: socket.socket | None) -> bool:
    """Whether the other side has closed or reset a TCP connection. Where the system does not tell, it has not."""
    if sys.platform != "linux" or sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


def _malformed(error: Exception) -> GatewayError:
    return GatewayError("malformed_request", f"The request cannot be read: {error}.")
