"""What a worker answers a kubelet, over HTTP: `/healthz` while its event loop turns, `/readyz` while Redis answers it.

Nothing of jobs is in here, and nobody's key: an answer says no more than its status does. A connection for each.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

_FRESH_SECONDS = 5.0  # the store is asked every second (finetune/worker.py)
_PATIENCE_SECONDS = 5.0
_LONGEST_HEAD = 8192  # bytes


class Pulse:
    """When the store last answered the worker. `now` gives seconds, as time.monotonic does."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at: float | None = None

    def beat(self) -> None:
        """It has answered."""
        self._at = self._now()

    @property
    def fresh(self) -> bool:
        """Whether it has done so just now."""
        return self._at is not None and self._now() - self._at < _FRESH_SECONDS


def answer(request: bytes, pulse: Pulse) -> bytes:
    """The whole answer to a request's head."""
    path = request.split(b" ", 2)[1] if request.startswith((b"GET ", b"HEAD ")) else b""
    if path == b"/healthz":
        return _said("200 OK", "alive")
    if path == b"/readyz":
        return _said("200 OK", "ready") if pulse.fresh else _said("503 Service Unavailable", "Redis does not answer")
    return _said("404 Not Found", "/healthz and /readyz are all there is")


def _said(status: str, words: str) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(words) + 1}\r\n"
        f"connection: close\r\n\r\n{words}\n"
    ).encode()


@contextlib.asynccontextmanager
async def answering(listener: socket.socket, pulse: Pulse, patience: float = _PATIENCE_SECONDS) -> AsyncIterator[None]:
    """Answers on a bound socket. Who does not finish its request within `patience` seconds is dropped."""
    server = await asyncio.start_server(partial(_serve, pulse, patience), sock=listener, limit=_LONGEST_HEAD)
    try:
        yield
    finally:
        server.close()


async def _serve(pulse: Pulse, patience: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(patience):
            writer.write(answer(await reader.readuntil(b"\r\n\r\n"), pulse))
            await writer.drain()
    writer.close()
