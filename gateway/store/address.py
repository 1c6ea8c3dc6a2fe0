"""Where Redis is: a URL, checked and turned into a client with its timeouts. What is said to Redis is not here.

Plain addresses are redis-py's. A Sentinel's address has the grammar that pydocket has for it, since the job worker
hands it the same URL:

    redis+sentinel://[user:password@]host[:port][,host2[:port2]…]/service[/db][?sentinel_username=…&sentinel_password=…]

The credentials before the hosts are the data nodes'; those in the query the Sentinels'. `rediss+sentinel` is TLS with
both. Other query parameters are redis-py's options for a connection. No message here holds any part of a credential.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import redis.asyncio as aioredis
from msgspec import Struct
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.store.sentinel import MasterPool, Masters

_PLAIN = ("redis", "rediss", "unix")
_SENTINEL = ("redis+sentinel", "rediss+sentinel")
SCHEMES = tuple(f"{scheme}://" for scheme in (*_PLAIN, *_SENTINEL))

# How long a change may wait for Redis before the admin is told that it is away.
_SECONDS = 2.0
_CONNECTIONS = 50
_SENTINEL_PORT = 26379

_ENCODED = "in a user or password, write / ? # @ : and , percent-encoded"
_PLACE = ("db", "username", "password")  # these stand in the address itself, never in the query


class Address(Struct, frozen=True):
    """A checked URL. `options` are those of redis-py's connections; with `sentinels`, the master of `service`."""

    options: dict[str, Any]
    service: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_options: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Address(service={self.service!r}, sentinels={self.sentinels!r})"  # never a secret


def parse(url: str) -> Address:
    """Checks a URL. Raises ValueError, in words that hold nothing secret."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in (*_PLAIN, *_SENTINEL):
        raise ValueError(f"it must begin with {', '.join(SCHEMES)}")
    if "#" in rest:
        raise ValueError(f"it must hold no fragment (#); {_ENCODED}")
    return _sentinel(scheme, rest) if scheme in _SENTINEL else _plain(scheme, url)


def connect(url: str, *, blocking: bool = False) -> aioredis.Redis:
    """A client for `url`. `blocking`: for commands that wait at the server, without a socket timeout.

    Raises ValueError as `parse` does. Nothing is connected yet.
    """
    address = parse(url)
    options: dict[str, Any] = {
        "max_connections": _CONNECTIONS,
        "timeout": _SECONDS,  # for a connection, while all are in use
        "socket_timeout": None if blocking else _SECONDS,
        "socket_connect_timeout": _SECONDS,
        "retry": Retry(NoBackoff(), 0),  # a change that is sent twice may be made twice
        "decode_responses": False,
        "protocol": 2,  # plain replies; RESP3 gives nothing here and shapes XREAD otherwise
        **address.options,
    }
    pool: Any
    if address.sentinels:
        pool = MasterPool(Masters(address.service, address.sentinels, address.sentinel_options), **options)
    else:
        pool = aioredis.BlockingConnectionPool(**options)
    return aioredis.Redis.from_pool(pool)


def _plain(scheme: str, url: str) -> Address:
    try:
        parts = urlsplit(url)
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError:
        raise ValueError(f"it is not an address: check the port and the options; {_ENCODED}") from None
    if scheme != "unix" and not (parts.path in ("", "/") or parts.path[1:].isdecimal()):
        raise ValueError(f"after the host there may be the number of a database, and nothing else; {_ENCODED}")
    if scheme == "unix" and not options.get("path"):
        raise ValueError("a unix:// address needs the path of a socket: unix:///run/redis.sock")
    return Address(options)


def _sentinel(scheme: str, rest: str) -> Address:
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    service, database = _service(path)
    user, _, password = credentials.partition(":")
    given = parse_qsl(query, keep_blank_values=True)
    more = _options([(name, value) for name, value in given if not name.startswith("sentinel_")])
    options = more | {"db": database}
    named = {"username": unquote(user), "password": unquote(password)}
    options |= {name: value for name, value in named.items() if value}
    asked = dict(given)
    sentinel_options: dict[str, Any] = {
        name: asked[f"sentinel_{name}"] for name in ("username", "password") if asked.get(f"sentinel_{name}")
    }
    if scheme.startswith("rediss"):
        options["ssl"] = sentinel_options["ssl"] = True
        sentinel_options |= {name: value for name, value in more.items() if name.startswith("ssl_")}
    members = tuple(_member(member.strip()) for member in hosts.split(",") if member.strip())
    if not members:
        raise ValueError("it names no Sentinel: redis+sentinel://host[:port][,host2…]/service")
    return Address(options, service, members, sentinel_options)


def _service(path: str) -> tuple[str, int]:
    """The service's name and the number of the database."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        raise ValueError("after the Sentinels it must name the service that they watch: …:26379/mymaster")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts[1:]):
        raise ValueError(f"after the service there may be the number of a database, and nothing else; {_ENCODED}")
    return parts[0], int(parts[1]) if len(parts) == 2 else 0


def _member(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0:
        raise ValueError(f"a Sentinel is host[:port], with brackets round an IPv6 address; {_ENCODED}")
    return host, port or _SENTINEL_PORT


def _options(given: list[tuple[str, str]]) -> dict[str, Any]:
    """Options of redis-py's, read as it reads them in its own URLs."""
    try:
        read: dict[str, Any] = dict(parse_url(f"redis:///?{urlencode(given)}"))
    except ValueError:
        raise ValueError("one of the options after the question mark has a value that cannot be used") from None
    return {name: value for name, value in read.items() if name not in _PLACE}
