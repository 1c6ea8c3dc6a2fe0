"""A caller's connection, fed with any bytes: what it hands on, what it answers, and that it never stops to do either.

The same bytes in one piece or in many must give the same requests, and those must be the ones that h11 reads. The
transport here keeps what is written; there is no socket, since a million of them would cost hours.
"""

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from uvicorn.server import ServerState

from gateway.errors import GatewayError
from gateway.exchange import CallerGone
from gateway.http_exchange import HttpExchange, Patience
from gateway.protocol import CallerProtocol
from tests.fuzz.cutting import pieces
from tests.fuzz.references import LONG_SIZE, Request, lowered, requests_of

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REFUSALS = (400, 413, 431)
_IDLE_TURNS = 4  # of the loop, after which nothing that the input has set off is under way
_MAX_TURNS = 1000
_PATIENCE = Patience(head=3600.0, body=3600.0, write=3600.0, idle=3600.0)


class Outcome(NamedTuple):
    """What became of a connection: the whole requests that were handed on, the status of every answer, and whether the
    gateway ended it."""

    requests: tuple[Request, ...]
    statuses: tuple[int, ...]
    ended: bool


class _Transport(asyncio.Transport):
    """Keeps what is written, and says that the connection is lost once it was closed."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.written = bytearray()
        self.paused = False
        self.half_closed = False
        self._protocol = protocol
        self._closing = False

    def write(self, data: Any) -> None:
        assert not self.half_closed
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()


class _Recorder:
    """The handler: reads a request to its end and answers it with nothing in it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.failures: list[BaseException] = []
        self.moves = 0

    async def handle(self, exchange: HttpExchange) -> None:
        try:
            await self._serve(exchange)
        except CallerGone:
            exchange.abort()
        except BaseException as error:  # told when all is over: a task's exception would be lost
            self.failures.append(error)
            raise
        finally:
            self.moves += 1

    async def _serve(self, exchange: HttpExchange) -> None:
        body = bytearray()
        status = 200
        try:
            while part := await exchange.read():
                body += part
                self.moves += 1
        except GatewayError as error:
            assert error.code in ("malformed_request", "request_too_large", "headers_too_large"), error.code
            status = error.kind.status
        else:
            target = exchange.path.encode("latin-1") + b"?" + exchange.query
            headers = tuple((name, lowered(name, value)) for name, value in exchange.headers)
            self.requests.append(Request(exchange.method.encode(), target, headers, bytes(body)))
        exchange.start(status, [(b"content-length", b"0")])
        await exchange.end()


def caller(data: bytes) -> None:
    """Any bytes from a caller: no exception, the same requests and answers however they are cut, and no request but
    those that h11 reads."""
    loop = _loop()
    whole = loop.run_until_complete(_fed([data]))
    assert whole == loop.run_until_complete(_fed(pieces(data)))
    found, end = requests_of(data)
    expected = tuple(_normalised(request) for request in found)
    many = min(len(expected), len(whole.requests))
    assert whole.requests[:many] == expected[:many]
    if len(whole.requests) > many and LONG_SIZE.search(data) is None:  # h11 keeps no connection of HTTP/1.0 open
        assert end == "closed", end
        assert b"HTTP/1.0" in data


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def close() -> None:
    """Ends the loop that the inputs were run on."""
    _loop().close()
    _loop.cache_clear()


async def _fed(parts: Iterable[bytes]) -> Outcome:
    recorder, state = _Recorder(), ServerState()
    protocol = CallerProtocol(recorder.handle, state, _PATIENCE)
    transport = _Transport(protocol)
    protocol.connection_made(transport)
    for part in parts:
        protocol.data_received(part)
        await _settled(recorder, transport)
        if transport.is_closing():
            break
        assert not transport.paused  # every body is read, every request answered
    ended = transport.is_closing() or transport.half_closed
    statuses = _statuses(bytes(transport.written).replace(_CONTINUE, b""))
    transport.close()
    await _settled(recorder, transport)
    assert not recorder.failures, recorder.failures
    assert not state.tasks
    assert not state.connections
    _check_answers(recorder, statuses, ended=ended)
    return Outcome(tuple(recorder.requests), statuses, ended)


def _check_answers(recorder: _Recorder, statuses: tuple[int, ...], *, ended: bool) -> None:
    """One answer for each whole request, in order; after them at most one refusal, and then nothing more is served."""
    whole = len(recorder.requests)
    assert statuses[:whole] == (200,) * whole
    assert len(statuses) <= whole + 1
    if len(statuses) > whole:
        assert statuses[whole] in _REFUSALS
        assert ended


async def _settled(recorder: _Recorder, transport: _Transport) -> None:
    """Lets the loop turn until nothing happens any more."""
    idle, before = 0, (-1, -1)
    for _ in range(_MAX_TURNS):
        await asyncio.sleep(0)
        now = (recorder.moves, len(transport.written))
        idle = idle + 1 if now == before else 0
        if idle == _IDLE_TURNS:
            return
        before = now
    raise AssertionError("the connection is never done with its input")


def _statuses(written: bytes) -> tuple[int, ...]:
    found: list[int] = []
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        assert lines[0].startswith(b"http/1.1 ")
        (length,) = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        found.append(int(lines[0][9:12]))
        assert len(rest) >= length
        written = rest[length:]
    return tuple(found)


def _normalised(request: Request) -> Request:
    path, _, query = request.target.partition(b"?")
    headers = tuple((name, lowered(name, value)) for name, value in request.headers)
    return Request(request.method, path + b"?" + query, headers, request.body)
