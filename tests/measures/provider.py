"""The provider of the measures, a process of its own: `python -m tests.measures.provider` says its port and serves.

What it does with a call is what the call's `x-measure` says; what it saw is asked for under `/control`. Times are of
CLOCK_MONOTONIC, in nanoseconds, which all processes of a machine share.
"""

import asyncio
import contextlib
import json
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

EVENT = b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
_BLOCK = b"".join(EVENT % (b"clause %06d " % number * 8) for number in range(80))
_PLAIN = bytes(range(256)) * 64
_SLOW_SIZE = 10_000_000
_SMALL = 32 * 1024
_DIES = 0.05  # of the requests on a connection that was used before


class Seen:
    """What has come so far."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.ended: dict[str, int] = {}
        self.sent = 0
        self.slow = 0  # answers under way
        self.requests = 0
        self.died = 0
        self.mismatches: list[str] = []


Headers = dict[str, str]


class Call:
    """One request on a connection; `number` counts those before it."""

    def __init__(
        self, headers: Headers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen, number: int
    ) -> None:
        self.headers = headers
        self.number = number
        self.seen = seen
        self._reader = reader
        self._writer = writer

    async def body(self) -> bytes:
        """The body, where its length is told."""
        return await self._reader.readexactly(int(self.headers.get("content-length", "0")))

    async def count(self) -> int:
        """The length of a body, which is thrown away as it comes."""
        left = int(self.headers["content-length"])
        size = 0
        while size < left:
            size += len(await self._reader.read(min(left - size, 1 << 18)))
        return size

    async def send(self, data: bytes) -> None:
        """Writes, and waits where the gateway takes no more."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, body: bytes, kind: str = "application/json") -> None:
        """A whole answer."""
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)

    async def begin_events(self) -> None:
        """The head of an event stream."""
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """Part of it; b"" ends it."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def gone(self) -> None:
        """Returns when the gateway closes."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(4096):
                pass

    def small(self) -> None:
        """Lets the kernel hold little of what is sent here, so that what it holds is the gateway's."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL)

    def die(self) -> None:
        """Ends the connection without a word."""
        self._writer.transport.abort()


async def _leave(call: Call) -> bool:
    """Answers nothing, or the beginning of a stream, and says when its caller was gone."""
    name = call.headers["x-id"]
    body = json.loads(await call.body())
    if body.get("stream"):
        await call.begin_events()
        await call.chunk(EVENT % b"Hi")
    call.seen.waiting.add(name)
    await call.gone()
    call.seen.ended[name] = time.monotonic_ns()
    return False


async def _slow(call: Call) -> bool:
    """10 MB as fast as they are taken: events where a stream is asked for, else bytes."""
    streamed = json.loads(await call.body()).get("stream")
    call.small()
    call.seen.slow += 1
    try:
        await _send_slowly(call, streamed=streamed)
    finally:
        call.seen.slow -= 1
    return False


async def _send_slowly(call: Call, *, streamed: bool) -> None:
    block = b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK) if streamed else _PLAIN
    if streamed:
        await call.begin_events()
    else:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncontent-length: %d\r\n\r\n" % _SLOW_SIZE)
    for _ in range(_SLOW_SIZE // len(block)):
        await call.send(block)
        call.seen.sent += len(block)


async def _mixed(call: Call) -> bool:
    """Looks whether credential and model are those of the tenant that the body names, and names them in its answer."""
    body = json.loads(await call.body())
    tenant, expected = body["user"], body["metadata"]["expected"]
    call.seen.requests += 1
    given = (call.headers.get("authorization"), body["model"])
    if given != (f"Bearer sk-{tenant}", expected):
        call.seen.mismatches.append(f"{tenant}: {given}, not {expected}")
    if call.number and random.random() < _DIES:  # noqa: S311 - no secret
        call.seen.died += 1
        call.die()
        return False
    told = json.dumps({"id": tenant, "model": body["model"], "choices": [], "usage": {"prompt_tokens": 1}}).encode()
    if not body.get("stream"):
        await call.answer(told)
        return True
    await call.begin_events()
    for _ in range(3):
        await call.chunk(
            b"data: " + json.dumps({"id": tenant, "model": body["model"], "choices": [{}]}).encode() + b"\n\n"
        )
    await call.chunk(b"data: " + told + b"\n\ndata: [DONE]\n\n")
    await call.chunk(b"")
    return True


async def _upload(call: Call) -> bool:
    await call.answer(b"%d" % await call.count(), "text/plain")
    return True


async def _download(call: Call) -> bool:
    await call.body()
    size = int(call.headers["x-size"])
    part = _PLAIN * 64
    await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncontent-length: %d\r\n\r\n" % size)
    for start in range(0, size, len(part)):
        await call.send(part[: size - start])
    return True


async def _control(call: Call) -> bool:
    seen = call.seen
    told: dict[str, Any] = {
        "waiting": len(seen.waiting),
        "ended": seen.ended,
        "sent": seen.sent,
        "slow": seen.slow,
        "requests": seen.requests,
        "died": seen.died,
        "mismatches": seen.mismatches[:5],
        "mismatched": len(seen.mismatches),
    }
    await call.answer(json.dumps(told).encode())
    return True


_SCRIPTS: dict[str, Callable[[Call], Awaitable[bool]]] = {
    "leave": _leave,
    "slow": _slow,
    "mixed": _mixed,
    "upload": _upload,
    "download": _download,
    "control": _control,
}


async def _serve(seen: Seen) -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while True:
                _, *fields = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
                if not await _SCRIPTS[headers["x-measure"]](Call(headers, reader, writer, seen, number)):
                    break
                number += 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # cancelled: the measure is over
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - its output
    parent = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(parent), sys.stdin)
    await parent.read()  # ends with whoever started it
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve(Seen()))
