"""The address guard: where a URL that an admin gave may lead.

A name is resolved here, every address that it resolves to is judged, and the connection is made to the judged
address, so that a second answer of the DNS cannot lead elsewhere. One guard for every such URL.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Found = list[tuple[int, Any]]
Lookup = Callable[[str, int], Awaitable[Found]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# Inside by what they lead to, though releases of `ipaddress` differ in what they call global: 6to4 relays, Azure's host
# agent, IPv4-compatible (RFC 4291), a site's own NAT64 (RFC 8215), documentation, site-local.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.88.99.0/24",
        "168.63.129.16/32",
        "::/96",
        "64:ff9b:1::/48",
        "3fff::/20",
        "fec0::/10",
    )
)
_PORTS = {"http": 80, "https": 443}


class AddressNotAllowed(Exception):
    """The host resolves to an address that is private, and that nothing allows."""


class InvalidUrl(ValueError):
    """The URL is not one that can be connected to."""


class Origin(Struct, frozen=True):
    """Where a connection goes: scheme `http` or `https`, host without brackets, port.

    `unix` is the path of a Unix socket: host and port are names then, and no guard is asked.
    """

    scheme: str
    host: str
    port: int
    unix: str = ""

    @property
    def authority(self) -> bytes:
        """The value of the `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}").encode()


def parse_base_url(url: str) -> tuple[Origin, str]:
    """Splits a provider's `base_url` into origin and path (no trailing slash). Raises InvalidUrl."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidUrl(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or not is_host(parts.hostname):
        raise InvalidUrl("the URL must begin with http:// or https:// and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidUrl("the URL must hold no user, password, query or fragment")
    path = parts.path.rstrip("/")
    if not (parts.hostname.isascii() and path.isascii() and path.isprintable()) or " " in path:
        raise InvalidUrl("the URL must be plain ASCII")
    return Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme]), path


def is_host(name: str) -> bool:
    """Whether `name` is a host's name or an address, and nothing that a resolver or a header could stumble over."""
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return len(name) < 254 and all(_LABEL.fullmatch(label) for label in name.removesuffix(".").split("."))
    return "%" not in name


class Guard:
    """Judges addresses. `allowed` are the networks of HOUSESTYLE_UPSTREAM_ALLOW.

    `lookup` gives the `(address family, socket address)` pairs of a host and a port; the system's resolver does
    unless another is given.
    """

    def __init__(self, allowed: Sequence[Network] = (), lookup: "Lookup | None" = None) -> None:
        self._allowed = tuple(allowed)
        self._lookup = lookup or _system_lookup

    async def resolve(self, host: str, port: int) -> Found:
        """The `(address family, socket address)` pairs to try, in the resolver's order.

        Raises AddressNotAllowed if *any* address is refused (a name that leads half inside is an attack, not a
        mistake) and OSError if the name does not resolve.
        """
        found = await self._lookup(host, port)
        for _, address in found:
            self.check(host, ipaddress.ip_address(str(address[0]).partition("%")[0]))
        return found

    def check(self, host: str, address: Address) -> None:
        """Raises AddressNotAllowed unless `address` is public or allowed."""
        reached = _reached(address)
        if any(reached in network for network in self._allowed if network.version == reached.version):
            return
        refused = any(reached in network for network in _NOT_PUBLIC if network.version == reached.version)
        if refused or not reached.is_global or reached.is_multicast or reached.is_reserved:
            raise AddressNotAllowed(f"{host} leads to {address}, which is not a public address")


async def _system_lookup(host: str, port: int) -> Found:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or over 63 characters
        raise OSError("the name cannot be a host's") from None
    return [(family, address) for family, _, _, _, address in found]


def _reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 address is a wrapping of (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
