"""What a request must be before the page listens: tables."""

import ipaddress

import pytest

from gateway.admin.page.guards import Attempts, is_https, is_ours

TRUSTED = [ipaddress.ip_network("10.0.0.0/8")]


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://house.example", "host": "house.example"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "https://house.example", "host": "house.example"}, True),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, True),
        ({"origin": "https://evil.example", "host": "house.example"}, False),
        ({"origin": "https://house.example:8443", "host": "house.example"}, False),
        ({"origin": "null", "host": "house.example"}, False),
        ({"origin": "null"}, False),
        ({"host": "house.example"}, False),
        ({}, False),
    ],
)
def test_a_change_must_come_from_our_own_page(headers: dict[str, str], ours: bool) -> None:
    assert is_ours(headers) is ours


@pytest.mark.parametrize(
    ("scheme", "peer", "forwarded", "https"),
    [
        ("https", "192.0.2.1", [], True),
        ("http", "192.0.2.1", [], False),
        ("http", "10.1.2.3", ["https"], True),
        ("http", "10.1.2.3", ["HTTPS, http"], True),
        ("http", "10.1.2.3", ["http"], False),
        ("http", "192.0.2.1", ["https"], False),
        ("http", None, ["https"], False),
    ],
)
def test_tls_is_believed_of_a_trusted_proxy_alone(
    scheme: str, peer: str | None, forwarded: list[str], https: bool
) -> None:
    assert is_https(scheme, peer, forwarded, TRUSTED) is https


def test_ten_failures_make_an_address_wait_until_the_first_is_five_minutes_old() -> None:
    attempts = Attempts()
    for second in range(10):
        assert attempts.wait("192.0.2.1", second) == 0
        attempts.failed("192.0.2.1", second)
    assert attempts.wait("192.0.2.1", 10) == 290
    assert attempts.wait("192.0.2.1", 299.5) == 0.5
    assert attempts.wait("192.0.2.1", 300) == 0
    assert attempts.wait("192.0.2.2", 10) == 0


def test_an_ipv6_network_counts_as_one() -> None:
    attempts = Attempts()
    for number in range(10):
        attempts.failed(f"2001:db8::{number}", 0)
    assert attempts.wait("2001:db8::ffff", 0) > 0
    assert attempts.wait("2001:db8:0:1::1", 0) == 0


def test_the_addresses_are_bounded() -> None:
    attempts = Attempts()
    for _ in range(10):
        attempts.failed("192.0.2.1", 0)
    for number in range(10_000):
        attempts.failed(f"10.0.{number // 256}.{number % 256}", 0)
    assert attempts.wait("192.0.2.1", 0) == 0  # forgotten, so that nobody fills the memory
