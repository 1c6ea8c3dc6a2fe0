"""A scripted provider on a socket: it keeps what it was sent, byte for byte, and answers what a test tells it to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec


class Received:
    """A request as it came."""

    def __init__(self, head: bytes, body: bytes) -> None:
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.headers = [(name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields)]
        self.body = body

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Peer:
    """The connection that a script answers on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json") -> None:
        """A whole answer with its length."""
        lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}", *headers]
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    async def begin_stream(self, *headers: str) -> None:
        """The head of an event stream, chunked."""
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked", *headers]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """A chunk; an empty one ends the stream."""
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def read(self, most: int) -> bytes:
        """What more comes, at most so much; b"" at the end."""
        return await self._reader.read(most)

    async def gone(self) -> None:
        """Returns when the other side closes."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(4096):
                pass

    async def leave(self) -> None:
        """Closes once all that was sent is on its way: what was said arrives before the end does."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def cut(self) -> None:
        """Breaks the connection."""
        self._writer.transport.abort()


Script = Callable[[Received, Peer], Awaitable[None]]


class Upstream:
    """A running one. `requests` grows as they come, before they are answered."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.url = ""

    @property
    def last(self) -> Received:
        """The last request."""
        return self.requests[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                length = Received(head, b"").header("content-length")
                body = await reader.readexactly(int(length[0])) if length else b""
                self.requests.append(Received(head, body))
                await self.script(self.last, Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def upstream(script: Script) -> AsyncIterator[Upstream]:
    """A scripted provider on a free port."""
    made = Upstream(script)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(made.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    made.url = f"http://{host}:{port}"
    try:
        yield made
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def completion(model: str, text: str = "Whereas.") -> bytes:
    """A chat completion as the API gives it."""
    return msgspec.json.encode(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"},
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        },
    )


async def echo_model(request: Received, peer: Peer) -> None:
    """Answers a completion by the model that was asked for."""
    await peer.answer(completion(msgspec.json.decode(request.body)["model"]))
