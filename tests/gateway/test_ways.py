"""What is kept of decisions and ways: only for as long as the routes stay, and only so much."""

import time

import msgspec

from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.rows import Row, TenantRow, parse_row
from gateway.ways import Kept


def routes() -> Routes:
    """Empty ones."""
    return Routes(Keyring((b"k" * 32,)), None, time.time)


def tenant(name: str = "acme", revision: int = 1) -> Row:
    """A tenant's row."""
    return parse_row(b"%d %b" % (revision, msgspec.json.encode(TenantRow(name, "", ""))))


def test_an_answer_is_kept_until_a_route_changes() -> None:
    held = routes()
    kept: Kept[int] = Kept(held)
    assert kept.get(("acme", None)) is None
    kept.put(("acme", None), 1)
    assert kept.get(("acme", None)) == 1
    held.apply(keys.TENANTS, "other", None, 1)
    assert kept.get(("acme", None)) is None
    kept.put(("acme", None), 2)
    held.become(routes())
    assert kept.get(("acme", None)) is None


def test_what_a_caller_may_choose_is_bounded() -> None:
    kept: Kept[int] = Kept(routes())
    kept.put(("acme", "m" * 1000), 1)
    assert kept.get(("acme", "m" * 1000)) is None
    for number in range(20_000):
        kept.put(("acme", str(number)), number)
    assert kept.get(("acme", "19999")) == 19_999
    assert kept.get(("acme", "0")) is None


def test_other_routes_than_those_of_now_are_not_covered() -> None:
    held = routes()
    kept: Kept[int] = Kept(held)
    held.apply(keys.TENANTS, "acme", tenant(), 1)
    before = held.tenant("acme")
    assert before is not None
    assert kept.covers(before)
    held.apply(keys.TENANTS, "other", tenant("other", 2), 2)
    assert kept.covers(before)
    held.apply(keys.TENANTS, "acme", tenant("acme", 3), 3)
    assert not kept.covers(before)
    held.apply(keys.TENANTS, "acme", None, 4)
    assert not kept.covers(before)
