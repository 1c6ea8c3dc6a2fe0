"""Servers in a thread of their own, so that a test may wait for a socket: a handler behind either adapter, or whatever
else is asynchronous."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeVar, cast

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.asgi import AsgiExchange
from gateway.exchange import Exchange
from gateway.http_exchange import Patience
from gateway.protocol import CallerProtocol

Adapter = Literal["http", "asgi"]
Handler = Callable[[Exchange], Coroutine[Any, Any, None]]
T = TypeVar("T")


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class Signal:
    """What a test and a handler in another thread's loop wait for, either for the other."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._futures: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def set(self) -> None:
        """It has come to pass."""
        self._event.set()
        while self._futures:
            loop, future = self._futures.pop()
            loop.call_soon_threadsafe(_resolve, future)

    def wait(self, seconds: float = 10.0) -> bool:
        """For a test: whether it came to pass in time."""
        return self._event.wait(seconds)

    async def reached(self) -> None:
        """For a handler: returns once it has come to pass."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._futures.append((loop, future))
        if not self._event.is_set():
            await future


class Server:
    """A running one."""

    def __init__(self, server: uvicorn.Server, url: str) -> None:
        self._server = server
        self.url = url

    @property
    def connections(self) -> list[Any]:
        """The open ones: protocols of ours or of uvicorn's."""
        return list(self._server.server_state.connections)

    @property
    def requests(self) -> int:
        """How many were answered whole."""
        return self._server.server_state.total_requests

    def stop(self) -> None:
        """Says the word that SIGTERM does."""
        self._server.should_exit = True


@contextlib.contextmanager
def serving(handler: Handler, adapter: Adapter = "http", patience: Patience | None = None) -> Iterator[Server]:
    """`handler` behind an adapter: our own protocol, or ASGI under uvicorn's."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = AsgiExchange(scope, receive, send)
        try:
            await handler(exchange)
        finally:
            exchange.close()

    def connection(server_state: ServerState, **_: object) -> asyncio.Protocol:
        return CallerProtocol(handler, server_state, patience or Patience())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=cast("type[asyncio.Protocol]", connection) if adapter == "http" else "httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],), name="server")
        thread.start()
        try:
            yield Server(server, url)
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def in_thread(made: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What an asynchronous context manager gives, its loop in a thread until the block ends."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def live(context: AbstractAsyncContextManager[T]) -> None:
        box["loop"], box["leave"] = asyncio.get_running_loop(), asyncio.Event()
        async with context as value:
            box["value"] = value
            ready.set()
            await box["leave"].wait()

    thread = threading.Thread(target=asyncio.run, args=(live(made),), name="loop")
    thread.start()
    assert ready.wait(10)
    try:
        yield box["value"]
    finally:
        box["loop"].call_soon_threadsafe(box["leave"].set)
        thread.join()
