"""HTTPS_PROXY and NO_PROXY: what they say, and real tunnels through a real proxy."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.upstream.addresses import Found, Guard, InvalidUrl, Origin
from gateway.upstream.pool import Pool, Timeouts
from gateway.upstream.proxy import Proxies, Proxy, parse_proxy
from gateway.upstream.tls import client_context
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.server import Peer, Server, serving, turns

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


# what the variables say


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy:3128", Proxy("proxy", 3128)),
        ("http://proxy:3128/", Proxy("proxy", 3128)),
        (" http://proxy.example:3128 ", Proxy("proxy.example", 3128)),
        ("http://proxy", Proxy("proxy", 80)),
        ("HTTP://10.0.0.1:8080", Proxy("10.0.0.1", 8080)),
        ("http://[::1]:8080", Proxy("::1", 8080)),
        ("http://user:pass@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjpwYXNz")),
        ("http://user@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjo=")),
        ("http://u%40x:p%3A%2F@proxy:1", Proxy("proxy", 1, b"Basic dUB4OnA6Lw==")),
    ],
)
def test_a_proxys_url(url: str, proxy: Proxy) -> None:
    assert parse_proxy(url, None) == Proxies(proxy)


@pytest.mark.parametrize("url", [None, "", "  "])
def test_no_proxy_at_all(url: str | None) -> None:
    assert parse_proxy(url, "*") is None


@pytest.mark.parametrize(
    "url",
    [
        "proxy:3128",
        "https://user:geheim@proxy:3128",
        "socks5://user:geheim@proxy:3128",
        "http://user:geheim@",
        "http://user:geheim@proxy:geheim",
        "http://user:geheim@proxy:0",
        "http://user:geheim@proxy:3128/path",
        "http://user:geheim@proxy:3128?x",
        "http://user:geheim@pro xy:3128",
        "http://user:geheim@[::1",
    ],
)
def test_what_is_no_proxy_is_refused_in_words_without_its_password(url: str) -> None:
    with pytest.raises(InvalidUrl, match="HTTPS_PROXY") as refused:
        parse_proxy(url, None)
    assert "geheim" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_password_is_in_no_repr() -> None:
    proxies = parse_proxy("http://user:geheim@proxy:3128", "x")
    assert proxies is not None
    shown = repr(proxies) + str(proxies) + repr(proxies.proxy)
    assert "Basic" not in shown
    assert "geheim" not in shown
    assert "proxy" in shown


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "bypassed"),
    [
        ("", "api.example", 443, False),
        ("*", "api.example", 443, True),
        ("api.example", "api.example", 443, True),
        ("API.example", "api.EXAMPLE", 443, True),
        ("api.example", "api.example.", 443, True),
        ("example", "api.example", 443, True),
        (".example", "api.example", 443, True),
        (".example", "example", 443, True),
        ("*.example", "api.example", 443, True),
        ("example", "notexample", 443, False),
        ("api.example", "example", 443, False),
        ("a.example, b.example ,c.example", "b.example", 443, True),
        ("a.example,,b.example,", "c.example", 443, False),
        ("api.example:443", "api.example", 443, True),
        ("api.example:8443", "api.example", 443, False),
        (".example:8443", "api.example", 8443, True),
        ("10.0.0.1", "10.0.0.1", 443, True),
        ("10.0.0.1", "10.0.0.10", 443, False),
        ("0.1", "10.0.0.1", 443, False),
        ("10.0.0.1:8443", "10.0.0.1", 8443, True),
        ("10.0.0.1:8443", "10.0.0.1", 443, False),
        ("10.0.0.0/8", "10.9.9.9", 443, True),
        ("10.0.0.0/8", "11.0.0.1", 443, False),
        ("10.0.0.0/8", "ten.example", 443, False),
        ("::1", "::1", 443, True),
        ("[::1]", "::1", 443, True),
        ("[::1]:8443", "::1", 8443, True),
        ("[::1]:8443", "::1", 443, False),
        ("fd00::/8", "fd00::1", 443, True),
        ("fd00::/8", "10.0.0.1", 443, False),
        (".", "api.example", 443, False),
    ],
)
def test_who_is_reached_without_it(no_proxy: str, host: str, port: int, bypassed: bool) -> None:
    proxies = parse_proxy("http://proxy:3128", no_proxy)
    assert proxies is not None
    assert proxies.bypasses(Origin("https", host, port)) is bypassed
    assert (proxies.of(Origin("https", host, port)) is None) is bypassed


def test_it_is_for_https_alone() -> None:
    proxies = parse_proxy("http://proxy:3128", None)
    assert proxies is not None
    assert proxies.bypasses(Origin("http", "api.example", 80))
    assert proxies.bypasses(Origin("https", "api.example", 443, "/run/x"))


@given(st.text(), st.text())
@settings(max_examples=200)
def test_any_text_is_a_proxy_or_is_refused(url: str, no_proxy: str) -> None:
    try:
        proxies = parse_proxy("http://" + url, no_proxy)
    except InvalidUrl:
        return
    assert proxies is not None
    assert 0 < proxies.proxy.port < 65536
    assert proxies.bypasses(Origin("https", "host.example", 443)) in (True, False)


@pytest.mark.parametrize(("host", "target"), [("api.example", b"api.example:443"), ("::1", b"[::1]:443")])
def test_what_a_proxy_is_asked(host: str, target: bytes) -> None:
    line = b"CONNECT " + target + b" HTTP/1.1\r\nhost: " + target + b"\r\n"
    assert Proxy("proxy", 1).connect(host, 443) == line + b"\r\n"
    assert Proxy("proxy", 1, b"Basic x").connect(host, 443) == line + b"proxy-authorization: Basic x\r\n\r\n"


# tunnels


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


async def echo(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"%d.%d" % (peer.number, len(peer.requests)))


async def tunnel(peer: Peer) -> None:
    """A proxy: connects to the port that it is asked for, on this machine, and passes bytes both ways."""
    head = await peer.request()
    port = int(head.split(b" ")[1].rpartition(b":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await peer.say(OPEN)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    try:
        await asyncio.gather(pump(reader, peer.writer), pump(peer.reader, writer))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def proxied(proxy: Server, authority: Authority, guard: Guard, timeouts: Timeouts | None = None) -> Pool:
    proxies = parse_proxy(f"http://user:geheim@127.0.0.1:{proxy.port}", "direct.example")
    return Pool(guard, timeouts or Timeouts(20, 20, 20), client_context(str(authority.file)), proxies)


@contextlib.asynccontextmanager
async def closing(pool: Pool) -> AsyncIterator[Pool]:
    try:
        yield pool
    finally:
        pool.close()
        await turns()


async def call(pool: Pool, origin: Origin) -> bytes:
    with await pool.request(origin, HEAD, b"{}") as answer:
        return await answer.read_up_to(1000)


async def refusal(pool: Pool, origin: Origin) -> GatewayError:
    with pytest.raises(GatewayError) as failed:
        await call(pool, origin)
    assert "geheim" not in failed.value.message
    return failed.value


async def test_a_provider_through_the_proxy(authority: Authority, guard: Guard) -> None:
    tls = authority.server("localhost")
    async with (
        serving(echo, tls) as server,
        serving(tunnel) as proxy,
        closing(proxied(proxy, authority, guard)) as pool,
    ):
        assert [await call(pool, server.origin) for _ in range(2)] == [b"0.1", b"0.2"]
        target = b"localhost:%d" % server.port
        asked = b"CONNECT " + target + b" HTTP/1.1\r\nhost: " + target + b"\r\n"
        assert proxy.peers[0].requests == [asked + b"proxy-authorization: Basic dXNlcjpnZWhlaW0=\r\n\r\n"]
        assert b"proxy-authorization" not in server.peers[0].requests[0]


async def test_a_provider_beside_the_proxy(authority: Authority, everywhere_here: Guard) -> None:
    tls = authority.server("direct.example")
    async with (
        serving(echo, tls) as server,
        serving(tunnel) as proxy,
        closing(proxied(proxy, authority, everywhere_here)) as pool,
    ):
        assert await call(pool, Origin("https", "direct.example", server.port)) == b"0.1"
        assert proxy.peers == []


async def test_a_provider_without_tls_is_reached_directly(authority: Authority, guard: Guard) -> None:
    async with serving(echo) as server, serving(tunnel) as proxy, closing(proxied(proxy, authority, guard)) as pool:
        assert await call(pool, server.origin) == b"0.1"
        assert proxy.peers == []


async def test_the_certificate_is_the_providers_not_the_proxys(authority: Authority, guard: Guard) -> None:
    tls = authority.server("other.example")
    async with (
        serving(echo, tls) as server,
        serving(tunnel) as proxy,
        closing(proxied(proxy, authority, guard)) as pool,
    ):
        error = await refusal(pool, server.origin)
        assert error.code == "upstream_unreachable"
        assert "Hostname mismatch" in error.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Auth\r\nproxy-authenticate: Basic\r\ncontent-length: 2\r\n\r\nno", "user and a password"),
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", "status 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "status 502"),
        (b"HTTP/1.1 301 Elsewhere\r\nlocation: http://elsewhere/\r\n\r\n", "status 301"),
        (b"SSH-2.0-x\r\n", "could not be read"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, "could not be read"),
        (b"HTTP/1.1 100 Go\r\n\r\n" * 10_000, "could not be read"),
        (OPEN + b"\x16\x03\x03", "could not be read"),
        (b"HTTP/1.1 101 X\r\n\r\n", "could not be read"),
        (b"", "closed the connection"),
        (b"HTTP/1.1 200", "closed the connection"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel(authority: Authority, guard: Guard, answer: bytes, words: str) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)

    async with serving(run) as proxy, closing(proxied(proxy, authority, guard)) as pool:
        error = await refusal(pool, Origin("https", "localhost", 443))
        assert error.code == "upstream_unreachable"
        assert words in error.message
        assert "proxy" in error.message


async def test_a_proxy_of_an_older_http(authority: Authority, guard: Guard) -> None:
    async def run(peer: Peer) -> None:
        peer.say, say = (lambda *_: say(b"HTTP/1.0 200 Connection established\r\nvia: x\r\n\r\n")), peer.say  # type: ignore[method-assign]
        await tunnel(peer)

    tls = authority.server("localhost")
    async with serving(echo, tls) as server, serving(run) as proxy, closing(proxied(proxy, authority, guard)) as pool:
        assert await call(pool, server.origin) == b"0.1"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", OPEN])
async def test_a_proxy_that_says_no_more(authority: Authority, guard: Guard, said: bytes) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(said)
        await peer.gone()

    async with serving(run) as proxy, closing(proxied(proxy, authority, guard, Timeouts(connect=0.3))) as pool:
        error = await refusal(pool, Origin("https", "localhost", 443))
        assert error.code == "upstream_timeout"
        async with asyncio.timeout(10):
            await proxy.peers[0].ended.wait()


async def test_a_proxy_that_is_not_there(authority: Authority, guard: Guard) -> None:
    async with serving(echo) as gone:
        pass
    async with closing(proxied(gone, authority, guard)) as pool:
        error = await refusal(pool, Origin("https", "localhost", 443))
        assert (error.code, "proxy" in error.message) == ("upstream_unreachable", True)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "2130706433", "0x7f.1", "::1", "localhost"])
async def test_what_is_not_allowed_is_not_asked_of_the_proxy(authority: Authority, host: str) -> None:
    async with serving(tunnel) as proxy, closing(proxied(proxy, authority, Guard())) as pool:
        error = await refusal(pool, Origin("https", host, 443))
        assert (error.code, "not allowed" in error.message) == ("upstream_unreachable", True)
        await turns()
        assert proxy.peers == []


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_name_that_only_the_proxy_knows(authority: Authority, hangs: bool) -> None:
    async def lookup(host: str, port: int) -> Found:
        if hangs:
            await asyncio.Event().wait()
        raise OSError(f"{host}:{port} is not known here")

    guard = Guard([ipaddress.ip_network("127.0.0.0/8")], lookup)
    tls = authority.server("inside.example")
    async with (
        serving(echo, tls) as server,
        serving(tunnel) as proxy,
        closing(proxied(proxy, authority, guard, Timeouts(2, 20, 20))) as pool,
    ):
        assert await call(pool, Origin("https", "inside.example", server.port)) == b"0.1"


async def test_a_cancelled_call_leaves_the_tunnel(authority: Authority, guard: Guard) -> None:
    arrived = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.gone()

    async with serving(run) as proxy, closing(proxied(proxy, authority, guard)) as pool:
        task = asyncio.create_task(call(pool, Origin("https", "localhost", 443)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            await proxy.peers[0].ended.wait()


async def test_a_unix_socket_is_reached_by_its_path_alone(tmp_path: Path) -> None:
    """No guard, no proxy, no name."""

    async def lookup(host: str, port: int) -> Found:
        raise AssertionError(f"{host}:{port} was looked up")

    proxies = parse_proxy("http://127.0.0.1:1", None)
    path = str(tmp_path / "socket")
    async with serving(echo, unix=path) as server, closing(Pool(Guard((), lookup), Timeouts(), None, proxies)) as pool:
        assert server.origin.unix == path
        assert [await call(pool, server.origin) for _ in range(2)] == [b"0.1", b"0.2"]
        other = Origin("http", server.origin.host, server.origin.port, path + "-other")
        assert (await refusal(pool, other)).code == "upstream_unreachable"
