"""Where a provider's URL may lead: the guard, and the reading of the URL."""

import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream.addresses import AddressNotAllowed, Found, Guard, InvalidUrl, Origin, parse_base_url

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
REFUSED = [
    # loopback, unspecified
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.1.2.3",
    "::1",
    "::",
    # private, shared
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fc00::1",
    "fd12:3456::1",
    # link-local, and what clouds keep there and elsewhere
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "100.100.100.200",
    "fe80::1",
    # documentation, benchmarks, reserved, broadcast, multicast
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "192.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "224.0.0.1",
    "239.255.255.250",
    "2001:db8::1",
    "100::1",
    "3fff::1",
    "fec0::1",
    "192.88.99.1",  # 6to4 relays
    "168.63.129.16",  # Azure's host agent
    "ff02::1",
    "ff0e::1",
    # private IPv4 in IPv6 clothes
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b:1::808:808",
    "64:ff9b:1:7f00:0:100::",
    "64:ff9b::6440:1",
    "2002:6440:1::1",
    "::ffff:168.63.129.16",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo of 10.0.0.1
]


def check(address: str, *allowed: str) -> None:
    Guard([ipaddress.ip_network(network) for network in allowed]).check("the host", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    check(address)


@pytest.mark.parametrize("address", REFUSED)
def test_every_other_address_is_refused(address: str) -> None:
    with pytest.raises(AddressNotAllowed, match="the host"):
        check(address)


@pytest.mark.parametrize(
    ("address", "network", "allowed"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3/32", True),
        ("11.0.0.1", "10.0.0.0/8", True),  # public
        ("10.1.2.4", "10.1.2.3/32", False),
        ("127.0.0.1", "10.0.0.0/8", False),
        ("127.0.0.1", "::/0", False),
        ("::1", "0.0.0.0/0", False),
        ("::1", "::1/128", True),
        ("fd00::1", "fd00::/8", True),
        ("169.254.169.254", "10.0.0.0/8", False),
        ("::ffff:10.0.0.1", "10.0.0.0/8", True),
        ("::ffff:127.0.0.1", "10.0.0.0/8", False),
        ("64:ff9b::a00:1", "10.0.0.0/8", True),
        ("2002:7f00:1::", "2002::/16", False),
    ],
)
def test_the_allow_list(address: str, network: str, allowed: bool) -> None:
    if allowed:
        check(address, network)
    else:
        with pytest.raises(AddressNotAllowed):
            check(address, network)


def test_several_networks_are_allowed() -> None:
    for address in ("10.0.0.1", "192.168.0.1", "::1"):
        check(address, "10.0.0.0/8", "192.168.0.0/16", "::1/128")


IPV4 = st.ip_addresses(v=4)
WRAPPINGS = [
    lambda v4: ipaddress.IPv6Address((0xFFFF << 32) | int(v4)),
    lambda v4: ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(v4)),
    lambda v4: ipaddress.IPv6Address((0x2002 << 112) | (int(v4) << 80) | 1),
]


@given(IPV4, st.sampled_from(WRAPPINGS))
@settings(max_examples=200)
def test_a_wrapping_changes_no_judgement(v4: ipaddress.IPv4Address, wrap: object) -> None:
    assert callable(wrap)
    outcomes = []
    for address in (v4, wrap(v4)):
        try:
            Guard().check("h", address)
        except AddressNotAllowed:
            outcomes.append("refused")
        else:
            outcomes.append("allowed")
    assert outcomes[0] == outcomes[1]


# names and literals, through the real resolver


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "::1",
        "127.1",
        "0x7f.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "0",
        "::ffff:7f00:1",
    ],
)
async def test_every_way_to_write_this_machine(host: str) -> None:
    with pytest.raises(AddressNotAllowed):
        await Guard().resolve(host, 80)


async def test_what_is_resolved_is_what_is_connected_to() -> None:
    guard = Guard([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])
    found = await guard.resolve("localhost", 8080)
    assert found
    for family, address in found:
        assert family in (socket.AF_INET, socket.AF_INET6)
        assert ipaddress.ip_address(address[0]).is_loopback
        assert address[1] == 8080


async def test_a_literal_needs_no_name_server() -> None:
    assert await Guard().resolve("8.8.8.8", 443) == [(socket.AF_INET, ("8.8.8.8", 443))]


async def test_a_name_server_that_changes_its_answer() -> None:
    """Each connection goes to an address that was judged for it: no second look-up lies between."""
    answers = iter(["8.8.8.8", "127.0.0.1", "169.254.169.254", "8.8.4.4"])
    asked: list[tuple[str, int]] = []

    async def lookup(host: str, port: int) -> Found:
        asked.append((host, port))
        return [(socket.AF_INET, (next(answers), port))]

    guard = Guard((), lookup)
    assert await guard.resolve("changing.example", 443) == [(socket.AF_INET, ("8.8.8.8", 443))]
    for _ in range(2):
        with pytest.raises(AddressNotAllowed, match=r"changing\.example"):
            await guard.resolve("changing.example", 443)
    assert await guard.resolve("changing.example", 443) == [(socket.AF_INET, ("8.8.4.4", 443))]
    assert asked == [("changing.example", 443)] * 4


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async def lookup(host: str, port: int) -> Found:
        return [(socket.AF_INET, ("8.8.8.8", port)), (socket.AF_INET6, ("fe80::1%eth0", port, 0, 2))]

    with pytest.raises(AddressNotAllowed, match=r"mixed\.example"):
        await Guard((), lookup).resolve("mixed.example", 443)


async def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(OSError, match=r"."):
        await Guard().resolve("nowhere.invalid", 443)


# the reading of a URL


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.openai.com/v1", Origin("https", "api.openai.com", 443), "/v1"),
        ("https://api.openai.com/v1/", Origin("https", "api.openai.com", 443), "/v1"),
        ("https://api.anthropic.com", Origin("https", "api.anthropic.com", 443), ""),
        ("https://api.anthropic.com/", Origin("https", "api.anthropic.com", 443), ""),
        ("HTTPS://API.OpenAI.com/V1", Origin("https", "api.openai.com", 443), "/V1"),
        ("http://localhost:8090/v1", Origin("http", "localhost", 8090), "/v1"),
        ("http://host:80", Origin("http", "host", 80), ""),
        ("http://host:443", Origin("http", "host", 443), ""),
        ("https://host:", Origin("https", "host", 443), ""),
        ("https://[2606:4700::1]/v1", Origin("https", "2606:4700::1", 443), "/v1"),
        ("https://[::1]:8443/v1", Origin("https", "::1", 8443), "/v1"),
        ("https://10.0.0.1:8443", Origin("https", "10.0.0.1", 8443), ""),
        ("https://firm.openai.azure.com/openai/v1", Origin("https", "firm.openai.azure.com", 443), "/openai/v1"),
        ("https://host/a%20b/", Origin("https", "host", 443), "/a%20b"),
        ("https://xn--bcher-kva.example", Origin("https", "xn--bcher-kva.example", 443), ""),
    ],
)
def test_urls(url: str, origin: Origin, path: str) -> None:
    assert parse_base_url(url) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "api.openai.com/v1",
        "//api.openai.com/v1",
        "/v1",
        "ftp://host/v1",
        "file:///etc/passwd",
        "unix:///run/x.sock",
        "ws://host",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://:443/v1",
        "https://user@host/v1",
        "https://user:password@host/v1",
        "https://:password@host/v1",
        "https://host/v1?key=1",
        "https://host/v1#part",
        "https://host:port",
        "https://host:65536",
        "https://host:-1",
        "https://[::1",
        "https://::1]/",
        "https://[nonsense]/",
        "https://host/a b",
        "https://host/\x7f",
        "https://host/é",
        "https://hôte/v1",
        "https://api.openai.com\\@evil.example/",
        "https://host:0/",
        "https://ho st/",
        "https://h\0ost/",
        "https://host\x7f/",
        "https://host%0d/",
        "https://host,other/",
        "https://host\\x/",
        "https://a..b/",
        "https://" + "a" * 64 + ".example/",
        "https://[fe80::1%25eth0]/",
    ],
)
def test_what_is_no_url_to_connect_to(url: str) -> None:
    with pytest.raises(InvalidUrl):
        parse_base_url(url)


@pytest.mark.parametrize("between", ["\r", "\n", "\t", "\r\n"])
def test_no_line_end_comes_through(between: str) -> None:
    try:
        origin, path = parse_base_url(f"https://host{between}x/v1{between}y")
    except InvalidUrl:
        return
    assert not set("\r\n\t") & set(origin.host + path)


@given(st.text() | st.text().map(lambda text: "https://" + text))
@settings(max_examples=200)
def test_any_text_is_a_url_or_is_refused(url: str) -> None:
    try:
        origin, path = parse_base_url(url)
    except InvalidUrl:
        return
    assert origin.host.isascii()
    assert 0 < origin.port < 65536
    assert path.isascii()
    assert not path.endswith("/")
    assert not set(" \r\n\t") & set(path)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin("https", "host", 443), b"host"),
        (Origin("https", "host", 8443), b"host:8443"),
        (Origin("https", "host", 80), b"host:80"),
        (Origin("http", "host", 80), b"host"),
        (Origin("http", "host", 443), b"host:443"),
        (Origin("https", "::1", 443), b"[::1]"),
        (Origin("https", "::1", 8443), b"[::1]:8443"),
    ],
)
def test_the_host_header(origin: Origin, authority: bytes) -> None:
    assert origin.authority == authority
