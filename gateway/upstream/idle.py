"""Connections that wait for their next call: which is taken, which must go. No I/O but closing; no clock of its own."""

from collections.abc import Iterator

from gateway.upstream.addresses import Origin
from gateway.upstream.connection import Connection

# Providers' load balancers drop idle connections after 60 s and more; ours must be the shorter.
KEEP_SECONDS = 45.0


class Idle:
    """At most `per_origin` for each origin and `total` in all; the oldest goes. Times are monotonic seconds."""

    def __init__(self, per_origin: int = 256, total: int = 1024) -> None:
        self._per_origin = per_origin
        self._total = total
        self._since: dict[Connection, tuple[Origin, float]] = {}  # oldest first, since they are added in time's order
        self._of: dict[Origin, dict[Connection, None]] = {}  # the same, by origin

    def __len__(self) -> int:
        return len(self._since)

    def put(self, origin: Origin, connection: Connection, now: float) -> None:
        """Keeps a connection; from here on it is forgotten as soon as it ends."""
        connection.on_lost = self._forget
        self._since[connection] = (origin, now)
        kept = self._of.setdefault(origin, {})
        kept[connection] = None
        if len(kept) > self._per_origin:
            self._close(next(iter(kept)))
        elif len(self._since) > self._total:
            self._close(next(iter(self._since)))

    def take(self, origin: Origin, now: float) -> Connection | None:
        """The connection used last, so that the others can grow old."""
        while kept := self._of.get(origin):
            connection = next(reversed(kept))
            _, since = self._since[connection]
            if not connection.closed and now - since < KEEP_SECONDS:
                self._forget(connection)
                return connection
            self._close(connection)
        return None

    def close_older(self, before: float) -> None:
        """Closes what has been idle since before that time."""
        for connection in list(self._older(before)):
            self._close(connection)

    def _older(self, before: float) -> Iterator[Connection]:
        for connection, (_, since) in self._since.items():
            if since >= before:
                return
            yield connection

    def _close(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort()

    def _forget(self, connection: Connection) -> None:
        connection.on_lost = None
        origin, _ = self._since.pop(connection)
        kept = self._of[origin]
        del kept[connection]
        if not kept:
            del self._of[origin]
