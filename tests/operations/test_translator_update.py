"""A translator that runs by itself is replaced by another behind their Service, under load, as Kubernetes does it with
the chart's settings. No call fails, no stream is cut, and no provider is asked twice for one call."""

import asyncio
import contextlib
import itertools
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.gateway.translated.by_itself import Place
from tests.gateway.translated.firms import KINDS, new_firm, provider
from tests.gateway.translator.providers import whole
from tests.gateway.translator.talking import PYTHON
from tests.gateway.upstream.server import Peer
from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.processes import Program

LLAMA = KINDS["litellm"]
_CALLERS = 8
_CHUNK_SECONDS = 0.05  # how long a provider takes over a part of its stream
_CHUNKS = 20


class Service:
    """What kube-proxy is: a new connection goes to the next endpoint, and stays there until one of its ends closes."""

    def __init__(self) -> None:
        self.endpoints: list[int] = []
        self.open: Counter[int] = Counter()
        self._turns = itertools.count()
        self._pipes: set[asyncio.Task[None]] = set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes one connection."""
        pipe = asyncio.create_task(self._pipe(reader, writer))
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.endpoints[next(self._turns) % len(self.endpoints)]
        try:
            far, back = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            writer.close()
            return
        self.open[port] += 1
        await asyncio.gather(_pour(reader, back), _pour(far, writer))
        self.open[port] -= 1

    async def ended(self) -> None:
        """Every connection has been closed by one of its ends."""
        await asyncio.gather(*self._pipes)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class Load:
    """Callers without a pause, each other call a stream. `asked` is what the provider saw, by the call's own name."""

    def __init__(self, url: str, firm: Firm) -> None:
        self._url = url
        self._firm = firm
        self._names = itertools.count()
        self._over = False
        self.done: list[str] = []
        self.failures: list[str] = []
        self.asked: Counter[str] = Counter()

    async def provider(self, peer: Peer) -> None:
        """See tests.gateway.upstream.server: an answer, or a stream that takes a second."""
        while True:
            request = await peer.request()
            body = json.loads(request.partition(b"\r\n\r\n")[2])
            self.asked[body["messages"][0]["content"]] += 1
            if not body.get("stream"):
                await peer.say(whole(200, LLAMA.hello))
                continue
            first, last = LLAMA.stream
            await peer.say(first)
            for _ in range(_CHUNKS):
                await asyncio.sleep(_CHUNK_SECONDS)
                await peer.say(first.partition(b"\r\n\r\n")[2])
            await peer.say(last)
            return

    async def call_on(self) -> None:
        """One caller, until the end."""
        async with httpx2.AsyncClient(base_url=self._url, verify=NO_TLS, timeout=60) as http:
            while not self._over:
                number = next(self._names)
                stream = bool(number % 2)
                messages = [{"role": "user", "content": f"call-{number}"}]
                body = {"model": "default", "messages": messages, "stream": stream}
                answer = await http.post("/v1/chat/completions", json=body, headers=self._firm.auth)
                good = answer.text.endswith("data: [DONE]\n\n") if stream else "Hello." in answer.text
                if answer.status_code != 200 or not good:
                    self.failures.append(f"{answer.status_code} {answer.text[-300:]}")
                self.done.append(f"call-{number}")

    async def more(self, calls: int) -> None:
        """Waits for so many calls more."""
        until = len(self.done) + calls
        async with asyncio.timeout(240):
            while len(self.done) < until:  # noqa: ASYNC110 - polls
                await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """All callers, each to the end of its last call."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_CALLERS):
                group.create_task(self.call_on())
            try:
                yield
            finally:
                self._over = True


async def test_a_translator_is_replaced_without_a_failed_call(tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    place, service = Place(tmp_path), Service()

    async with contextlib.AsyncExitStack() as stack:

        async def start() -> Program:
            program = await asyncio.to_thread(stack.enter_context, place.translator(0))
            service.endpoints.append(_port(program))
            return program

        listener = await asyncio.start_server(service.connected, "127.0.0.1", place.port)
        old = await start()
        gateway = stack.enter_context(place.gateway(tmp_path))
        admin = stack.enter_context(Admin(gateway.url))
        firm = new_firm(admin)
        load = Load(gateway.url, firm)
        await stack.enter_async_context(provider(firm, LLAMA, load.provider))
        async with load.under_way():
            await load.more(20)
            await start()
            service.endpoints.remove(_port(old))  # and then preStop: what is open goes on
            await load.more(20)
            assert service.open[_port(old)] > 0, "the gateway's kept connections lead there still"
            old.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(old.process.wait, 30) == 0
            old.stop()
            await load.more(20)
        gateway.stop()
        await service.ended()
        listener.close()
    told = f"{len(load.done)} calls, {len(load.failures)} failed, {sum(load.asked.values())} at the provider"
    print(told)  # noqa: T201 - its figures
    assert load.failures == [], told
    twice: Any = {name: times for name, times in load.asked.items() if times != 1}
    assert twice == {}, told
    assert set(load.asked) == set(load.done)


def _port(program: Program) -> int:
    port = urlsplit(program.url).port
    assert port is not None
    return port
