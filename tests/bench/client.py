"""The bench's own client: connections that are kept, each answer timed from its request's writing. For what wrk
cannot do: streams, a constant rate, gateway and upstream by turns. Seconds of CLOCK_MONOTONIC.
"""

import asyncio
import time
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from tests.bench.running import Running

MARK = b'"delta":{"content"'
_SECONDS = 60.0


class Answer:
    """An answer as it comes. `first` is when the first byte of its body came, `ended` when the last did; `reads` how
    often something of it was there to be read."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.first = 0.0
        self.ended = 0.0
        self.status = 0
        self.reads = 0
        self.parts: list[bytes] = []
        self.done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @property
    def chunks(self) -> int:
        """How many of the upstream's chunks it holds."""
        return b"".join(self.parts).count(MARK)


class Connection(asyncio.Protocol):
    """One connection, for one call at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._answer: Answer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass of it

    def ask(self, request: bytes) -> Answer:
        """Sends a whole request."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._answer = answer = Answer()
        self._transport.write(request)
        return answer

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._answer is not None:
            self._answer.reads += 1
            self._parser.feed_data(data)

    def on_status(self, _: bytes) -> None:
        """httptools: the status line has come."""
        assert self._answer is not None
        self._answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        assert self._answer is not None
        if not self._answer.parts:
            self._answer.first = time.monotonic()
        self._answer.parts.append(body)

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        answer = self._answer
        assert answer is not None
        self._answer = None
        answer.ended = time.monotonic()
        if not answer.done.done():
            answer.done.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._answer is not None and not self._answer.done.done():
            self._answer.done.set_exception(exc or ConnectionResetError("it ended inside an answer"))

    def close(self) -> None:
        """Closes, whatever is under way."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()


class Caller:
    """A caller of one gateway, with as many connections as it needs; those that are free are used again."""

    def __init__(self, url: str, key: str, body: bytes) -> None:
        place = urlsplit(url)
        self._place = (str(place.hostname), int(place.port or 80))
        self._request = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._all: list[Connection] = []
        self._free: list[Connection] = []

    @classmethod
    def of(cls, gateway: Running, body: bytes) -> "Caller":
        """A caller of a gateway."""
        return cls(gateway.url, gateway.keys[0], body)

    async def open(self, number: int) -> None:
        """Opens so many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(number):
            _, connection = await loop.create_connection(Connection, *self._place)
            self._all.append(connection)
            self._free.append(connection)

    async def call(self) -> Answer:
        """One whole call."""
        connection = await self._connection()
        answer = await asyncio.wait_for(connection.ask(self._request).done, _SECONDS)
        self._free.append(connection)
        return answer

    async def begin(self) -> Answer:
        """A call that is under way, for good; its connection is not used again."""
        return (await self._connection()).ask(self._request)

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._all:
            connection.close()

    async def _connection(self) -> Connection:
        if not self._free:
            await self.open(1)
        return self._free.pop()
