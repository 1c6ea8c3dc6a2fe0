"""The caller's side of a call, as the lifecycle sees it, and the ASGI adapter to it.

An adapter knows its server; it knows nothing of tenants, models or errors beyond its own.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.wire.headers import Headers


class CallerGone(Exception):
    """The caller left before its request was whole."""


class Exchange(Protocol):
    """One request and its answer. `write` takes; `drain` sends and waits while the caller is slow."""

    method: str
    path: str  # as sent: percent-encoded, without the query
    query: bytes
    headers: Headers
    started: bool  # the answer's head was sent
    gone: bool

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises GatewayError `request_too_large` above `limit` bytes, CallerGone."""

    def on_gone(self, callback: Callable[[], object]) -> None:
        """Has `callback` called, once, when the caller leaves before the answer's end."""

    def start(self, status: int, headers: Headers) -> None:
        """The answer's head; sent with the first `drain`."""

    def write(self, data: bytes) -> None:
        """Part of the answer's body; sent with the next `drain`."""

    async def drain(self) -> None:
        """Sends what was written. Returns when the caller has room for more."""

    async def end(self) -> None:
        """Sends what was written and ends the answer."""

    def abort(self) -> None:
        """Ends the connection in the middle of the answer, so that nobody takes it for a whole one."""


class AsgiExchange:
    """An Exchange over ASGI 3: for any server, and for tests. Leaving `abort`ed means returning unfinished."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = raw_path.decode("latin-1")
        self.query: bytes = scope["query_string"]
        self.headers: Headers = list(scope["headers"])
        self.started = False
        self.gone = False
        self._receive = receive
        self._send = send
        self._head: dict[str, Any] | None = None
        self._pending: list[bytes] = []
        self._watch: asyncio.Task[None] | None = None

    async def body(self, limit: int) -> bytes:
        """See Exchange."""
        announced = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > limit:
            raise GatewayError("request_too_large")
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise CallerGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise GatewayError("request_too_large")
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def on_gone(self, callback: Callable[[], object]) -> None:
        """See Exchange. Only after `body`: ASGI says both through one channel."""
        self._watch = asyncio.ensure_future(self._wait_until_gone(callback))

    async def _wait_until_gone(self, callback: Callable[[], object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        callback()

    def start(self, status: int, headers: Headers) -> None:
        """See Exchange."""
        self._head = {"type": "http.response.start", "status": status, "headers": headers}

    def write(self, data: bytes) -> None:
        """See Exchange."""
        self._pending.append(data)

    async def drain(self) -> None:
        """See Exchange."""
        await self._flush(more=True)

    async def end(self) -> None:
        """See Exchange."""
        self.close()  # first: a server may say "disconnected" as soon as an answer is whole
        await self._flush(more=False)

    def abort(self) -> None:
        """See Exchange."""
        self.close()

    def close(self) -> None:
        """Stops waiting for the caller to leave."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _flush(self, *, more: bool) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self.started = True
            await self._send(head)
        if self._pending or not more:
            body = b"".join(self._pending)
            self._pending.clear()
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
