"""Answers read in passing: what they say of themselves, whether a stream may be broken off here, and how. One reader
for all dialects; what a dialect's bytes mean is in that dialect's own file, and nothing here changes an answer.
"""

from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from gateway.wire import anthropic, openai, responses
from gateway.wire.budget import Budget
from gateway.wire.served import Served
from gateway.wire.sse import START, TAIL, EventScanner, is_boundary

__all__ = ["AnswerReader", "Budget", "Dialect", "Served", "broken_stream", "error_code"]

Dialect = Literal["chat", "completions", "responses", "messages", "embeddings"]

_MAX_ANSWER = 8 << 20
_NOT_READABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Parser(Protocol):
    """What a dialect's file holds. `see` and `ends` raise one of _NOT_READABLE for what has another shape."""

    def matters(self, before: Served, events: bytes) -> bool: ...
    def ends(self, payload: bytes) -> bool: ...
    def see(self, before: Served, payload: bytes) -> Served: ...


_PARSERS: dict[Dialect, _Parser] = {
    "chat": openai,
    "completions": openai,
    "embeddings": openai,
    "responses": responses,
    "messages": anthropic,
}


class AnswerReader:
    """Reads an answer in passing: give it every chunk that is relayed, then ask for `served`, then `close` it.

    An answer that is not streamed is held until it is complete, up to 8 MiB and as far as the budget goes; beyond
    that it is let go at once, and nothing is known of it. Without a dialect nothing is read or held.
    """

    __slots__ = ("_budget", "_ended", "_held", "_is_held", "_parser", "_scanner", "_served", "_size", "_tail")

    def __init__(self, dialect: Dialect | None, *, stream: bool, budget: Budget) -> None:
        self._parser = _PARSERS[dialect] if dialect else None
        self._budget = budget
        self._scanner = EventScanner(budget) if stream and dialect else None
        self._is_held = not stream and dialect is not None
        self._held: list[bytes] = []
        self._size = 0
        self._tail = START if stream else b""
        self._ended = False
        self._served = Served()

    @property
    def at_boundary(self) -> bool:
        """Whether a stream could end here without cutting an event."""
        return is_boundary(self._tail)

    @property
    def ended(self) -> bool:
        """Whether the last event that went by is the one that properly ends a stream of this dialect: `[DONE]`,
        `message_stop`, `response.completed` and its kin. Never known without a dialect."""
        return self._ended

    def passes(self, chunk: bytes) -> bool:
        """Whether a chunk need not be fed: most are whole events with a few words of text, which a search tells."""
        scanner, parser = self._scanner, self._parser
        if scanner is None or parser is None or self._ended or not scanner.is_whole(chunk):
            return False
        if parser.matters(self._served, chunk):
            return False
        self._tail = START
        return True

    def feed(self, chunk: bytes) -> None:
        """Takes what was relayed; never raises, whatever it holds."""
        if self._tail:
            self._tail = chunk[-TAIL:] if len(chunk) >= TAIL else (self._tail + chunk)[-TAIL:]
        if self._scanner is not None and self._parser is not None:
            self._feed_events(chunk, self._scanner, self._parser)
        elif self._is_held:
            self._hold(chunk)

    def served(self) -> Served:
        """What is known once everything went by."""
        if self._held and self._parser is not None:
            body = b"".join(self._held)
            self._let_go()
            self._look(self._parser, body)
        return self._served

    def close(self) -> None:
        """Gives back what memory is held; what is known stays known. May be called again."""
        self._let_go()
        if self._scanner is not None:
            self._scanner.close()

    def _feed_events(self, chunk: bytes, scanner: EventScanner, parser: _Parser) -> None:
        for payload in scanner.feed(chunk):
            self._ended = self._is_end(parser, payload)
            if parser.matters(self._served, payload):
                self._look(parser, payload)

    def _hold(self, chunk: bytes) -> None:
        size = self._size + len(chunk)
        if size > _MAX_ANSWER or not self._budget.take(len(chunk)):
            self._let_go()
            return
        self._held.append(chunk)
        self._size = size

    def _let_go(self) -> None:
        self._is_held = False
        self._held = []
        self._budget.give(self._size)
        self._size = 0

    def _look(self, parser: _Parser, payload: bytes) -> None:
        try:
            self._served = parser.see(self._served, payload)
        except _NOT_READABLE:
            return  # `[DONE]`, or an answer of another shape: relayed all the same

    def _is_end(self, parser: _Parser, payload: bytes) -> bool:
        try:
            return parser.ends(payload)
        except _NOT_READABLE:
            return False


class _Error(Struct):
    code: str | int | None = None
    type: str | None = None


class _ErrorBody(Struct):
    type: str | None = None
    error: _Error | str | None = None


_ERROR = msgspec.json.Decoder(_ErrorBody)


def error_code(body: bytes) -> str | None:
    """What an upstream's error body gives as its code; None where it has no such shape.

    That is `error.code` of the OpenAI API and of Azure's; of the Anthropic API, which has none, `error.type`.
    """
    try:
        told = _ERROR.decode(body)
    except _NOT_READABLE:
        return None
    error = told.error
    if not isinstance(error, _Error):
        return None
    if error.code is not None:
        return str(error.code)
    return error.type if told.type == "error" else None


def broken_stream(dialect: Dialect | None, call_id: str) -> bytes:
    """The event that tells a caller, between two events, that its stream was broken off: by the upstream, or at the end
    of a drain."""
    message = f"The answer was broken off before its end; this call is {call_id}."
    if dialect == "messages":
        shaped = {"type": "api_error", "message": message, "code": "upstream_disconnected"}
        return b"event: error\ndata: " + msgspec.json.encode({"type": "error", "error": shaped}) + b"\n\n"
    error = {"message": message, "type": "server_error", "param": None, "code": "upstream_disconnected"}
    event: dict[str, object] = {"error": error}
    if dialect == "responses":  # every event of this API has a type and a number, and clients refuse one without
        event = {
            "type": "error",
            "sequence_number": 0,
            "code": error["code"],
            "message": message,
            "param": None,
        } | event
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
