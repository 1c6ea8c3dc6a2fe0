"""The address that a request came from, where proxies stand in between. Pure; no socket, no request.

A proxy appends to `X-Forwarded-For` whom it was called by, so the header is read from its end, and only for as long as
the one who wrote a part of it is a proxy that HOUSESTYLE_TRUSTED_PROXIES names. What stands further left is hearsay.
"""

import ipaddress
import re
from collections.abc import Sequence

from gateway.upstream.addresses import Address, Network

# With a port, as some proxies write them: "192.0.2.1:4711", "[2001:db8::1]:4711"; brackets without a port too.
_WITH_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """The caller's address: `peer`, or where that is a trusted proxy, whom the proxies say that they speak for.

    `peer` is the other end of the connection (None where it has no address, as on a Unix socket); `forwarded` are the
    values of the X-Forwarded-For headers in their order. Where all are trusted proxies, the furthest is the caller;
    what is no address ends the search at the proxy that wrote it.
    """
    address = _parsed(peer or "")
    if address is None:
        return None
    for part in reversed(",".join(forwarded).split(",")):
        if not _within(address, trusted):
            break
        before = _parsed(part)
        if before is None:
            break
        address = before
    return str(address)


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether the other end of the connection is a proxy whose X-Forwarded-* is believed."""
    address = _parsed(peer or "")
    return address is not None and _within(address, trusted)


def _parsed(text: str) -> Address | None:
    """The address; an IPv4 one that a dual-stack socket wraps in IPv6 as IPv4, and none with its zone."""
    text = text.strip(" \t")
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2] or ""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
