"""The outermost layer of /v1: takes the body in, writes the call down, puts the provider's headers on.

Knows no endpoint and refuses nothing but a body that is too large. Faults are interference.py's.
"""

from __future__ import annotations

import hashlib
import time

import msgspec
from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finetune.sandbox.calls import Call
from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import CREDENTIALS, Exchange, Sandbox, bearer, hint
from finetune.sandbox.store import new_id
from finetune.sandbox.wire import answer

_FORM_OVERHEAD = 1024 * 1024


class _Peek(Struct):
    """As much of a body as the record wants; a body that does not fit it is recorded without."""

    model: object = None
    stream: object = False


class Journal:
    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1"):
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        headers = Headers(scope=scope)
        exchange = Exchange(new_id("req_"), bearer(headers))
        scope.setdefault("state", {})["exchange"] = exchange

        async def send_signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._sandbox.calls.answered(exchange.request_id, message["status"])
                _sign(MutableHeaders(scope=message), exchange.request_id, time.monotonic() - started)
            await send(message)

        form = headers.get("content-type", "").startswith("multipart/form-data")
        intake = _Intake(receive, self._limit(form))
        if form:
            self._write_down(scope, headers, exchange, b"")
            receive = self._hashing(intake, exchange)
        else:
            try:
                body = await intake.whole()
            except ApiError as refusal:
                self._write_down(scope, headers, exchange, b"")
                await answer(refusal.body, refusal.status, refusal.headers)(scope, receive, send_signed)
                return
            self._write_down(scope, headers, exchange, body)
            receive = _replay(body, receive)
        await self._app(scope, receive, send_signed)

    def _limit(self, form: bool) -> int:
        settings = self._sandbox.settings
        return settings.max_file_bytes + _FORM_OVERHEAD if form else settings.max_body_bytes

    def _hashing(self, intake: _Intake, exchange: Exchange) -> Receive:
        """A form is read by its route, piece by piece; its hash is known when the last piece is."""

        async def receive() -> Message:
            message = await intake.next()
            if message["type"] == "http.request" and not message.get("more_body"):
                self._sandbox.calls.received(exchange.request_id, intake.sha256.hexdigest())
            return message

        return receive

    def _write_down(self, scope: Scope, headers: Headers, exchange: Exchange, body: bytes) -> None:
        try:
            seen = msgspec.json.decode(body, type=_Peek)
        except (msgspec.DecodeError, RecursionError):
            seen = _Peek()
        exchange.model = seen.model if isinstance(seen.model, str) else None
        self._sandbox.calls.arrived(
            Call(
                time=self._sandbox.clock(),
                account_hint=hint(exchange.key) if exchange.key else None,
                method=scope["method"],
                path=scope["path"],
                model=exchange.model,
                status=None,
                stream=seen.stream is True,
                headers={name: value for name, value in headers.items() if name not in CREDENTIALS},
                body_sha256=hashlib.sha256(body).hexdigest() if body else None,
                request_id=exchange.request_id,
                account_id=exchange.account_id,
            )
        )


class _Intake:
    """The request's body as it comes, counted and hashed."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self.sha256 = hashlib.sha256()

    async def next(self) -> Message:
        message = await self._receive()
        piece = message.get("body", b"")
        self._size += len(piece)
        if self._size > self._limit:
            raise ApiError(Refusal.TOO_LARGE, limit=self._limit, headers={"connection": "close"})
        self.sha256.update(piece)
        return message

    async def whole(self) -> bytes:
        pieces: list[bytes] = []
        more = True
        while more:
            message = await self.next()
            pieces.append(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
        return b"".join(pieces)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _sign(headers: MutableHeaders, request_id: str, seconds: float) -> None:
    headers["x-request-id"] = request_id
    headers["openai-processing-ms"] = str(round(seconds * 1000))
    headers["openai-organization"] = "sandbox"
    headers["openai-version"] = "2020-10-01"
