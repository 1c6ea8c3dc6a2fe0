"""Bodies far larger than what a gateway may hold, at constant memory: an audio upload and a download of 300 MB."""

import pytest

from tests.measures.memory import Memory
from tests.relay.conftest import Stage
from tests.relay.messages import Wire, answer_body, answer_head, read_answer, request_body

SIZE = 300 << 20
_PART = bytes(range(256)) * 4096
_GROWTH_KB = 30 * 1024


def _head(stage: Stage, route: str, framing: bytes) -> bytes:
    key = stage.firms["plain"].key.encode()
    return b"POST /v1/%b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-type: audio/wav\r\n%b\r\n\r\n" % (
        route.encode(),
        key,
        framing,
    )


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_of_300_mb(stage: Stage, framing: str) -> None:
    def script(wire: Wire) -> bool:
        _, headers = wire.head()
        size = sum(len(part) for part in request_body(wire, headers))
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n%d" % size)
        return True

    stage.provider.script = script
    memory = Memory(stage.gateway.process.pid)
    told = b"content-length: %d" % SIZE if framing == "length" else b"transfer-encoding: chunked"
    with stage.call(60) as wire:
        wire.send(_head(stage, "audio/transcriptions", told))
        for _ in range(SIZE // len(_PART)):
            wire.send(_PART if framing == "length" else b"%x\r\n%b\r\n" % (len(_PART), _PART))
        wire.send(b"0\r\n\r\n" if framing == "chunked" else b"")
        assert read_answer(wire, "POST").body == b"%d" % SIZE
    assert memory.growth <= _GROWTH_KB


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_download_of_300_mb(stage: Stage, framing: str) -> None:
    def script(wire: Wire) -> bool:
        _, headers = wire.head()
        b"".join(request_body(wire, headers))
        told = b"content-length: %d" % SIZE if framing == "length" else b"transfer-encoding: chunked"
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\n" + told + b"\r\n\r\n")
        for _ in range(SIZE // len(_PART)):
            wire.send(_PART if framing == "length" else b"%x\r\n%b\r\n" % (len(_PART), _PART))
        wire.send(b"0\r\n\r\n" if framing == "chunked" else b"")
        return True

    stage.provider.script = script
    memory = Memory(stage.gateway.process.pid)
    with stage.call(60) as wire:
        wire.send(_head(stage, "audio/speech", b"content-length: 2") + b"{}")
        status, headers = answer_head(wire)
        assert status == b"200"
        assert sum(len(part) for part in answer_body(wire, "POST", status, headers)) == SIZE
    assert memory.growth <= _GROWTH_KB
