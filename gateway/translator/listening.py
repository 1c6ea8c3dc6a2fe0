"""How the translator is served: on a Unix socket for the gateway that started it, or on a network, with TLS whose
certificate may change meanwhile, until SIGTERM and then to the end of what is under way. Who may call is in `door.py`.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from asyncio import TimerHandle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.translator.saying import say

# By this header the gateway knows that it is a translator that answers, and nothing else that listens there.
MARK = ("x-housestyle-translator", "1")
_KEEP_ALIVE_SECONDS = 75  # longer than the gateway keeps a connection
_HEAD_SECONDS = 10.0
_MAX_HEAD = 512 * 1024  # a service account's key is in it
_LOOK_SECONDS = 10.0
_ACCEPT_SECONDS = 0.05


class Certificate:
    """The server's side of TLS, from two files (PEM); `renew` takes over what they hold now. Raises OSError."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._files = (chain, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.load_cert_chain(chain, key)
        self._seen = self._stamp()

    def renew(self) -> bool:
        """Whether there was something new. New connections have it. Raises OSError; then the old one stays."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)  # half-written files change nothing
        self.context.load_cert_chain(*self._files)
        self._seen = stamp
        return True

    def _stamp(self) -> list[tuple[int, int]]:
        return [(found.st_mtime_ns, found.st_ino) for found in map(os.stat, self._files)]

    async def watch(self) -> None:
        """Looks now and then, until it is cancelled."""
        failed = ""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if self.renew():
                    say("translator_certificate_renewed", "info")
                failed = ""
            except OSError as error:  # ssl.SSLError is one
                if failed != str(error):
                    say("translator_certificate_not_renewed", "error", cause=str(error))
                failed = str(error)


class Bounded(HttpToolsProtocol):
    """A connection of anybody's: the head of a request must come soon and be no longer than one may be."""

    _timer: TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Any) -> None:
        """Called by asyncio."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._timer is not None:
            self._head += len(data)
            if self._head > _MAX_HEAD:
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        if self._timer is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._stop()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._head = 0
        self._timer = self.loop.call_later(_HEAD_SECONDS, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(_ACCEPT_SECONDS)  # who is in the queue to be accepted is no longer turned away
        await super().shutdown(sockets)


async def serve(
    app: Any,
    listener: socket.socket,
    *,
    grace: int,
    certificate: Certificate | None = None,
    ready: Callable[[], object] = bool,
) -> None:
    """Serves until a signal to end comes; then calls under way may take `grace` seconds. `ready` is called once."""
    context = certificate.context if certificate is not None else None
    config = uvicorn.Config(
        app,
        loop="asyncio",  # uvloop connects without telling Python, and so past the guard
        http="httptools" if listener.family == socket.AF_UNIX else Bounded,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        headers=[MARK],
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace,
        ssl_context_factory=(lambda *_: context) if context is not None else None,
    )
    watching = asyncio.create_task(certificate.watch()) if certificate is not None else None
    try:
        await _Server(config, ready).serve(sockets=[listener])
    finally:
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
