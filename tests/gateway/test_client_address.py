"""The caller's address behind proxies: what the right ones say is believed, and nothing that anybody else says."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client_address import client_address, is_trusted

TRUSTED = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "2001:db8:1::/48"))
PROXY, PROXY_6, CALLER, CALLER_6 = "10.0.0.1", "2001:db8:1::1", "203.0.113.7", "2001:db8:2::7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        # no proxy
        (CALLER, [], CALLER),
        (CALLER, [PROXY], CALLER),
        (CALLER, ["198.51.100.1"], CALLER),
        (CALLER_6, ["198.51.100.1"], CALLER_6),
        (None, [], None),
        (None, [CALLER], None),
        ("", [CALLER], None),
        ("testclient", [CALLER], None),
        # one proxy
        (PROXY, [], PROXY),
        (PROXY, [CALLER], CALLER),
        (PROXY, [CALLER_6], CALLER_6),
        (PROXY_6, [CALLER], CALLER),
        (PROXY, [f"  {CALLER}\t"], CALLER),
        # several, in one header or more
        (PROXY, [f"{CALLER}, 10.0.0.2, {PROXY_6}"], CALLER),
        (PROXY, [CALLER, f"10.0.0.2,{PROXY_6}"], CALLER),
        # what the caller itself made up stands further left
        (PROXY, [f"198.51.100.1, {CALLER}"], CALLER),
        (PROXY, ["10.0.0.9", CALLER, "10.0.0.2"], CALLER),
        # nobody but proxies
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        # what is no address ends it at the proxy that wrote it
        (PROXY, [""], PROXY),
        (PROXY, ["unknown"], PROXY),
        (PROXY, ["_hidden, 10.0.0.2"], "10.0.0.2"),
        (PROXY, [f"{CALLER}, nonsense"], PROXY),
        (PROXY, [f"{CALLER},, 10.0.0.2"], "10.0.0.2"),
        (PROXY, ["203.0.113.07"], PROXY),
        (PROXY, ["203.0.113.7:port"], PROXY),
        (PROXY, ["[203.0.113.7"], PROXY),
        # ports, brackets, zones, wrapped addresses
        (PROXY, [f"{CALLER}:4711"], CALLER),
        (PROXY, [f"[{CALLER_6}]:4711"], CALLER_6),
        (PROXY, [f"[{CALLER_6}]"], CALLER_6),
        (PROXY, [f"{CALLER}, {PROXY}:80"], CALLER),
        (PROXY, ["fe80::1%eth0"], "fe80::1"),
        ("fe80::1%2", [], "fe80::1"),
        (f"::ffff:{PROXY}", [CALLER], CALLER),
        (f"::ffff:{CALLER}", [PROXY], CALLER),
        (PROXY, [f"::ffff:{CALLER}"], CALLER),
        (PROXY, ["2001:DB8:2:0::7"], CALLER_6),
    ],
)
def test_the_table(peer: str | None, forwarded: list[str], expected: str | None) -> None:
    assert client_address(peer, forwarded, TRUSTED) == expected


_ADDRESSES = st.ip_addresses().map(str)
_OUTSIDE = _ADDRESSES.filter(lambda text: client_address(text, ["192.0.2.99"], TRUSTED) != "192.0.2.99")
_PROXIES = st.integers(0, 2**24 - 1).map(lambda number: str(ipaddress.IPv4Address((10 << 24) + number)))
_TEXT = st.one_of(st.text(), _ADDRESSES, _PROXIES)


@given(peer=_OUTSIDE, forwarded=st.lists(_TEXT))
def test_who_is_no_trusted_proxy_is_not_believed(peer: str, forwarded: list[str]) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client_address(peer, [], TRUSTED)
    assert client_address(peer, forwarded, ()) == client_address(peer, [], ())


@given(made_up=st.lists(_TEXT), caller=_OUTSIDE, proxies=st.lists(_PROXIES), peer=_PROXIES)
def test_what_stands_left_of_the_caller_changes_nothing(
    made_up: list[str], caller: str, proxies: list[str], peer: str
) -> None:
    told = [*made_up, ", ".join([caller, *proxies])]
    assert client_address(peer, told, TRUSTED) == client_address(caller, [], TRUSTED)


@given(peer=st.one_of(st.none(), _TEXT), forwarded=st.lists(_TEXT))
def test_whatever_is_said_the_answer_is_an_address_or_none(peer: str | None, forwarded: list[str]) -> None:
    found = client_address(peer, forwarded, TRUSTED)
    assert found is None or str(ipaddress.ip_address(found)) == found


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [(PROXY, True), (PROXY_6, True), (f"::ffff:{PROXY}", True), (CALLER, False), (None, False), ("testclient", False)],
)
def test_which_proxies_are_believed(peer: str | None, trusted: bool) -> None:
    assert is_trusted(peer, TRUSTED) is trusted
