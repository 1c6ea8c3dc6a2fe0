"""Between exchanges and ASGI 3, both ways: an exchange over any ASGI server, and an ASGI application (the admin API)
behind an exchange. Nothing of tenants or models.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.exchange import CallerGone, Exchange
from gateway.wire.headers import Headers, masked


class AsgiExchange:
    """An Exchange over an ASGI server. Leaving it `abort`ed means returning unfinished."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = raw_path.decode("latin-1")
        self.query: bytes = scope["query_string"]
        self.headers: Headers = list(scope["headers"])
        self.fields = dict(reversed(self.headers))
        self.peer: str | None = (scope.get("client") or (None,))[0]
        self.started = False
        self.gone = False
        self.read_wait = 0
        self._receive = receive
        self._send = send
        self._whole = False  # the body was read to its end
        self._head: dict[str, Any] | None = None
        self._pending: list[bytes] = []
        self._callback: Callable[[], object] | None = None
        self._watch: asyncio.Task[None] | None = None

    def arrived(self) -> bytes | None:
        """See Exchange."""
        return b"" if self._whole else None

    async def read(self) -> bytes:
        """See Exchange."""
        while not self._whole:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise CallerGone
            self._whole = not message.get("more_body", False)
            if self._whole:
                self._watch_if_wanted()
            if body := message.get("body", b""):
                return bytes(body)
        return b""

    def on_gone(self, callback: Callable[[], object]) -> None:
        """See Exchange. While the body is read, `read` says it: ASGI says both through one channel."""
        self._callback = callback
        if self._whole:
            self._watch_if_wanted()

    def _watch_if_wanted(self) -> None:
        if self._callback is not None and self._watch is None:
            self._watch = asyncio.ensure_future(self._wait_until_gone(self._callback))

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
        if data:
            self._pending.append(data)

    def flush(self) -> bool:
        """See Exchange. ASGI sends nothing at once."""
        return False

    async def drain(self) -> None:
        """See Exchange."""
        await self._flush(more=True)

    async def end(self) -> None:
        """See Exchange."""
        self.close()  # first: a server may say "disconnected" as soon as an answer is whole
        await self._flush(more=False)

    def cut(self) -> None:
        """See Exchange. A server that makes us wait has no room: then what was written is not sent."""
        self.close()
        sending = self._flush(more=True)
        with contextlib.suppress(StopIteration, OSError):
            sending.send(None)
        sending.close()

    def abort(self) -> None:
        """See Exchange."""
        self.close()

    def close(self) -> None:
        """Stops waiting for the caller to leave."""
        self._callback = None
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


async def behind(exchange: Exchange, app: ASGIApp) -> None:
    """Has `app` answer the exchange. An application that fails in the middle ends the connection."""
    gone = asyncio.Event()
    exchange.on_gone(gone.set)

    async def receive() -> Message:
        try:
            part = await exchange.read()
        except CallerGone:
            return {"type": "http.disconnect"}
        if part:
            return {"type": "http.request", "body": part, "more_body": True}
        if not state["whole"]:
            state["whole"] = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.start(message["status"], [(name.lower(), value) for name, value in message.get("headers", ())])
        elif message["type"] == "http.response.body":
            exchange.write(message.get("body", b""))
            with contextlib.suppress(CallerGone):  # ASGI: what is sent to nobody is dropped
                await (exchange.drain() if message.get("more_body", False) else exchange.end())
            state["ended"] = not message.get("more_body", False)

    state = {"whole": False, "ended": False}
    try:
        await app(_scope(exchange), receive, send)
    finally:
        if not state["ended"]:
            exchange.abort()


def _scope(exchange: Exchange) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": exchange.method,
        "scheme": "http",
        "path": unquote(exchange.path),
        "raw_path": exchange.path.encode("latin-1"),
        "query_string": exchange.query,
        "root_path": "",
        "headers": masked(exchange.headers),
        "client": (exchange.peer, 0) if exchange.peer else None,
        "server": None,
        "state": {},
    }
