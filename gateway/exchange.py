"""The caller's side of a call, as the lifecycle sees it. What is behind it, a socket or an ASGI server, is an adapter's
business (`protocol.py`, `asgi.py`); an adapter knows nothing of tenants, models or errors beyond its own.
"""

from collections.abc import Callable
from typing import Protocol

from gateway.wire.headers import Headers


class CallerGone(Exception):
    """The caller left before its request was whole, or stopped taking the answer."""


class Exchange(Protocol):
    """One request and its answer. `write` takes; `drain` sends and waits while the caller is slow."""

    method: str
    path: str  # as sent: percent-encoded, without the query
    query: bytes
    headers: Headers
    fields: dict[bytes, bytes]  # the first value of each header
    started: bool  # the answer's head was sent
    gone: bool
    read_wait: int  # nanoseconds that were spent waiting for the body

    @property
    def peer(self) -> str | None:
        """The address at the connection's other end; None where it has none."""

    def arrived(self) -> bytes | None:
        """The body's rest where all of it is here already; None where `read` must be asked."""

    async def read(self) -> bytes:
        """The next part of the body, as it came; b"" at its end, and again after that.

        Raises CallerGone, and GatewayError `malformed_request` or `request_timeout`.
        """

    def on_gone(self, callback: Callable[[], object]) -> None:
        """Has `callback` called, once, when the caller leaves before the answer's end."""

    def start(self, status: int, headers: Headers) -> None:
        """The answer's head; sent with the first `drain`."""

    def write(self, data: bytes) -> None:
        """Part of the answer's body; sent with the next `drain`."""

    def flush(self) -> bool:
        """Sends what was written, where that can be done at once; False where `drain` is to be waited for before more
        is written. Raises CallerGone."""

    async def drain(self) -> None:
        """Sends what was written. Returns when the caller has room for more. Raises CallerGone."""

    async def end(self) -> None:
        """Sends what was written and ends the answer."""

    def cut(self) -> None:
        """Sends what was written and ends the connection without the answer's end."""

    def abort(self) -> None:
        """Ends the connection in the middle of the answer, so that nobody takes it for a whole one."""
