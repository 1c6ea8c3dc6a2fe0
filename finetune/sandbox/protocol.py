"""uvicorn's HTTP protocol with one thing added: an application can reset its own connection.

An ASGI application has no way to end a connection other than tidily; a real provider's connections
break in the middle. Only interference.py uses this.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESET = "housestyle.sandbox.reset"
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)
_DRAIN_ROUNDS = 200


class ResettableProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        inner = cast("ASGIApp", self.app)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[RESET] = lambda: reset(transport)
            await inner(scope, receive, send)

        self.app = cast("Any", app)


async def reset(transport: asyncio.Transport) -> None:
    """Lets what was written leave, then answers with a TCP reset instead of an end."""
    for _ in range(_DRAIN_ROUNDS):
        await asyncio.sleep(0.001)
        if not transport.get_write_buffer_size():
            break
    connection: Any = transport.get_extra_info("socket")
    if connection is not None and connection.family != getattr(socket, "AF_UNIX", None):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
    transport.abort()
    await asyncio.sleep(0)
