"""A provider made of a script: raw bytes both ways on a real socket, one coroutine for each connection."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from gateway.upstream.addresses import Origin

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection, as the server sees it. `number` counts from 0; `requests` are the heads that were read."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.requests: list[bytes] = []
        self.ended = asyncio.Event()  # its script came to its end
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request's head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        return head + await self.reader.readexactly(int(length))

    async def say(self, *parts: bytes) -> None:
        """Sends each part, one after the other."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def answer(self, body: bytes) -> None:
        """A whole answer that leaves the connection open."""
        await self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def gone(self) -> None:
        """Returns when the client closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """Closes with whatever was written dropped."""
        self.writer.transport.abort()


class Server:
    """Where it listens, and who came."""

    def __init__(self, port: int, *, tls: bool) -> None:
        self.port = port
        self.origin = Origin("https" if tls else "http", "localhost" if tls else "127.0.0.1", port)
        self.peers: list[Peer] = []


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """The server; at the end every connection is closed, and a script that failed fails the test."""
    tasks: list[asyncio.Task[None]] = []

    async def one(peer: Peer) -> None:
        try:
            await script(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            peer.ended.set()
            peer.writer.close()
            with contextlib.suppress(OSError):
                await peer.writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(len(server.peers), reader, writer)
        server.peers.append(peer)
        tasks.append(asyncio.ensure_future(one(peer)))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server = Server(listener.sockets[0].getsockname()[1], tls=tls is not None)
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        ended: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
    failed = [end for end in ended if isinstance(end, Exception)]
    assert not failed, failed


async def turns(count: int = 50) -> None:
    """Lets the event loop go round, so that what can happen without anybody's doing has happened."""
    for _ in range(count):
        await asyncio.sleep(0)


async def standstill(progress: Callable[[], int]) -> int:
    """Goes round until `progress` no longer changes; both ends live in this loop, so nobody else can move it."""
    before, still = progress(), 0
    while still < 500:
        await asyncio.sleep(0)
        now = progress()
        still = still + 1 if now == before else 0
        before = now
    return before
