"""A provider made of a script: raw bytes both ways on a real socket, one coroutine for each connection."""

import asyncio
import contextlib
import fcntl
import socket
import ssl
import struct
import sys
import termios
import threading
import time
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

    async def arrived(self) -> None:
        """Returns when all that was said is in the other side's kernel: a reset drops what is not."""
        sock = self.writer.get_extra_info("socket")
        async with asyncio.timeout(10):
            while self.writer.transport.get_write_buffer_size() or unacknowledged(sock.fileno()):  # noqa: ASYNC110
                await asyncio.sleep(0)  # the kernel has no event for it

    def reset(self) -> None:
        """Closes with whatever was written dropped."""
        self.writer.transport.abort()


class Server:
    """Where it listens, and who came."""

    def __init__(self, port: int, *, tls: bool, unix: str = "") -> None:
        self.port = port
        self.origin = Origin("https" if tls else "http", "localhost" if tls else "127.0.0.1", port, unix)
        self.peers: list[Peer] = []


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None, unix: str = "") -> AsyncIterator[Server]:
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

    if unix:
        listener = await asyncio.start_unix_server(accept, unix, ssl=tls)
        server = Server(80, tls=tls is not None, unix=unix)
    else:
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


class Elsewhere:
    """A provider in a thread of its own, for what it does while this loop is held: one connection, one script.

    `origin` is where it listens; `done` is set when the script has ended and its connection with it.
    """

    def __init__(self, script: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.origin = Origin("https" if tls else "http", "localhost" if tls else "127.0.0.1", port)
        self.done = threading.Event()
        self._script = script
        self._tls = tls
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        plain, _ = self._listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a reset drops what waits behind TLS tickets
        connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        try:
            self._script(connection)
        finally:
            connection.close()
            self.done.set()

    def __enter__(self) -> "Elsewhere":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()


def unacknowledged(descriptor: int) -> int:
    """The bytes that a socket has sent and the other side's kernel does not have yet."""
    return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def reset_at_close(connection: socket.socket) -> None:
    """From now on, closing is a reset, of a connection whose every byte has arrived."""
    deadline = time.monotonic() + 10
    while unacknowledged(connection.fileno()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


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
