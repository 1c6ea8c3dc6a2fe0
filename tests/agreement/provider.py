"""The provider: it does what a call's `x-act` says, refuses the models that it is told to refuse, and writes down what
it received and answered. Its word is what everything else is compared with."""

import asyncio
from collections import defaultdict
from typing import Any

import msgspec

from tests.agreement import answers
from tests.agreement.values import Received
from tests.support.upstream import Peer
from tests.support.upstream import Received as Request

_CUT_AFTER = 2  # events


class Provider:
    """A script for `tests.support.upstream`. `received` holds each call's requests, in their order."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.received: defaultdict[int, list[Received]] = defaultdict(list)
        self._arrived: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    async def arrived(self, number: int) -> None:
        """Returns once a request of the call is here."""
        await self._arrived[number].wait()

    async def answer(self, request: Request, peer: Peer) -> None:
        """One request."""
        if request.method == "GET":
            await self._show(request, peer)
            return
        asked: dict[str, Any] = msgspec.json.decode(request.body)
        [act] = request.header("x-act")
        received = _received(request, asked)
        self.received[received.number].append(received)
        self._arrived[received.number].set()
        if act == "hold":
            await self._held(received, peer)
        elif received.model in self.refused and not act.startswith("hold"):
            await self._fail(received, peer, 404)
        elif act in ("garbage", "hang up"):
            await peer.send(answers.TEXT.encode() + b"\r\n\r\n" if act == "garbage" else b"")
            await peer.leave()
        elif act in ("500", "429"):
            await self._fail(received, peer, int(act))
        elif received.stream:
            await self._stream(received, peer, act, asked)
        else:
            body, told = answers.whole(received.path, str(received.model), received.number)
            received.status, received.told, received.body, received.end = 200, told, True, "whole"
            await peer.answer(body)

    async def _show(self, request: Request, peer: Peer) -> None:
        """A model that an import asks for."""
        await peer.answer(msgspec.json.encode({"id": request.target.rpartition("/")[2], "object": "model"}))

    async def _held(self, received: Received, peer: Peer) -> None:
        received.end = "gone"
        await peer.gone()

    async def _fail(self, received: Received, peer: Peer, status: int) -> None:
        received.status, received.body, received.end = status, True, "refused" if status == 404 else "whole"
        await peer.answer(answers.failure(status), f"{status} Failed")

    async def _stream(self, received: Received, peer: Peer, act: str, asked: dict[str, Any]) -> None:
        usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        events = answers.events(received.path, str(received.model), received.number, usage=usage)
        received.status, received.events = 200, True
        await peer.begin_stream()
        for at, (event, told) in enumerate(events):
            if act in ("cut", "torn") and at == _CUT_AFTER:
                received.end = "cut"
                if act == "torn":
                    await peer.chunk(event[: len(event) // 2])
                await peer.leave()
                return
            received.told, received.body = told, True
            await peer.chunk(event)
            if act == "hold in stream":
                await self._held(received, peer)
                return
        received.end = "whole"
        await peer.chunk(b"")


def _received(request: Request, asked: dict[str, Any]) -> Received:
    [credential] = request.header("authorization")
    [number] = request.header("x-number")
    [traceparent] = request.header("traceparent")
    _, trace_id, span_id, flags = traceparent.split("-")
    return Received(
        number=int(number),
        credential=credential.removeprefix("Bearer "),
        path=request.target.removeprefix("/v1/"),
        model=asked.get("model"),
        trace_id=trace_id,
        span_id=span_id,
        flags=flags,
        tracestate=next(iter(request.header("tracestate")), None),
        stream=asked.get("stream") is True,
    )
