"""Calls that are under way: as many as there may be, and those whose caller goes away, which end upstream, give their
permits back and are told of as cancelled. A real gateway, whose time-outs are too long to be what ended a call.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from tests.support.admin import MAX_CONCURRENT, STOCK, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes
from tests.support.processes import Program, gateway_environ, running
from tests.support.upstream import Peer, Received, Upstream, echo_model

CHAT = "/v1/chat/completions"
BODY = {"model": STOCK, "messages": [{"role": "user", "content": "Hello"}]}
EVENT = b'data: {"id":"c1","choices":[{"delta":{"content":"Hi"}}]}\n\n'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Program]:
    """One that waits for its providers."""
    folder = tmp_path_factory.mktemp("patient")
    environ = gateway_environ(
        folder / "data",
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="50",
        HOUSESTYLE_MAX_CONCURRENT=str(MAX_CONCURRENT),
    )
    with running(["serve", "--port", "0"], environ, folder / "log") as program:
        yield program


@pytest.fixture(scope="module")
def admin(gateway: Program) -> Iterator[Admin]:
    """Its admin."""
    with Admin(gateway.url) as admin:
        yield admin


async def test_too_many_calls_at_once(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    go = asyncio.Event()

    async def script(request: Received, peer: Peer) -> None:
        await go.wait()
        await echo_model(request, peer)

    def call() -> Coroutine[Any, Any, httpx2.Response]:
        return http.post(CHAT, json=BODY, headers=firm.auth)

    provider.script = script
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call()) for _ in range(MAX_CONCURRENT)]
        async with asyncio.timeout(30):
            while len(provider.requests) < MAX_CONCURRENT:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0.01)
        refused = await call()
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "concurrency_limit_exceeded")
        assert int(refused.headers["retry-after"]) > 0
        go.set()
    assert {(await call).status_code for call in calls} == {200}
    assert (await call()).status_code == 200


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_caller_who_leaves_cancels_the_call_upstream(
    gateway: Program, firm: Firm, provider: Upstream, streaming: bool, collector: Collector
) -> None:
    gone = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        if streaming:
            await peer.begin_stream()
            await peer.chunk(EVENT)
        await peer.gone()
        gone.set()

    provider.script = script
    place = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    body = msgspec.json.encode({**BODY, "stream": streaming})
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    async with asyncio.timeout(30):
        if streaming:
            await reader.readuntil(b"\r\n\r\n")
        while not provider.requests:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.005)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    async with asyncio.timeout(30):
        await gone.wait()
        while not (records := firm.admin.get(f"{firm.path}/why")["items"]):  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    [record] = records
    assert (record["cancelled"], record["attempts"], record["stream"]) == (True, 1, streaming)
    [span] = await asyncio.to_thread(collector.of_call, record["call_id"], 1)
    assert attributes(span)["error.type"] == "cancelled"


async def test_callers_who_leave_with_calls_still_waiting_give_their_permits_back(
    gateway: Program, firm: Firm, provider: Upstream
) -> None:
    """So many calls are sent ahead that the connection is no longer read, and does not tell of its end by itself."""
    ended = asyncio.Queue[None]()

    async def silent(_: Received, peer: Peer) -> None:
        await peer.gone()
        ended.put_nowait(None)

    provider.script = silent
    place = urlsplit(gateway.url)
    body = msgspec.json.encode(BODY)
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    callers = [await asyncio.open_connection(place.hostname, place.port) for _ in range(MAX_CONCURRENT)]
    for _, writer in callers:
        writer.write((head.encode() + body) * 14)
    async with asyncio.timeout(30):
        while len(provider.requests) < MAX_CONCURRENT:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.01)
    for _, writer in callers:
        writer.transport.abort()
    async with asyncio.timeout(30):
        for _ in callers:
            await ended.get()
    provider.script = echo_model
    async with asyncio.timeout(30):
        while (answer := await asyncio.to_thread(firm.say)).status_code == 429:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    assert answer.status_code == 200


async def test_a_caller_who_leaves_a_stalled_upload_is_noticed(
    gateway: Program, firm: Firm, provider: Upstream
) -> None:
    stalled = asyncio.Event()

    async def takes_nothing(_: Received, peer: Peer) -> None:
        stalled.set()
        await asyncio.Event().wait()

    provider.script = takes_nothing
    place = urlsplit(gateway.url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\n"
    writer.write(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"\xff" * 0x10000 + b"\r\n"

    async def push() -> None:
        while True:
            writer.write(chunk)
            await writer.drain()

    pushing = asyncio.create_task(push())
    async with asyncio.timeout(30):
        await stalled.wait()
    await asyncio.wait({pushing}, timeout=1)  # by now neither the gateway nor the kernel takes more
    pushing.cancel()
    # A reset: an orderly end would queue behind what the kernel still has to send, where nobody can see it.
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    async with asyncio.timeout(30):
        while not (records := firm.admin.get(f"{firm.path}/why")["items"]):  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    assert [(record["cancelled"], record["error"]) for record in records] == [(True, None)]
