"""Where Redis is: which URLs are taken, what they mean, and that none is echoed with its password."""

from pathlib import Path
from typing import Any

import pytest
from docket._redis_sentinel import parse_sentinel_url

from gateway.store.address import connect, parse
from tests.support.processes import wait_until
from tests.support.redis import serving

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://", {}),
        ("redis://host", {"host": "host"}),
        ("redis://host:7000/3", {"host": "host", "port": 7000, "db": 3}),
        ("redis://me:p%40ss@host/", {"host": "host", "username": "me", "password": "p@ss"}),
        ("redis://host?socket_timeout=5", {"host": "host", "socket_timeout": 5.0}),
        ("unix:///run/redis.sock?db=2", {"path": "/run/redis.sock", "db": 2}),
    ],
)
def test_a_plain_address_is_read_as_redis_py_reads_it(url: str, options: dict[str, Any]) -> None:
    address = parse(url)
    assert {name: value for name, value in address.options.items() if name != "connection_class"} == options
    assert not address.sentinels


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a/main",
        "redis+sentinel://a:1,b,[::1]:3/main/4",
        "redis+sentinel://me:p%2Fs%40s@a,b/main",
        "redis+sentinel://:pw@a/main?sentinel_username=s&sentinel_password=t%26u",
        "rediss+sentinel://a,b:2/main?ssl_cert_reqs=none&sentinel_password=x",
        "redis+sentinel://a/main/1?socket_timeout=7&max_connections=3&db=9",
    ],
)
def test_a_sentinel_address_means_what_it_means_to_the_job_worker(url: str) -> None:
    ours, theirs = parse(url), parse_sentinel_url(url)
    assert (ours.service, list(ours.sentinels)) == (theirs.service_name, theirs.sentinels)
    assert ours.options == {**theirs.connection_kwargs, "db": theirs.db}
    assert ours.sentinel_options == theirs.sentinel_kwargs


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host", "must begin with redis://"),
        ("host:6379", "must begin with redis://"),
        (f"redis://:{SECRET}#x@host", "no fragment"),
        (f"redis://:{SECRET}/x@host:6379", "percent-encoded"),
        ("redis://:12345/s3cret@host", "percent-encoded"),
        (f"redis://me:{SECRET}@host:port", "check the port"),
        (f"redis://me:{SECRET}@host?socket_timeout=x", "check the port"),
        ("unix://", "path of a socket"),
        (f"redis+sentinel://me:{SECRET}@/main", "names no Sentinel"),
        (f"redis+sentinel://me:{SECRET}@host", "name the service"),
        (f"redis+sentinel://me:{SECRET}@host:port/main", r"host\[:port\]"),
        (f"redis+sentinel://me:{SECRET}@host:0/main", r"host\[:port\]"),
        (f"redis+sentinel://me:{SECRET}@::1/main", r"host\[:port\]"),
        (f"redis+sentinel://me:{SECRET}@host/main/x", "number of a database"),
        (f"redis+sentinel://me:{SECRET}/x@host:1/main/2", "number of a database"),
        (f"redis+sentinel://me:{SECRET}@host/main?socket_timeout=x", "cannot be used"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parse(url)
    assert SECRET not in str(refused.value)
    assert SECRET not in str(refused.value.__context__ if not refused.value.__suppress_context__ else "")
    with pytest.raises(ValueError, match=words):
        connect(url)


def test_an_address_does_not_show_its_secrets() -> None:
    shown = repr(parse(f"redis+sentinel://me:{SECRET}@a/main?sentinel_password={SECRET}"))
    assert SECRET not in shown
    assert "main" in shown


async def test_a_client_reaches_a_server_with_a_password_and_a_database(tmp_path: Path) -> None:
    with serving(tmp_path, f"requirepass {SECRET}") as server:
        client = connect(f"redis://:{SECRET}@127.0.0.1:{server.port}/2")
        try:
            await client.set("here", "yes")
        finally:
            await client.aclose()
        wait_until(lambda: "db2" in server.ask("INFO", "keyspace", password=SECRET), 5, "the key in database 2")
