"""The translator's HTTP side, plain ASGI: one route, and an eye on whether the gateway is still there. Nothing here
knows providers.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import msgspec

from gateway.translator import answers, asked
from gateway.translator.answers import Error
from gateway.translator.asgi import Message, Receive, Send
from gateway.translator.asked import Asked, Refused
from gateway.translator.backend import Failed

_JSON = (b"content-type", b"application/json")
_EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


class Asks(Protocol):
    """What is behind the server; see backend.Backend."""

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """The whole answer. Raises Failed."""

    def stream(self, asked: Asked) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Its chunks. Raises Failed."""


class CutOff(Exception):
    """Raised to the server so that it closes the connection in the middle of an answer, which nothing else says."""


class Server:
    """The ASGI application."""

    def __init__(self, backend: Asks) -> None:
        self._backend = backend

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request. The call to the provider ends with it, or with the gateway's connection."""
        if scope["type"] != "http":
            return
        if (scope["method"], scope["path"]) != ("POST", "/v1/chat/completions"):
            await _answer(send, Error(404, "not_found", "There is nothing here."))
            return
        body = await _body(receive)
        if body is None:
            return
        call = asyncio.ensure_future(self._call(scope, body, send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({call, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (call, gone):
                task.cancel()
            await asyncio.wait({call, gone})
        if not call.cancelled() and (failed := call.exception()) is not None:
            raise failed

    async def _call(self, scope: Message, body: bytes, send: Send) -> None:
        try:
            wanted = asked.read(scope["headers"], body)
            if wanted.stream:
                await self._stream(wanted, send)
            else:
                await _whole(send, 200, [_JSON], msgspec.json.encode(await self._backend.answer(wanted)))
        except Refused as refused:
            await _answer(send, Error(refused.status, refused.code, refused.message, refused.param))
        except Failed as failed:
            await _answer(send, failed.error)

    async def _stream(self, wanted: Asked, send: Send) -> None:
        """Nothing is answered before the first chunk, so that a refusal has its status; raises Failed until then."""
        begun = False
        try:
            async with contextlib.aclosing(self._backend.stream(wanted)) as stream:
                async for chunks in stream:
                    if not begun:
                        await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
                        begun = True
                    events = b"".join(answers.event(chunk) for chunk in chunks)
                    await send({"type": "http.response.body", "body": events, "more_body": True})
        except Failed:
            if begun:
                raise CutOff from None
            raise
        if not begun:
            raise Failed(Error(502, "upstream_protocol_error", "The provider's answer was empty."))
        await send({"type": "http.response.body", "body": answers.DONE})


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None where the gateway left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, error: Error) -> None:
    await _whole(send, error.status, [_JSON, *error.headers], error.body())


async def _whole(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
