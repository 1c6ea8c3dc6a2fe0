"""What providers send: answers, streams, lists, errors. Each function takes one input and raises AssertionError where
the gateway reads it wrongly; an exception that a parser does not document is a crash.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.upstream.parsing import AnswerParser
from gateway.wire import anthropic, models, openai, responses
from gateway.wire.answers import AnswerReader, Budget, Dialect, Served
from gateway.wire.answers import error_code as wire_error_code
from gateway.wire.sse import START, TAIL, is_boundary
from gateway.wire.usage import UsageFilter
from tests.fuzz.cutting import choice, pieces
from tests.fuzz.references import LONG_SIZE, Answer, Number, Pairs, answer_of, events_of, json_of, lowered

_MEMORY = 1 << 20
_OPENAI: tuple[Dialect, ...] = ("chat", "completions", "embeddings")
_PARSERS: dict[Dialect, Any] = {"chat": openai, "responses": responses, "messages": anthropic}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NO_LF = b"\0"  # says that a CR at a stream's end was a line's end
# RFC 2616's coding that is none; framing of an interim answer, which has no body whatever it says.
_H11_REFUSES = re.compile(
    rb"(?i)identity|\AHTTP/1\.[01] 1[\s\S]*(transfer-encoding|content-length)[\s\S]*\r\n\r\nHTTP/1"
)
_MAX_EXTRA = 16 * 1024


def answers(data: bytes) -> None:
    """An answer of each dialect: never an exception, the same however it is cut, all memory given back; of a stream,
    what a plain reader of its events knows."""
    for dialect, parser in _PARSERS.items():
        named = _OPENAI[choice(data, len(_OPENAI))] if dialect == "chat" else dialect
        whole = _read(named, [data], stream=True)
        assert whole == _read(named, pieces(data), stream=True)
        assert whole[:2] == _seen(parser, data)
        held = _read(named, [data], stream=False)
        assert held == _read(named, pieces(data), stream=False)


def _read(dialect: Dialect, parts: Iterable[bytes], *, stream: bool) -> tuple[Served, bool, bool]:
    budget = Budget(_MEMORY)
    reader = AnswerReader(dialect, stream=stream, budget=budget)
    for part in parts:
        reader.feed(part)
    served = reader.served()
    reader.close()
    assert budget.free == _MEMORY
    for count in (served.input_tokens, served.output_tokens, served.cached_tokens, served.reasoning_tokens):
        assert count is None or 0 <= count < 2**63
    assert all(len(text or "") <= 256 for text in (served.model, served.response_id, *served.finish_reasons))
    return served, reader.ended, reader.at_boundary


def _seen(parser: Any, stream: bytes) -> tuple[Served, bool]:
    served, ended = Served(), False
    for event in events_of(stream)[0]:
        if not event.data:
            continue
        try:
            ended = parser.ends(event.data)
        except _UNREADABLE:
            ended = False
        try:
            served = parser.see(served, event.data) if parser.matters(served, event.data) else served
        except _UNREADABLE:
            continue
    return served, ended


def usage(data: bytes) -> None:
    """A stream through the filter: every event as it was, apart from those that tell of usage alone."""
    for parts in ([data], pieces(data)):
        _check_kept(data, _filtered(parts))


def _filtered(parts: Iterable[bytes]) -> bytes:
    taken, passed = 0, bytearray()
    out = UsageFilter()
    for part in parts:
        taken += len(part)
        passed += out.feed(part)
        assert len(passed) <= taken
        if out.at_boundary:
            # a CR of which it is known that no LF follows
            assert is_boundary((START + passed[-TAIL:])[-TAIL:]) or passed.endswith(b"\n\r")
    return bytes(passed + out.end())


def _check_kept(given: bytes, passed: bytes) -> None:
    before, rest = events_of(given + _NO_LF)
    after, rest_after = events_of(passed + _NO_LF)
    left = [event.raw.strip(b"\r\n") for event in after]
    for event in before:
        raw = event.raw.strip(b"\r\n")
        if _is_extra(event.raw, event.data):
            continue
        if left and left[0] == raw:
            del left[0]
        else:
            assert _may_be_extra(event.data), event
    assert not left
    assert rest.strip(b"\r\n") == rest_after.strip(b"\r\n")


def _is_extra(raw: bytes, data: bytes) -> bool:
    """By every parser."""
    if b'"usage"' not in raw or b'"choices"' not in raw or len(raw) >= _MAX_EXTRA:
        return False
    try:
        msgspec.json.decode(data)
        chunk = json_of(data)
    except (*_UNREADABLE, ValueError):
        return False
    members = chunk.last() if isinstance(chunk, Pairs) else {}
    told_once = isinstance(chunk, Pairs) and len(members) == len(chunk)
    return told_once and members.get("choices") == [] and isinstance(members.get("usage"), Pairs)


def _may_be_extra(data: bytes) -> bool:
    try:
        chunk = json.loads(data.decode("latin-1"))  # a parser need not look into what it passes over
    except (ValueError, RecursionError):
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def listing(data: bytes) -> None:
    """A list of models: no parser finds one in it that must not be shown, and the others are as they were."""
    try:
        kept = models.without(data, _is_unwanted)
    except GatewayError as error:
        assert error.code == "upstream_protocol_error"
        return
    try:
        before, after = json_of(data), json_of(kept)
    except RecursionError:
        return
    for entries in _lists(after):
        shown = [value for entry in entries for name, value in entry if name == "id"]
        assert not any(_is_unwanted(value) for value in shown), kept
    wanted = [entry for entry in _lists(before)[-1] if not _is_unwanted(entry.last().get("id", ""))]
    assert list(_lists(after)[-1]) == wanted


def _lists(read: Any) -> list[Any]:
    if isinstance(read, list):
        return [read]
    return [value for name, value in read if name == "data"]


def _is_unwanted(model: str) -> bool:
    return model.startswith("ft:")


def error_code(data: bytes) -> None:
    """An error's body: its code where it has one, as Python's json finds it."""
    code = wire_error_code(data)
    try:
        read = json_of(data)
        error = read.last().get("error") if isinstance(read, Pairs) else None
    except (ValueError, RecursionError):
        return  # msgspec does not look into what it passes over
    told = error.last() if isinstance(error, Pairs) else {}
    assert code is None or code in (_word(told.get("code")), told.get("type"))


def _word(code: object) -> object:
    return str(int(code.text)) if isinstance(code, Number) and "." not in code.text else code


def answer(data: bytes) -> None:
    """An answer's bytes: the same however they are cut, and what h11 reads in them; bodies no longer than they are."""
    method = (b"POST", b"HEAD")[choice(data, 8) == 0]
    whole = _parsed(method, [data])
    assert whole == _parsed(method, pieces(data))
    if isinstance(whole, Answer) and _H11_REFUSES.search(data) is None and LONG_SIZE.search(data) is None:
        assert answer_of(method, data) == whole


def _parsed(method: bytes, parts: Iterable[bytes]) -> Answer | str:
    parser = AnswerParser(method)
    body, fed = bytearray(), 0
    try:
        for part in parts:
            fed += len(part)
            body += parser.feed(memoryview(part))
            assert len(body) <= fed
    except GatewayError as error:
        assert error.code == "upstream_protocol_error"
        return "complete" if parser.complete else error.code
    if not parser.end():
        return "unfinished"
    if parser.surplus:
        assert not parser.reusable
        return "surplus"
    headers = tuple((name, lowered(name, value)) for name, value in parser.headers)
    return Answer(parser.status, headers, bytes(body))
