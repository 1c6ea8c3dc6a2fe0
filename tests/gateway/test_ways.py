"""What is kept of decisions and ways: only for as long as the routes stay, and only so much."""

import time

from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.ways import Kept


def routes() -> Routes:
    """Empty ones."""
    return Routes(Keyring((b"k" * 32,)), None, time.time)


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
