"""Makes ordered faults happen, between the journal and the routes, which know nothing of it.

Which request gets which fault is decided in faults.py. A reset needs the transport, which protocol.py
puts within reach; under another server's protocol `cut` ends the connection as best that server can.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import Sandbox, exchange_in
from finetune.sandbox.faults import (
    Arrival,
    Broken,
    Cut,
    ErrorAfter,
    ErrorBefore,
    Fault,
    RateLimit,
    RefuseModel,
    ReportedStatus,
    SlowFirstByte,
    Stall,
    TimeoutAfter,
)
from finetune.sandbox.protocol import RESET
from finetune.sandbox.wire import answer

_MODELS = "/v1/models/"
Ending = Callable[[], Awaitable[None]]


class Interference:
    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._ordered(scope)
        refusal = _refusal(fault)
        if refusal is not None:
            await _drain(scope, receive)
            await _answer(refusal, scope, receive, send)
            return
        match fault:
            case ErrorAfter():
                await self._app(scope, receive, _nowhere)
                await _answer(ApiError(Refusal.SERVER_ERROR), scope, receive, send)
            case TimeoutAfter():
                await self._app(scope, receive, _nowhere)
                await _until_gone(receive)
            case SlowFirstByte(seconds=seconds):
                await self._app(scope, receive, _delayed(send, seconds))
            case Stall():
                await self._app(scope, receive, _broken(send, fault, lambda: _until_gone(receive)))
            case Cut():
                await self._app(scope, receive, _broken(send, fault, lambda: _reset(scope)))
            case ReportedStatus(status=status):
                exchange_in(scope).reported_status = status
                await self._app(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    def _ordered(self, scope: Scope) -> Fault | None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith("/v1"):
            return None
        exchange = exchange_in(scope)
        named = unquote(path.removeprefix(_MODELS)) if path.startswith(_MODELS) else None
        arrival = Arrival(
            method=scope["method"],
            path=path,
            account_id=exchange.account_id,
            model=exchange.model or named,
        )
        return self._sandbox.faults.take(arrival, self._sandbox.clock())


def _refusal(fault: Fault | None) -> ApiError | None:
    """The answer of a fault that keeps the request from the routes."""
    match fault:
        case RateLimit(retry_after=seconds):
            headers = {"retry-after": str(math.ceil(seconds))}
            return ApiError(Refusal.RATE_LIMIT, seconds=seconds, headers=headers)
        case ErrorBefore():
            return ApiError(Refusal.SERVER_ERROR)
        case RefuseModel(model=model):
            return ApiError(Refusal.MODEL_NOT_FOUND, model=model)
        case _:
            return None


async def _answer(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    await answer(error.body, error.status, error.headers)(scope, receive, send)


async def _drain(scope: Scope, receive: Receive) -> None:
    """Reads a form that no route will; answering in the middle of an upload would break the connection."""
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    if types and types[0].startswith(b"multipart/"):
        while (await receive()).get("more_body"):
            pass


async def _nowhere(message: Message) -> None:
    """Takes the answer and gives it to nobody."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(scope: Scope) -> None:
    reset = (scope.get("extensions") or {}).get(RESET)
    if reset is None:
        raise ConnectionAbortedError("ordered fault: cut")
    await reset()


def _delayed(send: Send, seconds: float) -> Send:
    async def delayed(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(seconds)
        await send(message)

    return delayed


def _broken(send: Send, fault: Broken, end: Ending) -> Send:
    """Passes on what the fault lets through, ends the connection its way, then swallows the rest."""
    chunks, room, over = fault.after_chunks, fault.after_bytes, False

    async def broken(message: Message) -> None:
        nonlocal chunks, room, over
        if over:
            return
        if message["type"] == "http.response.start":
            await send(message)
            over = room == 0 if room is not None else chunks == 0
        else:
            body = message.get("body", b"")
            if room is not None:
                body, room = body[:room], room - len(body[:room])
            chunks -= 1
            await send({"type": "http.response.body", "body": body, "more_body": True})
            over = room == 0 if room is not None else chunks <= 0
            over = over or not message.get("more_body")
        if over:
            await end()

    return broken
