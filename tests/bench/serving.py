"""The HTTP/1.1 server under the bench's own upstream and sink: as thin as Python allows, since it shares a core with
the load. What is answered is decided by its handlers.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, cast

import httptools
import uvloop

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Connection(asyncio.Protocol):
    """A connection; `handle` is called with it for each whole request."""

    transport: asyncio.Transport

    def __init__(self, handle: Callable[["Connection"], None]) -> None:
        self._handle = handle
        self._parser = httptools.HttpRequestParser(self)
        self._parts: list[bytes] = []
        self.path = b""
        self.authorization = b""
        self.encoding = b""
        self.body = b""
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass of it

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """See asyncio.Protocol."""
        self.closed = True

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._parts.clear()
        self.authorization = self.encoding = b""

    def on_url(self, url: bytes) -> None:
        """httptools: its path."""
        self.path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one of its headers."""
        lowered = name.lower()
        if lowered == b"authorization":
            self.authorization = value
        elif lowered == b"content-encoding":
            self.encoding = value

    def on_body(self, body: bytes) -> None:
        """httptools: a part of its body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """httptools: it is whole."""
        self.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._handle(self)

    def answer(self, body: bytes) -> None:
        """Answers 200."""
        self.transport.write(OK % (len(body), body))


def serve(handle: Callable[[Connection], None], *more: Any) -> None:
    """Serves on a free port, and on one more for each TLS context of `more`; prints the ports, and ends with its
    standard input."""
    uvloop.run(_serve(handle, [None, *more]))


async def _serve(handle: Callable[[Connection], None], contexts: list[Any]) -> None:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Connection(handle), "127.0.0.1", 0, ssl=context, backlog=4096)
        for context in contexts
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)  # noqa: T201 - its output
    parent = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(parent), sys.stdin)
    await parent.read()  # ends with whoever started it
