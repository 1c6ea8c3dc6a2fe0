"""The sandbox on a socket: one uvicorn server, in the foreground or in a thread.

The only place that knows uvicorn's configuration. `cut` faults need the protocol named here.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from finetune.sandbox.app import create_app
from finetune.sandbox.protocol import ResettableProtocol
from finetune.sandbox.values import SandboxSettings

_PATIENCE = 1
"""Seconds that unfinished answers (a stall, say) may hold up a shutdown."""


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self.url = ""
        self.announces = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.listening.set()
        if self.announces:
            print(f"housestyle sandbox listening on {self.url}", flush=True)  # noqa: T201 - the promised line


def _server(settings: SandboxSettings, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            create_app(settings),
            host=host,
            port=port,
            http=ResettableProtocol,
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
    )


def serve(listener: socket.socket, settings: SandboxSettings | None = None) -> None:
    """Runs on a bound socket until interrupted. The one line printed to stdout names its address."""
    server = _server(settings or SandboxSettings(), *listener.getsockname()[:2])
    server.announces = True
    server.run(sockets=[listener])


@contextmanager
def running(settings: SandboxSettings | None = None, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """A sandbox in a thread of this process; gives its base URL, without /v1."""
    server = _server(settings or SandboxSettings(), host, port)

    def run() -> None:
        with suppress(SystemExit):  # uvicorn's word for "could not start"
            asyncio.run(server.serve())

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    while not server.listening.wait(0.05):
        if not thread.is_alive():
            raise RuntimeError(f"the sandbox could not start on {host}:{port}")
    try:
        yield server.url
    finally:
        server.should_exit = True
        thread.join()
