"""A translator that runs by itself, over TLS, under whole gateways: its calls; its end by force, by SIGTERM, by a halt;
another token, another authority; what `/readyz`, metrics and `housestyle check` say. Mirrors nothing: see conftest."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.translated.by_itself import TOKEN, Place, ready
from tests.gateway.translated.firms import KINDS, answering, assistant, new_firm, provider, record
from tests.gateway.translator.providers import whole
from tests.gateway.translator.talking import MESSAGES, PYTHON
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.server import Peer
from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, children, gateway_environ, wait_until

BEDROCK = KINDS["bedrock"]
BODY = {"model": "default", "messages": MESSAGES}
STREAM = {**BODY, "stream": True}
CALLS = "/v1/chat/completions"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where the translator of most tests is."""
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    return Place(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def translator(site: Place) -> Iterator[Program]:
    """The translator of most tests; what it wrote never held a secret."""
    with site.translator() as program:
        yield program
    assert TOKEN not in site.log.read_text()


@pytest.fixture(scope="module")
def its_gateway(site: Place, translator: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway that it is given to."""
    folder = tmp_path_factory.mktemp("its-gateway")
    with site.gateway(folder) as program:
        yield program
    assert TOKEN not in (folder / "log").read_text()


@contextlib.asynccontextmanager
async def calling(program: Program) -> AsyncIterator[tuple[Admin, httpx2.AsyncClient]]:
    """A gateway's admin, and a caller."""
    with Admin(program.url) as admin:
        async with httpx2.AsyncClient(base_url=program.url, verify=NO_TLS, timeout=60) as http:
            yield admin, http


async def until_ready_says(program: Program, words: str) -> Any:
    """What /readyz says, once it says this of the translator."""

    def said() -> bool:
        return words in ready(program)[1]["translator"]

    await asyncio.to_thread(wait_until, said, 30, words)
    return ready(program)


def metric(program: Program) -> str:
    """What the gateway's metrics say of it."""
    lines = httpx2.get(f"{program.url}/metrics", verify=NO_TLS).text.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("housestyle_translator_away "))


def checked(place: Place, folder: Path, **more: str) -> list[Any]:
    """What `housestyle check` says of the translator, in this gateway's environment."""
    named = {"URL": place.url, "TOKEN": TOKEN, "CA_FILE": str(place.authority.file), **more}
    environ = gateway_environ(folder / "data", **{f"HOUSESTYLE_TRANSLATOR_{name}": named[name] for name in named})
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--json"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert TOKEN not in ran.stdout + ran.stderr
    return [one for one in json.loads(ran.stdout) if one["check"] == "translator"]


# as it should be


@pytest.mark.parametrize("name", KINDS)
async def test_calls_go_by_way_of_it(its_gateway: Program, name: str) -> None:
    kind = KINDS[name]

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            words = (b"converse-stream", b"streamGenerate", b'"stream":true')
            streamed = any(word in request.replace(b" ", b"") for word in words)
            await peer.say(*(kind.stream if streamed else [whole(200, kind.hello)]))
            if streamed:
                return

    async with calling(its_gateway) as (admin, _):
        firm = new_firm(admin)
        async with provider(firm, kind, script), assistant(firm) as client:
            answer = await client.chat.completions.create(model="default", messages=MESSAGES)
            stream = await client.chat.completions.create(model="default", messages=MESSAGES, stream=True)
            told = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert answer.choices[0].message.content == "Hello."
    assert "".join(told) == "Hello."
    below = children(its_gateway.process.pid).values()
    assert not [command for command in below if "gateway.translator" in command], "the gateway starts none of its own"


async def test_that_it_can_be_reached_is_said(site: Place, its_gateway: Program, tmp_path: Path) -> None:
    status, said = await until_ready_says(its_gateway, "reachable")
    assert (status, said["ready"], "cause" in said) == (200, True, False)
    assert metric(its_gateway) == "0.0"
    [found] = await asyncio.to_thread(checked, site, tmp_path)
    assert (found["state"], found["message"]) == ("ok", f"{site.url} answers and takes the token.")


def test_nothing_of_the_operators_is_in_its_environment(translator: Program) -> None:
    environ = Path(f"/proc/{translator.process.pid}/environ").read_bytes()
    command = Path(f"/proc/{translator.process.pid}/cmdline").read_bytes()
    assert b"gateway.translator" in command, "the program itself, in the place of what started it"
    assert not [word for word in (TOKEN.encode(), b"operator", b"HOUSESTYLE_") if word in environ + command]


async def test_another_certificate_is_taken_over_while_it_runs(site: Place, translator: Program) -> None:
    def serial() -> str:
        context = ssl.create_default_context(cafile=str(site.authority.file))
        plain = socket.create_connection(("localhost", site.port))
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            return str((connection.getpeercert() or {})["serialNumber"])

    before = await asyncio.to_thread(serial)
    site.renew()
    await asyncio.to_thread(wait_until, lambda: serial() != before, 30, "another certificate")
    assert translator.process.poll() is None


# who is not let in


async def test_a_gateway_with_another_token_is_told_so(site: Place, translator: Program, tmp_path: Path) -> None:
    seen: list[bytes] = []
    other = "of-another-0123456789abcdef0123456789"
    with site.gateway(tmp_path, HOUSESTYLE_TRANSLATOR_TOKEN=other) as program:
        async with calling(program) as (admin, http):
            firm = new_firm(admin)
            async with provider(firm, BEDROCK, answering(BEDROCK.hello, seen=seen)):
                answer = await http.post(CALLS, json=BODY, headers=firm.auth)
                row = await record(firm, answer.headers["x-call-id"])
        status, said = await until_ready_says(program, "refused this gateway's token")
        told = [answer.text, str(row), str(said), (tmp_path / "log").read_text(), site.log.read_text()]
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_unreachable")
    assert "HOUSESTYLE_TRANSLATOR_TOKEN is not the same at both" in error["message"]
    assert (row["status"], row["error"], row["attempts"]) == (502, "upstream_unreachable", 1)
    assert (status, said["ready"]) == (200, True), "its other providers can be called"
    assert said["cause"].startswith("providers that are translated cannot be called: ")
    assert seen == []
    assert "translator_token_refused" in site.log.read_text()
    assert not [text for text in told if other in text or TOKEN in text]
    [found] = await asyncio.to_thread(checked, site, tmp_path / "check", TOKEN=other)
    assert (found["state"], "refused this gateway's token" in found["message"]) == ("wrong", True)


async def test_a_gateway_that_believes_another_authority_sends_nothing(
    site: Place, translator: Program, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "Stranger")
    seen: list[bytes] = []
    with site.gateway(tmp_path, HOUSESTYLE_TRANSLATOR_CA_FILE=str(stranger.file)) as program:
        async with calling(program) as (admin, http):
            firm = new_firm(admin)
            async with provider(firm, BEDROCK, answering(BEDROCK.hello, seen=seen)):
                answer = await http.post(CALLS, json=BODY, headers=firm.auth)
        _, said = await until_ready_says(program, "certificate was refused")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_unreachable")
    assert error["message"].startswith("TLS with the translator failed, its certificate was refused")
    assert "HOUSESTYLE_TRANSLATOR_CA_FILE" in said["cause"]
    assert seen == []


async def test_who_shows_no_token_is_turned_away_unread(site: Place, translator: Program) -> None:
    context = ssl.create_default_context(cafile=str(site.authority.file))
    head = f"POST {CALLS} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n"
    reader, writer = await asyncio.open_connection("localhost", site.port, ssl=context)
    writer.write(head.encode() + b"{" * 1000)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize("length", [1, 200])
async def test_a_head_without_an_end_takes_neither_memory_nor_a_connection(
    site: Place, translator: Program, length: int
) -> None:
    context = ssl.create_default_context(cafile=str(site.authority.file))
    reader, writer = await asyncio.open_connection("localhost", site.port, ssl=context)
    writer.write(b"GET /healthz HTTP/1.1\r\nx: " + b"x" * 10_000 * length)
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


# how it ends


class Slow:
    """A provider that says "Hel" to a stream, and waits with its end; the first call besides it answers, to the next it
    says nothing."""

    def __init__(self) -> None:
        self.asked = 0
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def script(self, peer: Peer) -> None:
        """See Script."""
        while True:
            request = await peer.request()
            self.asked += 1
            streamed = b"converse-stream" in request
            if not streamed and self.asked == 2:
                await peer.say(whole(200, BEDROCK.hello))
                continue
            await peer.say(BEDROCK.stream[0] if streamed else b"")
            self.reached.set()
            await self.go_on.wait()
            await peer.say(BEDROCK.stream[1] if streamed else whole(200, BEDROCK.hello))


@contextlib.asynccontextmanager
async def under_way(
    http: httpx2.AsyncClient, firm: Firm, slow: Slow
) -> AsyncIterator[tuple[AsyncIterator[bytes], "asyncio.Task[httpx2.Response]"]]:
    """A stream that has begun, and a call that its provider has not answered; it went over a connection that was kept
    from one that is over, so that it could be sent again."""
    async with http.stream("POST", CALLS, json=STREAM, headers=firm.auth) as stream:
        events = stream.aiter_bytes()
        assert b"Hel" in await anext(events)
        assert (await http.post(CALLS, json=BODY, headers=firm.auth)).status_code == 200
        slow.reached.clear()
        unanswered = asyncio.create_task(http.post(CALLS, json=BODY, headers=firm.auth))
        await slow.reached.wait()
        yield events, unanswered


async def test_killed_and_started_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    slow = Slow()
    with contextlib.ExitStack() as stack:
        translator = stack.enter_context(place.translator())
        gateway = stack.enter_context(place.gateway(tmp_path))
        async with calling(gateway) as (admin, http):
            firm = new_firm(admin)
            async with provider(firm, BEDROCK, slow.script):
                async with under_way(http, firm, slow) as (events, unanswered):
                    translator.kill()
                    rest = b""
                    with pytest.raises(httpx2.RemoteProtocolError):
                        async for part in events:
                            rest += part
                    failed = await unanswered
                away = await http.post(CALLS, json=BODY, headers=firm.auth)
                status, said = await until_ready_says(gateway, "could not be reached")
                gauge = metric(gateway)
                [found] = await asyncio.to_thread(checked, place, tmp_path / "check")
                asked = slow.asked
                slow.go_on.set()
                stack.enter_context(place.translator())
                again = await http.post(CALLS, json=BODY, headers=firm.auth)
                back = await until_ready_says(gateway, "reachable")
    assert json.loads(rest.removeprefix(b"data: "))["error"]["code"] == "upstream_disconnected"
    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "upstream_protocol_error")
    assert asked == 3, "what may have been carried out is not sent again"
    assert (away.status_code, away.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert away.json()["error"]["message"].startswith("The translator could not be reached")
    assert (status, said["ready"], gauge, found["state"]) == (200, True, "1.0", "wrong")
    assert again.json()["choices"][0]["message"]["content"] == "Hello."
    assert (back[1]["translator"], metric_is_back(gateway.log)) == ("reachable", True)


def metric_is_back(log: Path) -> bool:
    """Whether the gateway's log tells of its going and coming, in that order."""
    said = [json.loads(line)["event"] for line in log.read_text().splitlines() if line.startswith("{")]
    told = [event for event in said if event in ("translator_away", "translator_reached")]
    return told[-2:] == ["translator_away", "translator_reached"]


async def test_at_sigterm_what_is_under_way_ends_whole(tmp_path: Path) -> None:
    place = Place(tmp_path)
    slow = Slow()
    with place.translator() as translator, place.gateway(tmp_path) as gateway:
        async with calling(gateway) as (admin, http):
            firm = new_firm(admin)
            async with provider(firm, BEDROCK, slow.script):
                async with under_way(http, firm, slow) as (events, unanswered):
                    translator.process.send_signal(signal.SIGTERM)
                    await until_ready_says(gateway, "could not be reached")  # it takes no more
                    assert translator.process.poll() is None
                    slow.go_on.set()
                    rest = b"".join([part async for part in events])
                    answer = await unanswered
                code = await asyncio.to_thread(translator.process.wait, 20)
                translator.stop()
    assert b"lo." in rest and rest.endswith(b"data: [DONE]\n\n")
    assert answer.json()["choices"][0]["message"]["content"] == "Hello."
    assert (slow.asked, code) == (3, 0)
    assert list(place.temporary.iterdir()) == [], "its directory is gone"


async def test_one_that_hangs_is_said_and_its_call_is_not_sent_twice(
    site: Place, translator: Program, tmp_path: Path
) -> None:
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            await peer.request()
            asked += 1
            await peer.say(whole(200, BEDROCK.hello))

    with site.gateway(tmp_path, HOUSESTYLE_FIRST_BYTE_TIMEOUT="2") as gateway:
        async with calling(gateway) as (admin, http):
            firm = new_firm(admin)
            async with provider(firm, BEDROCK, script):
                await until_ready_says(gateway, "reachable")
                translator.process.send_signal(signal.SIGSTOP)
                try:
                    answer = await http.post(CALLS, json=BODY, headers=firm.auth)
                    status, _ = await until_ready_says(gateway, "did not answer")
                finally:
                    translator.process.send_signal(signal.SIGCONT)
                await until_ready_says(gateway, "reachable")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    assert (status, asked <= 1) == (200, True)


# what is refused at the start


@pytest.mark.parametrize(
    ("host", "more", "words"),
    [
        ("127.0.0.1", {"TOKEN": ""}, "needs HOUSESTYLE_TRANSLATOR_TOKEN"),
        ("127.0.0.1", {"TOKEN": "short"}, "must have 32 characters or more"),
        ("0.0.0.0", {"CERT_FILE": "", "KEY_FILE": ""}, "HOUSESTYLE_TRANSLATOR_PLAINTEXT=true"),  # noqa: S104
        ("127.0.0.1", {"KEY_FILE": ""}, "go together"),
        ("127.0.0.1", {"PLAINTEXT": "true"}, "say one or the other"),
        ("127.0.0.1", {"PYTHON": "/nowhere/python"}, "there is no /nowhere/python"),
        ("192.0.2.1", {}, "Cannot listen on 192.0.2.1"),
    ],
)
def test_it_does_not_start_with_what_cannot_be_used(
    tmp_path: Path, host: str, more: dict[str, str], words: str
) -> None:
    environ = {**os.environ, **Place(tmp_path).environ(**more)}
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "translator", "--host", host, "--port", "0"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert words in ran.stderr
    assert TOKEN not in ran.stderr + ran.stdout


@pytest.mark.parametrize("variable", ["TOKEN", "CA_FILE"])
def test_a_gateway_does_not_start_with_what_cannot_be_used(tmp_path: Path, variable: str) -> None:
    with (
        pytest.raises(RuntimeError, match=f"HOUSESTYLE_TRANSLATOR_{variable}"),
        Place(tmp_path).gateway(tmp_path, **{f"HOUSESTYLE_TRANSLATOR_{variable}": "nothing"}),
    ):
        raise AssertionError("it serves")
