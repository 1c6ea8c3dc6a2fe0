"""The caller goes away: the provider's connection ends with it, whatever the call waits for, and the record says so."""

import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.relay.cases import CHAT_BODY, EVENTS, JSON
from tests.relay.conftest import Stage
from tests.relay.messages import Wire, answer_head, read_answer, read_request
from tests.support.firms import Firm
from tests.support.processes import wait_until

_STREAMED = b'{"model":"gpt-4o-mini","stream":true}'


def _head(firm: Firm, target: str, workflow: str, length: int, kind: str = "application/json") -> bytes:
    return (
        f"POST /v1/{target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\nx-workflow: {workflow}\r\n"
        f"content-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def _leave(wire: Wire, how: str) -> None:
    """A close, or a reset, as of a process that was killed."""
    if how == "reset":
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def _record(firm: Firm, workflow: str) -> Any:
    """The record of the one call of a workflow, once it is there."""
    found: list[Any] = []

    def is_there() -> bool:
        found[:] = firm.admin.get(f"{firm.path}/why?workflow={workflow}")["items"]
        return bool(found)

    wait_until(is_there, 10, "the record")
    [record] = found
    return record


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("when", ["before the first byte", "after the head", "in the stream", "in the upload"])
def test_the_provider_sees_the_callers_end(stage: Stage, when: str, how: str) -> None:
    firm = stage.firms["plain"]
    workflow = f"{when} {how}".replace(" ", "-")
    reached, ended = threading.Event(), threading.Event()

    def script(wire: Wire) -> bool:
        if when == "in the upload":
            wire.until(b"\r\n\r\n")
        else:
            read_request(wire)
        if when in ("after the head", "in the stream"):
            wire.send(b"HTTP/1.1 200 OK\r\n" + EVENTS + b"\r\ntransfer-encoding: chunked\r\n\r\n")
        if when == "in the stream":
            wire.send(b"9\r\ndata: 1\n\n\r\n")
        reached.set()
        try:
            while wire.more():
                pass
        finally:
            ended.set()
        return False

    stage.provider.script = script
    with stage.call() as wire:
        if when == "in the upload":
            wire.send(_head(firm, "audio/transcriptions", workflow, 10_000_000, "audio/wav") + b"v" * 200_000)
        else:
            body = CHAT_BODY if when == "before the first byte" else _STREAMED
            wire.send(_head(firm, "chat/completions", workflow, len(body)) + body)
        assert reached.wait(10)
        if when in ("after the head", "in the stream"):
            assert answer_head(wire)[0] == b"200"
        if when == "in the stream":
            assert wire.until(b"\n\n").endswith(b"data: 1")
        _leave(wire, how)
        assert ended.wait(10), "long before any time-out"
    record = _record(firm, workflow)
    assert (record["cancelled"], record["attempts"], record["error"]) == (True, 1, None)
    assert record["stream"] is (when in ("after the head", "in the stream"))


def test_a_caller_who_leaves_while_his_provider_is_dialled(stage: Stage) -> None:
    firm = Firm(stage.firms["plain"].admin, "http://127.0.0.1:1")
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):  # the queue holds one more than it says; what comes then is not answered
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        moved = {**firm.provider, "base_url": f"http://127.0.0.1:{full.getsockname()[1]}/v1"}
        firm.admin.put(f"{firm.path}/providers/main", moved)
        with stage.call() as wire:
            wire.send(_head(firm, "chat/completions", "dialling", len(CHAT_BODY)) + CHAT_BODY)
            wait_until(lambda: _dialling(stage, full.getsockname()[1]), what="the gateway's SYN")
            _leave(wire, "close")
            record = _record(firm, "dialling")
            assert not _dialling(stage, full.getsockname()[1])
    assert (record["cancelled"], record["attempts"], record["error"], record["status"]) == (True, 1, None, 0)


def _dialling(stage: Stage, port: int) -> bool:
    """Whether a connection to `port` waits for its answer (state 02 of /proc/net/tcp) in the gateway's process."""
    wanted = f":{port:04X}"
    table = Path(f"/proc/{stage.gateway.process.pid}/net/tcp").read_text()
    rows = [line.split() for line in table.splitlines()]
    return any(row[2].endswith(wanted) and row[3] == "02" and _is_of(stage, row[9]) for row in rows[1:])


def _is_of(stage: Stage, inode: str) -> bool:
    for entry in Path(f"/proc/{stage.gateway.process.pid}/fd").iterdir():
        try:
            if entry.readlink().name == f"socket:[{inode}]":
                return True
        except OSError:  # closed meanwhile
            continue
    return False


def test_the_next_call_is_served(stage: Stage) -> None:
    """Whoever left took nothing with him."""

    def script(wire: Wire) -> bool:
        read_request(wire)
        wire.send(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ncontent-length: 2\r\n\r\n{}")
        return True

    stage.provider.script = script
    firm = stage.firms["plain"]
    with stage.call() as wire:
        wire.send(_head(firm, "chat/completions", "next", len(CHAT_BODY)) + CHAT_BODY)
        assert read_answer(wire, "POST").body == b"{}"
    assert _record(firm, "next")["cancelled"] is False
