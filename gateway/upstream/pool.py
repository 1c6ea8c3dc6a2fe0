"""The pool: an open connection to an origin, kept or made. No limits on those in use, no queue.

A pooled connection that turns out dead before any byte of an answer is replaced once, unseen by the caller.
"""

import ssl
import time
from types import TracebackType
from typing import Self

from gateway.errors import GatewayError
from gateway.upstream import tls as tls_contexts
from gateway.upstream.addresses import Guard, Origin
from gateway.upstream.connection import Connection, Disconnected, Sink
from gateway.upstream.dialling import Dialler
from gateway.upstream.idle import KEEP_SECONDS, Idle
from gateway.upstream.proxy import Proxies
from gateway.upstream.upload import Upload


class Timeouts:
    """In seconds: to connect (TLS included), to the first byte of an answer once the request is sent, between two
    chunks of an answer, or of a request that the upstream takes.
    """

    def __init__(self, connect: float = 10, first_byte: float = 600, idle: float = 120) -> None:
        self.connect = connect
        self.first_byte = first_byte
        self.idle = idle


class Answer:
    """An upstream's answer, its head read. A context manager: leaving it keeps or closes the connection."""

    def __init__(self, pool: "Pool", origin: Origin, connection: Connection) -> None:
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self.status = connection.status
        self.headers = connection.headers

    @property
    def arrived(self) -> bool:
        """Whether more than the head is here already."""
        return self._connection.arrived

    async def read(self) -> bytes:
        """All that has arrived since the last call; b"" at the end.

        Raises GatewayError `upstream_disconnected`, `upstream_protocol_error` or `upstream_timeout` (idle), and
        whatever the source of an Upload raises. After any of these, and when it is cancelled, the connection is closed.
        """
        with _Closing(self._connection):
            return await self._connection.read(self._pool.timeouts.idle)

    async def pour(self, sink: Sink) -> bool:
        """Gives `sink` each part of the body as it arrives, in the event loop's own turn: no task is woken for it.
        True once the sink takes no more for now, False at the end. Raises as `read` does, and what the sink raises."""
        with _Closing(self._connection):
            return await self._connection.pour(sink, self._pool.timeouts.idle)

    async def peek(self, enough: int) -> bytes:
        """The beginning of the body: all of it, unless that is more than `enough` bytes. Raises as `read` does."""
        head = bytearray()
        while len(head) < enough and (chunk := await self.read()):
            head += chunk
        return bytes(head)

    async def read_up_to(self, limit: int) -> bytes:
        """The whole body. Raises as `read` does, and GatewayError `upstream_protocol_error` above `limit` bytes."""
        whole = await self.peek(limit + 1)
        if len(whole) > limit:
            raise GatewayError("upstream_protocol_error", "The provider's answer is longer than it may be here.")
        return whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Keeps the connection where the answer was read to its end, closes it where not."""
        self._pool.give_back(self._origin, self._connection)


class Pool:
    """Connections to every origin. `request` is the one way to use it."""

    def __init__(
        self,
        guard: Guard,
        timeouts: Timeouts,
        tls: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.timeouts = timeouts
        self._tls = tls or tls_contexts.client_context()
        self._dialler = Dialler(guard, timeouts.connect, self._tls, proxies)
        self._idle = Idle()
        self._closed = False

    async def request(self, origin: Origin, head: bytes, body: bytes | Upload) -> Answer:
        """Sends a request and waits for the head of its answer, which may come before all of the body is sent.

        The rest is then sent while the answer is read, and dropped with its connection when the answer is over first.
        An Upload goes over a new connection: it cannot be said twice, as it would have to be where a pooled one
        turns out dead. Raises GatewayError `upstream_unreachable`, `upstream_protocol_error` or `upstream_timeout`, and
        whatever the source of an Upload raises. When it is cancelled, the connection is closed.
        """
        kept = self._idle.take(origin, time.monotonic()) if isinstance(body, bytes) else None
        if kept is not None:
            try:
                return await self._exchange(origin, kept, head, body)
            except Disconnected as lost:
                if not lost.clean:
                    raise _broken_off() from None
        try:
            return await self._exchange(origin, await self._dialler.connect(origin), head, body)
        except Disconnected:
            raise _broken_off() from None

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keeps the connection for the next call, or closes it where it cannot be used again."""
        if connection.tls is not None and not connection.session_kept:
            keep = getattr(self._tls, "keep_session", None)
            connection.session_kept = keep is None or keep(connection.tls)
        if connection.drained and not self._closed:
            self._idle.put(origin, connection, time.monotonic())
        else:
            connection.abort()

    def close(self) -> None:
        """Closes every idle connection, and those in use when they are given back."""
        self._closed = True
        self._idle.close_older(float("inf"))

    def close_expired(self) -> None:
        """Closes what has been idle for too long; called now and then, and never on a call's way."""
        self._idle.close_older(time.monotonic() - KEEP_SECONDS)

    async def _exchange(self, origin: Origin, connection: Connection, head: bytes, body: bytes | Upload) -> Answer:
        try:
            connection.send(head, body, self.timeouts.idle)
            await connection.sent()
            await connection.head(self.timeouts.first_byte)
        except BaseException:
            connection.abort()
            raise
        return Answer(self, origin, connection)


class _Closing:
    """Closes the connection where what is done inside fails."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is None:
            return
        self._connection.abort()
        if isinstance(error, Disconnected):
            raise GatewayError("upstream_disconnected") from None


def _broken_off() -> GatewayError:
    return GatewayError("upstream_protocol_error", "The provider closed the connection before it answered.")
