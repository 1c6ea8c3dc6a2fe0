"""A request on its way out: whole bytes or a stream, cut into pieces, framed, written as fast as they are taken.

At most two pieces wait to be written; what is behind them is not fetched before. Nothing of answers but that one has
begun, no retries.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial

from msgspec import Struct

from gateway.errors import GatewayError

PIECE = 32 * 1024
_JOINED = 16 * 1024
_AT_ONCE = 256 * 1024  # the kernel takes so much from a body that is here already


class Upload(Struct, frozen=True):
    """A body that is sent as it comes.

    `chunked`: framed here, for a head that says `transfer-encoding: chunked`; otherwise sent as it is, for a head
    that says its length. A source that is a generator is closed when the sending ends, however it ends.
    """

    chunks: AsyncIterator[bytes]
    chunked: bool


async def pieces(body: bytes | Upload) -> AsyncGenerator[list[bytes | memoryview], None]:
    """What to write: at most `PIECE` bytes at a time, with their framing. Raises what the source raises.

    The last chunk of a chunked body is given only after a source that came to its end, so that nobody takes a
    broken one for whole.
    """
    if isinstance(body, bytes):
        for piece in _cut(body):
            yield [piece]
        return
    try:
        async for chunk in body.chunks:
            for piece in _cut(chunk):  # none for an empty chunk, which would end the body
                yield [b"%x\r\n" % len(piece), piece, b"\r\n"] if body.chunked else [piece]
        if body.chunked:
            yield [b"0\r\n\r\n"]
    finally:
        if isinstance(body.chunks, AsyncGenerator):
            await body.chunks.aclose()


def _cut(data: bytes) -> list[memoryview]:
    view = memoryview(data)
    return [view[at : at + PIECE] for at in range(0, len(view), PIECE)]


class Sender:
    """A connection's writing side. A large request is written by a task.

    `ended` is called when that task is done: with None, or with what the source raised, or with GatewayError
    `upstream_timeout`. It is not called after `stop`.
    """

    def __init__(self, transport: asyncio.Transport, ended: Callable[[BaseException | None], None]) -> None:
        transport.set_write_buffer_limits(PIECE, 0)
        self.answered = False  # an upstream that has answered need not take the rest
        self._transport = transport
        self._ended = ended
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None
        self._awaits_source = False
        self._moved_at = 0.0  # when something last came from the source or was written

    @property
    def busy(self) -> bool:
        """Whether something of the request is still to be written."""
        return self._task is not None

    @property
    def idle(self) -> bool:
        """Whether all of it has left this process."""
        return self._task is None and not self._transport.get_write_buffer_size()

    def send(self, head: bytes, body: bytes | Upload, stall: float) -> None:
        """Writes a request. `stall`: the seconds in which an upstream that has not answered must take something."""
        self.answered = False
        if isinstance(body, bytes) and len(body) <= _JOINED:
            self._transport.write(head + body)
        elif isinstance(body, bytes) and len(body) <= _AT_ONCE:
            self._transport.writelines([head, body])
            if not self._room.is_set():  # not all of it was taken: watched until it is
                self._task = asyncio.get_running_loop().create_task(self._run(partial(self._has_room, stall)))
        else:
            self._transport.write(head)
            self._task = asyncio.get_running_loop().create_task(self._run(partial(self._write_all, body, stall)))

    def stop(self) -> None:
        """Ends the task, if there is one, and its source."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def pause(self) -> None:
        """What is written is no longer taken."""
        self._room.clear()

    def resume(self) -> None:
        """What was written has been taken."""
        self._room.set()

    def patience(self, seconds: float) -> float:
        """Of so many seconds that an upstream may be silent, those that are left because a request is being sent.

        All of them while the source is waited for: a slow caller is not the upstream's fault.
        """
        if self._awaits_source:
            return seconds
        return self._moved_at + seconds - asyncio.get_running_loop().time()

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        failure: BaseException | None = None
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, it is for the reader
            failure = error
        self._fetching(False)
        if self._task is not None:  # else it was stopped, and nobody asks
            self._task = None
            self._ended(failure)

    async def _write_all(self, body: bytes | Upload, stall: float) -> None:
        self._fetching(True)
        async with aclosing(pieces(body)) as source:
            async for piece in source:
                self._fetching(False)
                # Two turns of the event loop first: what has arrived is read before a write finds out that the
                # upstream, which has answered early, takes no more, and takes down the socket with what arrived.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                await self._has_room(stall)
                if self._transport.is_closing():
                    return
                self._transport.writelines(piece)
                self._fetching(True)

    def _fetching(self, yes: bool) -> None:
        self._awaits_source = yes
        self._moved_at = asyncio.get_running_loop().time()

    async def _has_room(self, stall: float) -> None:
        while not self._room.is_set():
            before = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(stall):
                    await self._room.wait()
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= before and not self.answered:
                    raise GatewayError("upstream_timeout", "The provider stopped taking the request.") from None
