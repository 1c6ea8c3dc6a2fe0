"""HTTPS_PROXY and NO_PROXY: what they say, and whom they are for. Values and plain functions; no I/O."""

import base64
import ipaddress
import os
import re
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Struct

from gateway.masked import Secret, SecretBytes
from gateway.upstream.addresses import Address, InvalidUrl, Network, Origin, is_host


class Proxy(Struct, frozen=True):
    """An HTTP proxy that tunnels. `authorization` is the value of `Proxy-Authorization`, or empty."""

    host: str
    port: int
    authorization: bytes = b""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Proxy(host={self.host!r}, port={self.port!r})"

    def connect(self, host: str, port: int) -> SecretBytes:
        """The head of the request for a tunnel (RFC 9110 section 9.3.6)."""
        target = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}").encode()
        head = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n" % (target, target)
        if not self.authorization:
            return SecretBytes(head + b"\r\n")
        return SecretBytes(b"%bproxy-authorization: %b\r\n\r\n" % (head, self.authorization))


class _Exception(Struct, frozen=True):
    """One entry of NO_PROXY: a name and those below it, or a network; at a port, or at any (0)."""

    name: str = ""
    network: Network | None = None
    port: int = 0

    def covers(self, host: str, address: Address | None, port: int) -> bool:
        if self.port not in (0, port):
            return False
        if self.network is not None:
            return address is not None and address.version == self.network.version and address in self.network
        return self.name == "*" or host == self.name or (address is None and host.endswith("." + self.name))


class Proxies(Struct, frozen=True):
    """The proxy, and the origins that are reached without it."""

    proxy: Proxy
    exceptions: tuple[_Exception, ...] = ()

    def bypasses(self, origin: Origin) -> bool:
        """Whether `origin` is reached directly: it is not https, it is a Unix socket, or NO_PROXY has it."""
        if origin.scheme != "https" or origin.unix:
            return True
        host = origin.host.lower().rstrip(".")
        address = _address(host)
        return any(exception.covers(host, address, origin.port) for exception in self.exceptions)

    def of(self, origin: Origin) -> Proxy | None:
        """The proxy that `origin` is reached through."""
        return None if self.bypasses(origin) else self.proxy


def parse_proxy(https_proxy: str | None, no_proxy: str | None) -> Proxies | None:
    """HTTPS_PROXY (`http://[user:password@]host[:port]`, port 80 by default) and NO_PROXY; None without a proxy.

    NO_PROXY is a list with commas: `*`; `name` or `.name`, with the names below it; an address or a network in
    CIDR notation; a name or an address with a `:port`. Raises InvalidUrl, whose words hold no password.
    """
    https_proxy = Secret((https_proxy or "").strip())
    if not https_proxy:
        return None
    url, authorization = _parted(https_proxy)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidUrl("HTTPS_PROXY is not a URL") from None
    if parts.scheme != "http" or not parts.hostname or port == 0 or not is_host(parts.hostname):
        raise InvalidUrl("HTTPS_PROXY must be http://host:port; proxies of other kinds are not spoken to")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidUrl("HTTPS_PROXY must hold no path, query or fragment")
    entries = (entry.strip().lower() for entry in (no_proxy or "").split(","))
    exceptions = tuple(_exception(entry) for entry in entries if entry)
    return Proxies(Proxy(parts.hostname, port or 80, authorization), exceptions)


def _parted(url: str) -> tuple[str, SecretBytes]:
    """The URL without user and password, and what says them to the proxy (RFC 7617); empty where there are none."""
    scheme, slashes, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    userinfo, _, host = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    authorization = SecretBytes()
    if user or password:
        # an environment variable need not be UTF-8
        said = b":".join(unquote_to_bytes(os.fsencode(part)) for part in (user, password))
        authorization = SecretBytes(b"Basic " + base64.b64encode(said))
    return f"{scheme}{slashes}{host}{rest[len(authority) :]}", authorization


def _exception(entry: str) -> _Exception:
    if network := _network(entry):
        return _Exception(network=network)
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal():
        network = _network(name.removeprefix("[").removesuffix("]"))
        return _Exception(name=_name(name), network=network, port=int(port))
    return _Exception(name=_name(entry))


def _name(text: str) -> str:
    return text if text == "*" else text.removeprefix("*").strip(".")


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        return None


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
