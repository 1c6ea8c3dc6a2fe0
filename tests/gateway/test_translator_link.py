"""The gateway's link to a translator, with translators that are scripts on real sockets: what is sent again and what
never, what answers in its place, TLS, and what is said of each. The real one is in translated/test_by_itself.py."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.settings import read
from gateway.translator_link import RemoteTranslator
from gateway.upstream.pool import Timeouts
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.server import Peer, Script, Server, serving
from tests.support.redis import free_port

TOKEN = "of-the-translator-0123456789abcdef"
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n"
TAKEN = b"HTTP/1.1 100 Continue\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nx-housestyle-translator: 1\r\ncontent-length: 2\r\n\r\n{}"


def remote(url: str, **more: str) -> RemoteTranslator:
    """As a gateway with these settings has it."""
    environ = {"URL": url, "TOKEN": TOKEN, **more}
    settings = read({f"HOUSESTYLE_TRANSLATOR_{name}": value for name, value in environ.items()})
    return RemoteTranslator(settings, Timeouts(2, 2, 2), bool)


def at(server: Server) -> str:
    """A server's URL."""
    return f"{server.origin.scheme}://{server.origin.authority.decode()}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whoever signs the translator's certificate."""
    return Authority(tmp_path)


async def call(translator: RemoteTranslator) -> int:
    """One call to its end; its status."""
    answer = await translator.link.request(HEAD, b"{}")
    with answer:
        await answer.read_up_to(1000)
    return answer.status


async def fails(translator: RemoteTranslator) -> GatewayError:
    """The error of a call that cannot be made."""
    with pytest.raises(GatewayError) as caught:
        await call(translator)
    assert TOKEN not in str(caught.value)
    return caught.value


# sent once, or again


def ending_second(*said: bytes) -> Script:
    """On the first connection the second call is read, and the connection ends after these words."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(TAKEN, ANSWER)
        await peer.request()
        if peer.number == 0:
            await peer.say(*said)
            await peer.arrived()
            peer.reset()
        else:
            await peer.say(TAKEN, ANSWER)

    return script


async def test_a_call_that_was_not_taken_up_is_sent_again_over_another_connection() -> None:
    async with serving(ending_second()) as server:
        translator = remote(at(server))
        assert [await call(translator), await call(translator)] == [200, 200]
        assert [len(peer.requests) for peer in server.peers] == [2, 1]
        translator.close()


async def test_a_call_that_was_taken_up_is_never_sent_again() -> None:
    async with serving(ending_second(TAKEN)) as server:
        translator = remote(at(server))
        assert await call(translator) == 200
        error = await fails(translator)
        assert (error.code, error.message) == (
            "upstream_protocol_error",
            "The translator closed the connection before it answered.",
        )
        assert [len(peer.requests) for peer in server.peers] == [2]
        translator.close()


async def test_it_is_asked_to_say_when_it_takes_a_call_up_and_shown_the_token() -> None:
    names = [name for name, _ in remote("https://translator").link.headers]
    assert names == [b"authorization", b"expect"]
    assert TOKEN not in repr(remote("https://translator").link.headers)


# what answers in its place


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}",
            "upstream_unreachable",
            "What answers in the translator's place is none (status 404).",
        ),
        (
            ANSWER.replace(b"200 OK", b"401 Unauthorized\r\nx-housestyle-refused: token"),
            "upstream_unreachable",
            "refused this gateway's token: HOUSESTYLE_TRANSLATOR_TOKEN",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "upstream_protocol_error", "The translator's"),
    ],
)
async def test_what_is_no_translator_or_does_not_know_this_gateway(answer: bytes, code: str, words: str) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(answer)

    async with serving(script) as server:
        translator = remote(at(server))
        error = await fails(translator)
        looked = await translator.look()
        translator.close()
    assert (error.code, words in error.message) == (code, True)
    assert words in str(looked)


async def test_a_providers_own_refusal_goes_on_as_it_is() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(ANSWER.replace(b"200 OK", b"401 Unauthorized"))

    async with serving(script) as server:
        translator = remote(at(server))
        assert await call(translator) == 401
        translator.close()


async def test_nobody_listens() -> None:
    translator = remote(f"http://127.0.0.1:{free_port()}")
    error = await fails(translator)
    assert error.code == "upstream_unreachable"
    assert error.message.startswith("The translator could not be reached: ")
    assert await translator.look() == error.message


async def test_one_that_never_answers_is_a_wait_that_may_be_the_providers() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with serving(script) as server:
        translator = remote(at(server))
        error = await fails(translator)
        assert (error.code, error.message) == ("upstream_timeout", "The provider did not answer in time.")
        assert "did not answer" in str(await translator.look())
        translator.close()


# TLS


async def answering(peer: Peer) -> None:
    """A translator that is well."""
    while True:
        await peer.request()
        await peer.say(ANSWER)


async def test_the_certificate_is_checked(authority: Authority, tmp_path: Path) -> None:
    strangers = Authority(tmp_path, "Stranger")
    table: list[tuple[ssl.SSLContext, str | None]] = [
        (authority.server("localhost"), None),
        (strangers.server("localhost"), "HOUSESTYLE_TRANSLATOR_CA_FILE can name a file"),
        (authority.server("elsewhere.example"), "not valid for 'localhost'"),
        (authority.server("localhost", expired=True), "certificate has expired"),
    ]
    for context, words in table:
        async with serving(answering, context) as server:
            translator = remote(at(server), CA_FILE=str(authority.file))
            looked = await translator.look()
            if words is None:
                assert (await call(translator), looked) == (200, None)
            else:
                error = await fails(translator)
                assert error.code == "upstream_unreachable"
                assert error.message.startswith("TLS with the translator failed, its certificate was refused")
                assert words in error.message
                assert looked == error.message
            translator.close()


async def test_one_without_tls_is_not_spoken_to_in_plain_text(authority: Authority) -> None:
    async with serving(_silent) as server:
        translator = remote(f"https://localhost:{server.port}", CA_FILE=str(authority.file))
        error = await fails(translator)
        translator.close()
        [peer, *_] = server.peers
        assert TOKEN.encode() not in b"".join(peer.requests)
    assert error.code == "upstream_unreachable"


async def _silent(peer: Peer) -> None:
    peer.requests.append(await peer.reader.read(100))
    await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
async def moved(authority: Authority, tmp_path: Path) -> AsyncIterator[tuple[Server, Path, Path]]:
    """A translator with a certificate of a new authority; the gateway's file, and the one to come."""
    new = Authority(tmp_path, "New")
    file = tmp_path / "ca.crt"
    file.write_bytes(authority.file.read_bytes())
    async with serving(answering, new.server("localhost")) as server:
        yield server, file, new.file


async def test_authorities_that_change_are_taken_over_while_it_runs(moved: tuple[Server, Path, Path]) -> None:
    server, file, new = moved
    states: list[bool] = []
    environ = {"URL": f"https://localhost:{server.port}", "TOKEN": TOKEN, "CA_FILE": str(file)}
    settings = read({f"HOUSESTYLE_TRANSLATOR_{name}": value for name, value in environ.items()})
    translator = RemoteTranslator(settings, Timeouts(2, 2, 2), states.append)
    watching = asyncio.create_task(translator.watch())
    await _until(lambda: states == [True])
    assert "certificate was refused" in str(translator.cause)
    (file.parent / "next").write_bytes(new.read_bytes())
    (file.parent / "next").replace(file)
    await _until(lambda: not states[-1])
    assert translator.cause is None
    assert await call(translator) == 200
    watching.cancel()
    translator.close()


async def _until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.02)
