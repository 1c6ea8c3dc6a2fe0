"""The provider of a rolling update, and its judge: it keeps when each call came, and with which model. Its streams take
their time, some of them longer than a gateway lets open connections be served on after SIGTERM.
"""

import asyncio
import itertools
import time

import msgspec
from msgspec import Struct

from tests.propagation.provider import Arrival
from tests.support.upstream import Peer, Received, completion

_CHUNK_SECONDS = 0.05
_CHUNKS = (4, 40)  # of every other stream: 0.2 s and 2 s


class _Metadata(Struct):
    call: str


class _Body(Struct):
    model: str
    metadata: _Metadata
    stream: bool = False


class Provider:
    """`received`: what arrived, by the call's own name. `answer` is a script for `tests.support.upstream`."""

    def __init__(self) -> None:
        self.received: dict[str, list[Arrival]] = {}
        self._lengths = itertools.cycle(_CHUNKS)

    async def answer(self, request: Received, peer: Peer) -> None:
        """A whole answer, or a stream where one was asked for."""
        body = msgspec.json.decode(request.body, type=_Body)
        credential = "".join(request.header("authorization")).removeprefix("Bearer ")
        arrival = Arrival(time.monotonic_ns(), body.model, credential)
        self.received.setdefault(body.metadata.call, []).append(arrival)
        whole = completion(body.model)
        if not body.stream:
            await peer.answer(whole)
            return
        await peer.begin_stream()
        for _ in range(next(self._lengths)):
            await peer.chunk(b"data: " + whole + b"\n\n")
            await asyncio.sleep(_CHUNK_SECONDS)
        await peer.chunk(b"data: [DONE]\n\n")
        await peer.chunk(b"")
