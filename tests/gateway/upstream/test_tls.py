"""TLS with real handshakes: whom the gateway believes, what it says when it does not, sessions, and ends."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.upstream.addresses import Guard, Origin
from gateway.upstream.pool import Pool, Timeouts
from gateway.upstream.tls import client_context
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.server import Elsewhere, Peer, serving, standstill, turns

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def trusting(authority: Authority, guard: Guard) -> AsyncIterator[Pool]:
    """A pool that believes the authority."""
    pool = Pool(guard, Timeouts(20, 20, 20), client_context(str(authority.file)))
    try:
        yield pool
    finally:
        pool.close()
        await turns()


async def echo(peer: Peer) -> None:
    """Answers with the connection's number, the request's, and whether its session was resumed."""
    while True:
        await peer.request()
        resumed = peer.writer.get_extra_info("ssl_object").session_reused
        await peer.answer(b"%d.%d.%d" % (peer.number, len(peer.requests), resumed))


async def call(pool: Pool, origin: Origin) -> bytes:
    with await pool.request(origin, HEAD, b"{}") as answer:
        return await answer.read_up_to(64 << 20)


async def refusal(pool: Pool, origin: Origin) -> str:
    with pytest.raises(GatewayError) as failed:
        await call(pool, origin)
    assert failed.value.code == "upstream_unreachable"
    return failed.value.message


async def test_a_trusted_provider(trusting: Pool, authority: Authority) -> None:
    async with serving(echo, authority.server("localhost")) as server:
        assert [await call(trusting, server.origin) for _ in range(2)] == [b"0.1.0", b"0.2.0"]


async def test_an_upstream_on_a_unix_socket_with_tls(trusting: Pool, authority: Authority, tmp_path: Path) -> None:
    async with serving(echo, authority.server("localhost"), str(tmp_path / "s")) as server:
        assert await call(trusting, server.origin) == b"0.1.0"


async def test_a_certificate_for_another_name(trusting: Pool, authority: Authority) -> None:
    async with serving(echo, authority.server("other.example")) as server:
        assert "certificate was refused: Hostname mismatch" in await refusal(trusting, server.origin)


async def test_a_certificate_for_a_name_where_an_address_is_meant(trusting: Pool, authority: Authority) -> None:
    async with serving(echo, authority.server("localhost")) as server:
        assert "certificate was refused: IP address mismatch" in await refusal(
            trusting, Origin("https", "127.0.0.1", server.port)
        )


async def test_a_certificate_that_has_expired(trusting: Pool, authority: Authority) -> None:
    async with serving(echo, authority.server("localhost", expired=True)) as server:
        assert "certificate has expired" in await refusal(trusting, server.origin)


async def test_a_certificate_that_signs_itself(trusting: Pool, authority: Authority) -> None:
    async with serving(echo, authority.self_signed()) as server:
        words = await refusal(trusting, server.origin)
        assert "self-signed certificate" in words
        assert "SSL_CERT_FILE" in words


async def test_an_authority_that_nobody_knows(pool: Pool, authority: Authority) -> None:
    async with serving(echo, authority.server("localhost")) as server:
        words = await refusal(pool, server.origin)
        assert "unable to get local issuer certificate" in words
        assert "SSL_CERT_FILE" in words


async def test_an_old_tls(trusting: Pool, authority: Authority) -> None:
    old = authority.server("localhost")
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(echo, old) as server:
        assert "TLS" in await refusal(trusting, server.origin)


SCRIPT = """
import asyncio, ipaddress, sys
from gateway.upstream.addresses import Guard, Origin
from gateway.upstream.pool import Pool, Timeouts
async def main():
    pool = Pool(Guard([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]), Timeouts())
    head = b"GET / HTTP/1.1\\r\\nhost: here\\r\\ncontent-length: 0\\r\\n\\r\\n"
    with await pool.request(Origin("https", "localhost", int(sys.argv[1])), head, b"") as answer:
        print((await answer.read()).decode())
    pool.close()
asyncio.run(main())
"""


@pytest.mark.parametrize("named", [True, False])
async def test_an_own_authority_is_named_in_the_environment(authority: Authority, named: bool) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    if named:
        environ["SSL_CERT_FILE"] = str(authority.file)
    async with serving(echo, authority.server("localhost")) as server:
        command = [sys.executable, "-c", SCRIPT, str(server.port)]
        ended = await asyncio.to_thread(subprocess.run, command, env=environ, capture_output=True, text=True)
    assert (ended.stdout, ended.returncode == 0) == (("0.1.0\n", True) if named else ("", False)), ended.stderr
    assert named or "certificate was refused" in ended.stderr


# sessions


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_resumed(trusting: Pool, authority: Authority, version: ssl.TLSVersion) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        resumed = peer.writer.get_extra_info("ssl_object").session_reused
        await peer.say(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n%d" % resumed)

    tls = authority.server("localhost")
    tls.minimum_version = tls.maximum_version = version
    async with serving(once, tls) as server:
        assert [await call(trusting, server.origin) for _ in range(4)] == [b"0", b"1", b"1", b"1"]
        assert len(server.peers) == 4


async def test_no_session_is_resumed_under_another_name(authority: Authority, everywhere_here: Guard) -> None:
    pool = Pool(everywhere_here, Timeouts(20, 20, 20), client_context(str(authority.file)))
    async with serving(echo, authority.server("localhost", "other.example")) as server:
        assert await call(pool, server.origin) == b"0.1.0"
        assert await call(pool, Origin("https", "other.example", server.port)) == b"1.1.0"
    pool.close()
    await turns()


async def test_the_sessions_of_many_names_are_bounded(trusting: Pool, authority: Authority) -> None:
    context = client_context(str(authority.file))

    class Named:
        """As much of a TLS object as is asked for its session."""

        def __init__(self, name: str, session: ssl.SSLSession) -> None:
            self.server_hostname = name
            self.session = session

    async with serving(echo, authority.server("localhost")) as server:
        with await trusting.request(server.origin, HEAD, b"{}") as answer:
            await answer.read_up_to(100)
            real = answer._connection.tls
            assert real is not None
            assert real.session is not None
            for number in range(1000):
                assert context.keep_session(Named(str(number), real.session))  # type: ignore[arg-type]
    assert list(context._sessions) == [str(number) for number in range(744, 1000)]


# ends


async def test_an_answer_that_ends_with_its_tls_connection(trusting: Pool, authority: Authority) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nok")

    async with serving(run, authority.server("localhost")) as server:
        assert await call(trusting, server.origin) == b"ok"


async def test_an_end_that_the_provider_did_not_say_is_a_cut(trusting: Pool, authority: Authority) -> None:
    """A connection can be ended by anybody on the way; a TLS connection's end is said by the provider alone."""

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await said.wait()
        peer.reset()  # nothing of TLS is said any more

    said = asyncio.Event()
    async with serving(run, authority.server("localhost")) as server:
        with await trusting.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"half"
            said.set()
            with pytest.raises(GatewayError) as cut:
                await answer.read()
            assert cut.value.code == "upstream_disconnected"


@pytest.mark.parametrize("how", ["length", "close"])
async def test_a_slow_reader_gets_all_of_an_answer_whose_connection_has_ended(
    trusting: Pool, authority: Authority, how: str
) -> None:
    body = bytes(range(256)) * 4096
    sent = 0

    async def run(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        length = b"content-length: %d\r\n" % len(body) if how == "length" else b""
        await peer.say(b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + length + b"\r\n")
        for at in range(0, len(body), 16384):
            await peer.say(body[at : at + 16384])
            sent = at

    async with serving(run, authority.server("localhost")) as server:
        with await trusting.request(server.origin, HEAD, b"{}") as answer:
            await standstill(lambda: sent)
            found = b""
            while part := await answer.read():
                found += part
                await turns(5)
            assert found == body


async def test_a_slow_reader_is_told_of_an_end_that_the_provider_did_not_say(
    trusting: Pool, authority: Authority
) -> None:
    """The connection ends without TLS's own word, while part of the answer lies undecrypted."""
    body = bytes(range(256)) * 4096

    def cut(connection: socket.socket) -> None:
        left = len(HEAD + b"{}")
        while left:  # what is unread when a socket closes would make it a reset
            left -= len(connection.recv(left))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        socket.socket.shutdown(connection, socket.SHUT_WR)

    found = b""
    with (
        Elsewhere(cut, authority.server("localhost")) as upstream,
        pytest.raises(GatewayError) as failed,
        await trusting.request(upstream.origin, HEAD, b"{}") as answer,
    ):
        while part := await answer.read():
            found += part
            await turns(20)
    assert failed.value.code == "upstream_disconnected"
    assert len(found) == len(body)
    assert found == body


async def test_a_large_body_both_ways(trusting: Pool, authority: Authority) -> None:
    body = bytes(range(256)) * 40_000
    head = b"POST /v1/x HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % len(body)

    async def run(peer: Peer) -> None:
        await peer.answer((await peer.request()).partition(b"\r\n\r\n")[2])

    async with serving(run, authority.server("localhost")) as server:
        with await trusting.request(server.origin, head, body) as answer:
            assert await answer.read_up_to(len(body)) == body


@pytest.fixture(autouse=True)
def _loop_is_quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing of a refused handshake is left to the event loop's log on our side."""
    yield
    assert [record for record in caplog.records if "Task" in record.getMessage()] == []
