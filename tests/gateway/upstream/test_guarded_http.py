"""The SDKs' client goes where the guard lets it, and nowhere that an answer sends it."""

import ipaddress
import socket

import httpx2
import pytest

from gateway.upstream.addresses import Guard
from gateway.upstream.guarded_http import client
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
