"""A replica that is far from Redis: all that Redis says reaches it late. What it does not notice must be waited for.

On one machine a change is everywhere within a millisecond or two, sooner than any call could come after the answer: a
gateway that waits for nobody would look as if it did.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

LATE_SECONDS = 0.04
_CHUNK = 1 << 16


@contextlib.asynccontextmanager
async def far_from(redis: str, socket: Path) -> AsyncIterator[str]:
    """The URL by which `redis`, a `unix://` URL, is far away."""
    near = redis.removeprefix("unix://")
    connections: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            said, asked = await asyncio.open_unix_connection(near)
            with contextlib.closing(writer), contextlib.closing(asked):
                ways = (_forward(reader, asked, 0), _forward(said, writer, LATE_SECONDS))
                either = [asyncio.create_task(way) for way in ways]
                try:
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in either:
                        way.cancel()
                    await asyncio.gather(*either, return_exceptions=True)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(connection(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_unix_server(accept, socket)
    try:
        yield f"unix://{socket}"
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: float) -> None:
    """Everything, each part so late, until the one side closes."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            if late:
                await asyncio.sleep(late)
            writer.write(data)
            await writer.drain()
