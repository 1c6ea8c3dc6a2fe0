"""Who is signed in: a sealed cookie that every replica can open, and the end of a session before its time.

The cookie says which key it was, by its SHA-256; what that key may do is looked up at each request, so a session ends
when its key is revoked, expires, or its tenant is deleted. Role and tenant never come from the cookie.
"""

import secrets
from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.routing import Routes
from gateway.secrets import CannotOpen, Keyring, fingerprint
from gateway.store import keys
from gateway.store.connection import Store, translated
from policies.values import Caller

COOKIE = "housestyle_admin"
PATH = "/admin"
IDLE_SECONDS = 12 * 3600.0
_MOST_SECONDS = 7 * 24 * 3600.0  # from signing in, however busy
_RENEW_SECONDS = 60.0
_FIELD = "admin-page/session"


class Session(Struct, frozen=True):
    """What the cookie holds. `key`: the SHA-256 of the key that was shown, in hex; `csrf`: what every change must bring
    along; times in seconds since the epoch."""

    key: str
    id: str
    csrf: str
    began: float
    seen: float


_DECODER = msgspec.json.Decoder(Session)


class Sessions:
    """Begins, finds, renews and ends sessions."""

    def __init__(self, keyring: Keyring, routes: Routes, store: Store, clock: Callable[[], float]) -> None:
        self._keyring = keyring
        self._routes = routes
        self._store = store
        self._clock = clock

    def begin(self, key: str) -> Session:
        """A session of whoever holds `key`, whose rights the caller has looked at."""
        now = self._clock()
        return Session(fingerprint(key), secrets.token_hex(16), secrets.token_urlsafe(32), now, now)

    async def find(self, cookie: str | None) -> tuple[Session, Caller] | None:
        """The session in a cookie and the holder of its key; None where either is over. Raises StoreUnavailable."""
        session = self._opened(cookie) if cookie else None
        caller = await self.holder(session) if session is not None else None
        return (session, caller) if session is not None and caller is not None else None

    async def holder(self, session: Session) -> Caller | None:
        """Who holds the session's key; None where either is over. Raises StoreUnavailable."""
        now = self._clock()
        if now - session.seen > IDLE_SECONDS or now - session.began > _MOST_SECONDS:
            return None
        caller = self._routes.caller_of(session.key)
        if caller is None:
            return None
        return None if await self._is_ended(session) else caller

    async def is_left(self, cookie: str | None) -> bool:
        """Whether the session in a cookie was ended by its holder. Raises StoreUnavailable."""
        session = self._opened(cookie) if cookie else None
        return session is not None and await self._is_ended(session)

    def renewed(self, session: Session) -> Session | None:
        """The session as of now; None where it was said a moment ago."""
        now = self._clock()
        return replace(session, seen=now) if now - session.seen > _RENEW_SECONDS else None

    async def end(self, session: Session) -> None:
        """Makes the cookie worthless on every replica. Raises StoreUnavailable."""
        with translated():
            name = keys.ended_session(session.id)
            await cast("Any", self._store.redis.set(name, b"1", ex=int(_MOST_SECONDS)))

    def cookie(self, session: Session, *, secure: bool) -> str:
        """The Set-Cookie header that keeps the session."""
        sealed = self._keyring.seal(msgspec.json.encode(session).decode(), tenant="", field=_FIELD)
        return _set_cookie(sealed, int(IDLE_SECONDS), secure=secure)

    async def _is_ended(self, session: Session) -> bool:
        with translated():
            return bool(await cast("Any", self._store.redis.exists(keys.ended_session(session.id))))

    def _opened(self, cookie: str) -> Session | None:
        try:
            return _DECODER.decode(self._keyring.open(cookie, tenant="", field=_FIELD).encode())
        except (CannotOpen, msgspec.MsgspecError):
            return None


def no_cookie(*, secure: bool) -> str:
    """The Set-Cookie header that takes it away."""
    return _set_cookie("", 0, secure=secure)


def _set_cookie(value: str, seconds: int, *, secure: bool) -> str:
    cookie = f"{COOKIE}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Strict"
    return f"{cookie}; Secure" if secure else cookie
