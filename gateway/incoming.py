"""What comes from the caller: a rewritten call's body, whole and decoded; a relayed one's, part by part, at constant
memory, its model looked at in passing. No decisions: what was seen is handed to whoever decides.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from gateway.errors import GatewayError
from gateway.exchange import Exchange
from gateway.upstream.upload import Upload
from gateway.wire import headers as wire_headers
from gateway.wire.encoding import Decoder
from gateway.wire.scan import Scanner
from gateway.wire.scan_form import is_utf_8

# Of a relayed body, so much is waited for until it has named its model.
_FIRST = 64 * 1024
# A rewritten body that takes longer is held back on purpose.
_WHOLE_SECONDS = 300.0
_JSON = b"application/json"

Fields = dict[str, list[str]]


async def whole(exchange: Exchange, limit: int) -> bytes:
    """A rewritten call's body, its content coding undone; both before and after that at most `limit` bytes.

    Raises GatewayError `request_too_large`, `request_timeout`, `invalid_json` (a coding or a charset that is not
    served), and what `Exchange.read` raises.
    """
    fields = exchange.fields
    single = len(fields) == len(exchange.headers)  # else what is said twice is joined
    if not single or fields.get(b"content-type", _JSON) != _JSON:
        _check_charset(exchange.headers)
    coding = wire_headers.joined(exchange.headers, b"content-encoding") if b"content-encoding" in fields else None
    arrived = exchange.arrived() if coding is None else None
    if arrived is None:
        return await _read(exchange, coding, limit)
    if len(arrived) > limit:
        raise GatewayError("request_too_large")
    return arrived


def _check_charset(headers: wire_headers.Headers) -> None:
    if not is_utf_8(wire_headers.joined(headers, b"content-type") or b""):
        raise GatewayError("invalid_json", "The request body must be UTF-8.")


async def _read(exchange: Exchange, coding: bytes | None, limit: int) -> bytes:
    decoder = Decoder(coding) if coding is not None else None
    if (wire_headers.content_length(exchange.headers) or 0) > limit:
        raise GatewayError("request_too_large")
    parts: list[bytes] = []
    received = 0
    try:
        async with asyncio.timeout(_WHOLE_SECONDS):
            while chunk := await _next(exchange):
                received += len(chunk)
                if received > limit:
                    raise GatewayError("request_too_large")
                parts.extend(decoder.feed(chunk, limit) if decoder else (chunk,))
    except TimeoutError:
        raise GatewayError("request_timeout") from None
    if decoder:
        decoder.close()
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _next(exchange: Exchange) -> bytes:
    """The next part; how long it was waited for is kept."""
    begun = time.perf_counter_ns()
    try:
        return await exchange.read()
    finally:
        exchange.read_wait += time.perf_counter_ns() - begun


class Relayed:
    """A body that goes on as it comes. `begin` reads its first part; `fields` is what it has named so far."""

    def __init__(self, exchange: Exchange) -> None:
        content_type = wire_headers.joined(exchange.headers, b"content-type")
        coding = wire_headers.joined(exchange.headers, b"content-encoding")
        self._exchange = exchange
        self._scanner = Scanner(content_type, coding)
        self._first: list[bytes] = []
        self._whole = False
        self.length = wire_headers.content_length(exchange.headers)

    @property
    def fields(self) -> Fields:
        """Every value of the fields `model` and `purpose` that was seen so far."""
        return self._scanner.fields

    @property
    def model(self) -> str | None:
        """The model that the body names first."""
        return next(iter(self.fields.get("model", ())), None)

    async def begin(self) -> None:
        """Reads until the model is named, or enough was read without it. What is short is read to its end, so that it
        can be sent a second time."""
        size = 0
        short = self.length is not None and self.length <= _FIRST
        while size < _FIRST and (short or self.model is None):
            chunk = await _next(self._exchange)
            if not chunk:
                self._scanner.close()
                self._whole = True
                return
            await self._scan(chunk)
            self._first.append(chunk)
            size += len(chunk)

    async def _scan(self, chunk: bytes) -> None:
        for number, _ in enumerate(self._scanner.steps(chunk)):
            if number % 4 == 3:
                await asyncio.sleep(0)  # what a chunk may decode to must not keep the others waiting

    def body(self, check: Callable[[Fields], None]) -> bytes | Upload:
        """What goes upstream. `check` raises where a later part names what may not be: then the upstream does not get
        that part, nor the request's end."""
        if self._whole:
            return b"".join(self._first)
        return Upload(self._parts(check), self.length is None)

    async def _parts(self, check: Callable[[Fields], None]) -> AsyncIterator[bytes]:
        for first in self._first:
            yield first
        self._first.clear()
        while chunk := await self._exchange.read():
            await self._scan(chunk)
            check(self.fields)
            yield chunk
        self._scanner.close()
        check(self.fields)
