"""Sessions over a real store: every replica opens them, and they end in all the ways that they should."""

import base64
import os
from collections.abc import Callable

import msgspec
import pytest

from gateway.admin.page.sessions import IDLE_SECONDS, Sessions
from gateway.routing import Routes
from gateway.secrets import Keyring, fingerprint
from gateway.store import keys
from gateway.store.connection import Store
from gateway.store.rows import KeyRow, parse_row

RING = Keyring((b"k" * 32,))
KEY = "hs_of_maria"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def cookie_of(header: str) -> str:
    """The cookie's value in a Set-Cookie header."""
    return header.partition(";")[0].partition("=")[2]


@pytest.fixture
def clock() -> Clock:
    """The time of every replica of a test."""
    return Clock()


@pytest.fixture
def replica(store: Store, clock: Clock) -> Callable[[], tuple[Sessions, Routes]]:
    """Makes replicas that know Maria's key."""

    def made() -> tuple[Sessions, Routes]:
        routes = Routes(RING, "hs_of_the_platform", clock)
        row = KeyRow("key_1", fingerprint(KEY), "platform_admin", "2026-11-29T00:00:00Z", label="Maria")
        routes.apply(keys.KEYS, "key_1", parse_row(b"1 " + msgspec.json.encode(row)), 1)
        return Sessions(RING, routes, store, clock), routes

    return made


Made = Callable[[], tuple[Sessions, Routes]]


async def test_another_replica_opens_it(replica: Made) -> None:
    (here, _), (there, _) = replica(), replica()
    session = here.begin(KEY)
    found = await there.find(cookie_of(here.cookie(session, secure=True)))
    assert found is not None
    assert (found[0], found[1].key_id, found[1].label) == (session, "key_1", "Maria")


async def test_it_ends_with_its_key(replica: Made) -> None:
    sessions, routes = replica()
    cookie = cookie_of(sessions.cookie(sessions.begin(KEY), secure=False))
    assert await sessions.find(cookie) is not None
    routes.apply(keys.KEYS, "key_1", None, 2)
    assert await sessions.find(cookie) is None


async def test_the_first_admin_keys_session_ends_when_that_is_changed(store: Store, clock: Clock) -> None:
    before = Sessions(RING, Routes(RING, "hs_before", clock), store, clock)
    after = Sessions(RING, Routes(RING, "hs_after", clock), store, clock)
    cookie = cookie_of(before.cookie(before.begin("hs_before"), secure=False))
    assert await before.find(cookie) is not None
    assert await after.find(cookie) is None


async def test_signing_out_makes_it_worthless_everywhere(replica: Made) -> None:
    (here, _), (there, _) = replica(), replica()
    session, other = here.begin(KEY), here.begin(KEY)
    await here.end(session)
    left, kept = (cookie_of(here.cookie(one, secure=False)) for one in (session, other))
    assert await there.find(left) is None
    assert await there.find(kept) is not None
    assert [await there.is_left(cookie) for cookie in (left, kept, "x", None)] == [True, False, False, False]


async def test_it_ends_after_twelve_hours_without_use_and_goes_on_with_use(replica: Made, clock: Clock) -> None:
    sessions, _ = replica()
    session = sessions.begin(KEY)
    assert sessions.renewed(session) is None  # just made
    clock.now += IDLE_SECONDS - 1
    renewed = sessions.renewed(session)
    assert renewed is not None
    assert renewed.csrf == session.csrf
    clock.now += 2
    assert await sessions.find(cookie_of(sessions.cookie(session, secure=False))) is None
    assert await sessions.find(cookie_of(sessions.cookie(renewed, secure=False))) is not None


async def test_it_ends_after_seven_days_however_busy(replica: Made, clock: Clock) -> None:
    sessions, _ = replica()
    session = sessions.begin(KEY)
    for _ in range(15):
        clock.now += IDLE_SECONDS - 1
        session = sessions.renewed(session) or session
    assert await sessions.find(cookie_of(sessions.cookie(session, secure=False))) is None


async def test_a_cookie_of_somebodys_own_making_opens_nothing(replica: Made) -> None:
    sessions, _ = replica()
    cookie = cookie_of(sessions.cookie(sessions.begin(KEY), secure=False))
    version, name, text = cookie.split(".")
    raw = bytearray(base64.urlsafe_b64decode(text))
    raw[20] ^= 1
    altered = base64.urlsafe_b64encode(raw).decode()
    elsewhere = RING.seal("{}", tenant="acme", field="providers/main/api_key")
    foreign = Keyring((os.urandom(32),)).seal("{}", tenant="", field="admin-page/session")
    empty = RING.seal("{}", tenant="", field="admin-page/session")
    for forged in (f"{version}.{name}.{altered}", elsewhere, foreign, empty, "", "x", "a.b.c", "v1.é.x"):
        assert await sessions.find(forged) is None


def test_the_cookie_is_kept_from_scripts_and_other_sites(replica: Made) -> None:
    sessions, _ = replica()
    parts = sessions.cookie(sessions.begin(KEY), secure=True).split("; ")
    assert parts[1:] == ["Path=/admin", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"]
    assert "Secure" not in sessions.cookie(sessions.begin(KEY), secure=False)
