"""Nothing is held back, in either direction: each part is sent only when the one before it has arrived at the other
end, so that a relay which waits for more would wait for ever."""

import queue
import threading

import pytest

from tests.relay.cases import EVENTS, JSON
from tests.relay.conftest import Stage
from tests.relay.messages import CHUNKED, Wire, answer_head, read_answer, read_request, request_body

_ASKED = b'{"model":"gpt-4o-mini","stream":true}'
_WORD = b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n'
ROUTES = {
    "chat/completions": [_WORD % number for number in range(4)],
    "completions": [b": comment\n\n", _WORD % 1, b"data: [DONE]\n\n"],
    "responses": [b'event: response.created\ndata: {"type":"response.created"}\n\n', b'data: {"x":1}\n\n'],
    "messages": [
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b'event: ping\ndata: {"type":"ping"}\n\n',
    ],
    "audio/speech": [b"\x00\x01", b"\xff", b"half of a frame"],
    "images/generations": [b"event: x\n", b"data: 1\n\n"],
    "embeddings": [b"{", b'"data":[]', b"}"],
}


def _head(stage: Stage, target: str, *more: bytes) -> bytes:
    key = stage.firms["plain"].key.encode()
    lines = [b"POST /v1/%b HTTP/1.1" % target.encode(), b"host: x", b"authorization: Bearer " + key, *more]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("route", ROUTES)
def test_each_part_of_an_answer_arrives_before_the_next_is_sent(stage: Stage, route: str, framing: str) -> None:
    arrived = threading.Semaphore(0)

    def script(wire: Wire) -> bool:
        read_request(wire)
        kind = EVENTS if route not in ("audio/speech", "embeddings") else JSON
        wire.send(b"HTTP/1.1 200 OK\r\n" + kind + (b"\r\ntransfer-encoding: chunked" * (framing == "chunked")))
        wire.send(b"\r\n\r\n")
        for part in (b"", *ROUTES[route]):  # the head first, alone
            wire.send(_chunk(part) if framing == "chunked" and part else part)
            assert arrived.acquire(timeout=10)
        wire.send(b"0\r\n\r\n" if framing == "chunked" else b"")
        return framing == "chunked"

    stage.provider.script = script
    with stage.call(10) as wire:
        wire.send(_head(stage, route, JSON, b"content-length: %d" % len(_ASKED)) + _ASKED)
        status, headers = answer_head(wire)
        assert (status, CHUNKED in headers) == (b"200", True)
        arrived.release()
        for part in ROUTES[route]:
            got = b""
            while len(got) < len(part):
                got += next(wire.exactly(int(wire.until(b"\r\n"), 16)))
                assert wire.until(b"\r\n") == b""
            assert got == part
            arrived.release()
        assert wire.until(b"\r\n\r\n") == b"0"
    assert stage.provider.failures == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("route", ["audio/transcriptions", "images/edits", "embeddings"])
def test_each_part_of_a_relayed_body_arrives_before_the_next_is_sent(stage: Stage, route: str, framing: str) -> None:
    # What names the model is waited for: up to 64 KiB, and no further.
    parts = [bytes([65 + number]) * 70_000 for number in range(4)]
    arrived: queue.Queue[bytes] = queue.Queue()

    def script(wire: Wire) -> bool:
        _, headers = wire.head()
        for part in request_body(wire, headers):
            arrived.put(part)
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        return True

    stage.provider.script = script
    told = b"transfer-encoding: chunked" if framing == "chunked" else b"content-length: 280000"
    with stage.call(10) as wire:
        wire.send(_head(stage, route, b"content-type: audio/wav", told))
        for part in parts:
            wire.send(_chunk(part) if framing == "chunked" else part)
            got = b""
            while len(got) < len(part):
                got += arrived.get(timeout=10)
            assert got == part
        wire.send(b"0\r\n\r\n" if framing == "chunked" else b"")
        assert read_answer(wire, "POST").body == b"{}"


def test_an_answer_may_begin_before_the_body_is_whole(stage: Stage) -> None:
    def script(wire: Wire) -> bool:
        _, headers = wire.head()
        body = iter(request_body(wire, headers))
        first = next(body)
        wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + _chunk(first[:5]))
        rest = len(first) + sum(len(part) for part in body)
        wire.send(_chunk(b"%d" % rest) + b"0\r\n\r\n")
        return True

    stage.provider.script = script
    with stage.call(10) as wire:
        wire.send(_head(stage, "audio/transcriptions", b"content-type: audio/wav", b"content-length: 200000"))
        wire.send(b"voice" * 20_000)
        assert answer_head(wire)[0] == b"200"
        assert wire.until(b"\r\n") + wire.until(b"\r\n") == b"5voice"
        wire.send(b"voice" * 20_000)
        assert wire.until(b"\r\n") + wire.until(b"\r\n") == b"6200000"
        assert wire.until(b"\r\n\r\n") == b"0"
