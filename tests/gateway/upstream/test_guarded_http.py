"""The SDKs' client goes where the guard lets it, and nowhere that an answer sends it."""

import ipaddress
import socket

import httpx2
import pytest

from gateway.upstream.addresses import Found, Guard
from gateway.upstream.guarded_http import client
from gateway.upstream.proxy import Proxies, parse_proxy
from tests.gateway.upstream.server import Peer, serving, turns


async def echo(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"%d" % peer.number)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433"])
async def test_a_private_address_is_never_connected_to(host: str) -> None:
    async with serving(echo) as server, client(Guard([ipaddress.ip_network("10.0.0.0/8")])) as http:
        with pytest.raises(httpx2.ConnectError, match="not a public address"):
            await http.get(f"http://{host}:{server.port}/v1")
        await turns()
        assert server.peers == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_an_allowed_one_is_reached_under_its_own_name(host: str, guard: Guard) -> None:
    async with serving(echo) as server, client(guard) as http:
        assert (await http.get(f"http://{host}:{server.port}/v1/files?a=b")).content == b"0"
        head = server.peers[0].requests[0].lower()
        assert head.startswith(b"get /v1/files?a=b http/1.1\r\n")
        assert f"host: {host}:{server.port}\r\n".encode() in head


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer(guard: Guard, status: int) -> None:
    async def elsewhere(peer: Peer) -> None:
        await peer.request()
        await peer.say(
            b"HTTP/1.1 %d Elsewhere\r\nlocation: http://127.0.0.1:%d/\r\ncontent-length: 0\r\n\r\n"
            % (status, target.port),
        )

    async with serving(echo) as target, serving(elsewhere) as server, client(guard) as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/")
        assert answer.status_code == status
        await turns()
        assert target.peers == []


async def test_a_name_that_does_not_resolve(guard: Guard) -> None:
    async with client(guard) as http:
        with pytest.raises(httpx2.ConnectError, match="does not resolve"):
            await http.get("http://nowhere.invalid/")


async def test_a_provider_that_is_not_there(guard: Guard) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with client(guard) as http:
            with pytest.raises(httpx2.ConnectError):
                await http.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")


# through a proxy


async def tunnel_refused(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 407 Auth\r\ncontent-length: 0\r\n\r\n")
    await peer.gone()


def proxies(port: int, no_proxy: str = "") -> Proxies:
    found = parse_proxy(f"http://user:geheim@127.0.0.1:{port}", no_proxy)
    assert found is not None
    return found


async def test_https_goes_by_the_proxy(guard: Guard) -> None:
    async with serving(tunnel_refused) as proxy, client(guard, proxies(proxy.port)) as http:
        with pytest.raises(httpx2.ProxyError, match="407") as refused:
            await http.get("https://localhost:8443/v1")
        assert "geheim" not in str(refused.value)
        head = proxy.peers[0].requests[0].lower()
        assert head.startswith(b"connect localhost:8443 http/1.1\r\n")
        assert b"proxy-authorization: basic dxnlcjpnzwhlaw0=\r\n" in head


async def test_a_name_that_only_the_proxy_knows() -> None:
    async def lookup(host: str, port: int) -> Found:
        raise OSError(f"{host}:{port} is not known here")

    async with serving(tunnel_refused) as proxy, client(Guard((), lookup), proxies(proxy.port)) as http:
        with pytest.raises(httpx2.ProxyError):
            await http.get("https://inside.example/v1")
        assert proxy.peers[0].requests[0].startswith(b"CONNECT inside.example:443 ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/v1", "https://127.0.0.1:{}/v1"])
async def test_what_the_proxy_is_not_for_goes_directly(guard: Guard, url: str) -> None:
    async def run(peer: Peer) -> None:
        if not url.startswith("https"):
            await echo(peer)

    async with serving(run) as server, serving(echo) as proxy:
        async with client(guard, proxies(proxy.port, "127.0.0.0/8")) as http:
            if url.startswith("https"):
                with pytest.raises(httpx2.ConnectError):  # the server speaks no TLS
                    await http.get(url.format(server.port))
            else:
                assert (await http.get(url.format(server.port))).content == b"0"
        assert len(server.peers) == 1
        assert proxy.peers == []


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "2130706433", "localhost"])
async def test_what_is_not_allowed_is_not_asked_of_the_proxy(host: str) -> None:
    async with serving(tunnel_refused) as proxy, client(Guard(), proxies(proxy.port)) as http:
        with pytest.raises(httpx2.ConnectError, match="not a public address"):
            await http.get(f"https://{host}/v1")
        await turns()
        assert proxy.peers == []
