"""What a request must be before the page listens to it: from our own pages, over TLS or not, not too often. Pure."""

import ipaddress
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from gateway.client_address import is_trusted
from gateway.upstream.addresses import Network

_WINDOW_SECONDS = 300.0
_MOST_FAILURES = 10
_MOST_ADDRESSES = 10_000


def is_ours(headers: Mapping[str, str]) -> bool:
    """Whether a change was asked for by one of our own pages: the browser says so in `Sec-Fetch-Site`; one that does
    not (it is old, or the page came without TLS) in `Origin`. A request with neither is not a browser's."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def is_https(scheme: str, peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> bool:
    """Whether the browser came over TLS. `forwarded` are the values of X-Forwarded-Proto, believed of trusted proxies
    alone."""
    if scheme == "https":
        return True
    said = {part.strip().lower() for part in ",".join(forwarded).split(",")}
    return "https" in said and is_trusted(peer, trusted)


class Attempts:
    """Failed attempts to sign in, by address, on this replica. Bounded: the addresses heard of last are kept."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str | None, now: float) -> float:
        """For how many seconds this address must wait before it tries again; 0 where it need not."""
        recent = [at for at in self._failures.get(_place(address), ()) if at > now - _WINDOW_SECONDS]
        return recent[-_MOST_FAILURES] + _WINDOW_SECONDS - now if len(recent) >= _MOST_FAILURES else 0.0

    def failed(self, address: str | None, now: float) -> None:
        """An attempt failed."""
        place = _place(address)
        recent = [at for at in self._failures.pop(place, ()) if at > now - _WINDOW_SECONDS]
        self._failures[place] = [*recent, now][-_MOST_FAILURES:]
        if len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)


def _place(address: str | None) -> str:
    """What counts as one: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer has."""
    if address is None or ":" not in address:
        return address or ""
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
