"""The translator's process under a whole gateway: started by the first call that needs it, killed in the middle of
some, ended with its gateway; and what callers of other providers notice of it, which is nothing. Mirrors nothing: see
conftest."""

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateway.translated.firms import KINDS, answering, assistant, new_firm, provider, record, record_of
from tests.gateway.translator.providers import whole
from tests.gateway.translator.talking import MESSAGES, PYTHON
from tests.gateway.upstream.server import Peer
from tests.support import upstream as plain
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program, children, gateway_environ, gone, running, wait_until

BEDROCK = KINDS["bedrock"]
CHUNKS = (b'data: {"id":"1","choices":[{"delta":{"content":"Hel"}}]}\n\n', b"data: [DONE]\n\n")
BODY = {"model": "default", "messages": MESSAGES}
STREAM = {**BODY, "stream": True}
MAIN = {"x-provider": "main"}


def translators(program: Program) -> list[int]:
    """The translators of a gateway: one, or none."""
    below = children(program.process.pid)
    return [pid for pid, command in below.items() if "-m gateway.translator" in command]


class Load:
    """Callers of another provider, one call after the other; `failures` are what was no answer."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        self._stopping = False
        self.calls = 0
        self.failures: list[str] = []

    async def run(self, *, stream: bool) -> None:
        """Calls until it is stopped."""
        headers = {**self._firm.auth, **MAIN}
        async with httpx2.AsyncClient(base_url=self._firm.admin.url, timeout=30) as http:
            while not self._stopping:
                try:
                    answer = await http.post("/v1/chat/completions", json=STREAM if stream else BODY, headers=headers)
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                whole_answer = answer.text.endswith("data: [DONE]\n\n") if stream else "Whereas." in answer.text
                if answer.status_code != 200 or not whole_answer:
                    self.failures.append(answer.text)
                self.calls += 1

    @contextlib.asynccontextmanager
    async def under_way(self) -> AsyncIterator["Load"]:
        """Four callers, half of them streaming."""
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(self.run(stream=bool(number % 2)))
            try:
                yield self
            finally:
                self._stopping = True


class Other:
    """The other provider: it speaks the OpenAI API. A stream that asks for it is held in its middle."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def script(self, request: plain.Received, peer: plain.Peer) -> None:
        """See plain.Script."""
        if not json.loads(request.body).get("stream"):
            await peer.answer(plain.completion("m"))
            return
        await peer.begin_stream()
        await peer.chunk(CHUNKS[0])
        if request.header("x-hold"):
            await self.go_on.wait()
        await peer.chunk(CHUNKS[1])
        await peer.chunk(b"")


async def test_killed_in_the_middle(admin: Admin, gateway: Program, http: httpx2.AsyncClient) -> None:
    other = Other()
    reached = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if b"wait for me" not in request:
                await peer.say(whole(200, BEDROCK.hello))
                continue
            await peer.say(BEDROCK.stream[0] if b"converse-stream" in request else b"")
            reached.set()
            await peer.gone()

    waiting = {**BODY, "messages": [{"role": "user", "content": "wait for me"}]}
    async with plain.upstream(other.script) as openai_provider:
        firm = new_firm(admin, openai_provider.url)
        async with provider(firm, BEDROCK, script), assistant(firm) as client:
            await client.chat.completions.create(model="default", messages=MESSAGES)
            [before] = translators(gateway)
            url = "/v1/chat/completions"
            held = http.stream("POST", url, json=STREAM, headers={**firm.auth, **MAIN, "x-hold": "1"})
            broken = http.stream("POST", url, json={**waiting, "stream": True}, headers=firm.auth)
            load = Load(firm)
            async with load.under_way(), held as other_stream, broken as stream:
                others, events = other_stream.aiter_bytes(), stream.aiter_bytes()
                assert b"Hel" in await anext(others)
                assert b"Hel" in await anext(events)
                reached.clear()
                unanswered = asyncio.ensure_future(http.post(url, json=waiting, headers=firm.auth))
                await reached.wait()
                served = load.calls
                os.kill(before, signal.SIGKILL)
                rest = b""
                with pytest.raises(httpx2.RemoteProtocolError):
                    async for part in events:
                        rest += part
                again = await client.chat.completions.create(model="default", messages=MESSAGES)
                meanwhile = load.calls - served
                other.go_on.set()
                assert b"".join([part async for part in others]).endswith(CHUNKS[1])
            failed = await unanswered
            row = await record(firm, stream.headers["x-call-id"])
    assert load.failures == []
    assert meanwhile > 0
    assert again.choices[0].message.content == "Hello."
    [after] = translators(gateway)
    assert after != before
    # Its own calls: a stream ends with an event that says so, an unanswered one with an error.
    assert json.loads(rest.removeprefix(b"data: "))["error"]["code"] == "upstream_disconnected"
    assert (row["error"], row["status"], row["cancelled"]) == ("upstream_disconnected", 200, False)
    assert failed.status_code == 502
    assert failed.json()["error"]["code"] in ("upstream_protocol_error", "upstream_unreachable")


def modes_in(temporary: str) -> list[int]:
    """Who may use each of the gateway's directories in the temporary one."""
    return [path.stat().st_mode & 0o777 for path in Path(temporary).glob("housestyle-*")]


@contextlib.contextmanager
def slow_to_start(directory: Path) -> Iterator[tuple[Path, Path]]:
    """A Python that does not begin before it is told to; and where that is said."""
    go, python = directory / "go", directory / "python"
    os.mkfifo(go)
    python.write_text(f'#!/bin/sh\nread -r word < {go}\nexec {PYTHON} "$@"\n')
    python.chmod(0o700)
    yield python, go


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_the_first_call_starts_it_and_the_gateways_end_ends_it(tmp_path: Path, end: str) -> None:
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    other = Other()
    seen: list[bytes] = []
    script = answering(BEDROCK.hello, seen=seen)
    with tempfile.TemporaryDirectory() as temporary, slow_to_start(tmp_path) as (python, go):
        environ = gateway_environ(tmp_path / "data", HOUSESTYLE_TRANSLATOR_PYTHON=str(python), TMPDIR=temporary)
        with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
            async with plain.upstream(other.script) as openai_provider:
                firm = new_firm(admin, openai_provider.url)
                async with provider(firm, BEDROCK, script), assistant(firm) as client:
                    assert translators(program) == []
                    create = client.chat.completions.create
                    first = asyncio.ensure_future(create(model="default", messages=MESSAGES))
                    leaver = asyncio.ensure_future(
                        create(model="m", messages=MESSAGES, extra_headers={"x-workflow": "x"})
                    )
                    await asyncio.to_thread(wait_until, lambda: bool(translators(program)))
                    for _ in range(20):
                        answer = await create(model="m", messages=MESSAGES, extra_headers=MAIN)
                        assert answer.model == "m"
                    leaver.cancel()
                    row = await record_of(firm, "x")
                    assert (row["cancelled"], row["attempts"], row["status"]) == (True, 1, 0)
                    assert not first.done()
                    await asyncio.to_thread(go.write_text, "go\n")
                    assert (await first).choices[0].message.content == "Hello."
                    assert len(seen) == 1  # whoever left asked nothing
            [pid] = translators(program)
            assert modes_in(temporary) == [0o700]
            program.stop() if end == "stop" else program.kill()
            wait_until(lambda: gone([pid]), what="the translator's end")
            assert modes_in(temporary) == []
