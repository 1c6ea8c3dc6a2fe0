"""The pool: an open connection to an origin, kept or made. One deque an origin; no limits, no queue.

A pooled connection that turns out dead before any byte of an answer is replaced once, unseen by the caller.
"""

import asyncio
import ssl
import time
from collections import deque
from types import TracebackType
from typing import Self

from gateway.errors import GatewayError
from gateway.upstream.addresses import AddressNotAllowed, Guard, Origin
from gateway.upstream.connection import Connection, Disconnected

# Providers' load balancers drop idle connections after 60 s and more; ours must be the shorter.
_KEEP_IDLE_SECONDS = 45.0


class Timeouts:
    """In seconds: to connect (TLS included), to the first byte of an answer, between two chunks."""

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

    async def read(self) -> bytes:
        """All that has arrived since the last call; b"" at the end.

        Raises GatewayError `upstream_disconnected`, `upstream_protocol_error` or `upstream_timeout` (idle).
        """
        try:
            async with asyncio.timeout(self._pool.timeouts.idle):
                return await self._connection.read()
        except TimeoutError:
            raise GatewayError("upstream_timeout", "The provider stopped sending.") from None
        except Disconnected:
            raise GatewayError("upstream_disconnected") from None

    async def peek(self, enough: int) -> bytes:
        """The beginning of the body: all of it, unless that is more than `enough` bytes. Raises as `read` does."""
        head = b""
        while len(head) < enough and (chunk := await self.read()):
            head += chunk
        return head

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

    def __init__(self, guard: Guard, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> None:
        self.timeouts = timeouts
        self._guard = guard
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[Origin, deque[tuple[float, Connection]]] = {}

    async def request(self, origin: Origin, head: bytes, body: bytes) -> Answer:
        """Sends a request and waits for the head of its answer.

        Raises GatewayError `upstream_unreachable`, `upstream_protocol_error` or `upstream_timeout`. When it is
        cancelled, the connection is closed.
        """
        kept = self._take(origin)
        if kept is not None:
            try:
                return await self._exchange(origin, kept, head, body)
            except Disconnected as lost:
                if not lost.clean:
                    raise _broken_off() from None
        try:
            return await self._exchange(origin, await self._connect(origin), head, body)
        except Disconnected:
            raise _broken_off() from None

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keeps the connection for the next call, or closes it where it cannot be used again."""
        if connection.drained and not connection.closed:
            self._idle.setdefault(origin, deque()).append((time.monotonic(), connection))
        else:
            connection.abort()

    def close(self) -> None:
        """Closes every idle connection."""
        for kept in self._idle.values():
            for _, connection in kept:
                connection.abort()
        self._idle.clear()

    def close_expired(self) -> None:
        """Closes what has been idle for too long; called now and then, and never on a call's way."""
        now = time.monotonic()
        for origin in list(self._idle):
            kept = self._idle[origin]
            while kept and now - kept[0][0] > _KEEP_IDLE_SECONDS:
                kept.popleft()[1].abort()
            if not kept:
                del self._idle[origin]

    def _take(self, origin: Origin) -> Connection | None:
        """The connection used last, so that the others can grow old."""
        kept = self._idle.get(origin)
        while kept:
            since, connection = kept.pop()
            if not connection.closed and time.monotonic() - since < _KEEP_IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _exchange(self, origin: Origin, connection: Connection, head: bytes, body: bytes) -> Answer:
        try:
            connection.send(head, body)
            async with asyncio.timeout(self.timeouts.first_byte):
                await connection.head()
        except TimeoutError:
            connection.abort()
            raise GatewayError("upstream_timeout") from None
        except BaseException:
            connection.abort()
            raise
        return Answer(self, origin, connection)

    async def _connect(self, origin: Origin) -> Connection:
        try:
            async with asyncio.timeout(self.timeouts.connect):
                return await self._connect_any(origin)
        except TimeoutError:
            raise GatewayError("upstream_timeout", "The provider could not be connected to in time.") from None
        except AddressNotAllowed as refused:
            raise GatewayError("upstream_unreachable", f"The provider's address is not allowed: {refused}.") from None
        except ssl.SSLError as error:
            raise GatewayError("upstream_unreachable", f"TLS with the provider failed: {error.reason}.") from None
        except OSError as error:
            raise GatewayError(
                "upstream_unreachable",
                f"The provider could not be reached: {error.strerror or error}.",
            ) from None

    async def _connect_any(self, origin: Origin) -> Connection:
        """Tries each judged address in turn; the last failure is the one told."""
        loop = asyncio.get_running_loop()
        failure: OSError = OSError("the name has no address")
        tls = self._tls if origin.scheme == "https" else None
        name = origin.host if tls is not None else None
        addresses = await self._guard.resolve(origin.host, origin.port)
        for _, address in addresses:
            try:
                async with asyncio.timeout(
                    self.timeouts.connect / len(addresses)
                ):  # a dead one leaves time to the rest
                    _, connection = await loop.create_connection(
                        Connection, address[0], address[1], ssl=tls, server_hostname=name
                    )
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure


def _broken_off() -> GatewayError:
    return GatewayError("upstream_protocol_error", "The provider closed the connection before it answered.")
