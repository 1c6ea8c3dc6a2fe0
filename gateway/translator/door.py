"""The door of a translator that listens on a network: only who shows the shared token is let in to the server behind.

Plain ASGI. Of a request that is turned away only the head is read. `/healthz` and `/readyz` are for anybody.
"""

import hashlib
import hmac
import time
from collections.abc import Sequence

import msgspec

from gateway.translator.asgi import App, Message, Receive, Send
from gateway.translator.saying import say

REFUSED = (b"x-housestyle-refused", b"token")
_WORDS = "The token of this translator is missing or another one."
_BODY = {"error": {"message": _WORDS, "type": "authentication_error", "param": None, "code": "invalid_token"}}
_SAID_EVERY = 60.0


class Door:
    """The ASGI application in front of another. `tokens`: any of them opens it."""

    def __init__(self, behind: App, tokens: Sequence[str]) -> None:
        self._behind = behind
        self._digests = [_digest(token.encode()) for token in tokens]
        self._turned_away = 0
        self._said = -_SAID_EVERY

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        page = scope["method"] in ("GET", "HEAD") and scope["path"] in ("/healthz", "/readyz")
        # Who asks with a token whether this is ready, asks whether it is ready for that token.
        if (shown or not page) and not self._opens(shown):
            self._note(scope)
            await _answer(send, 401, [(b"www-authenticate", b"Bearer"), REFUSED], msgspec.json.encode(_BODY))
        elif page:
            await _answer(send, 200, [], b'{"ready":true}')
        else:
            await self._behind(scope, receive, send)

    def _opens(self, shown: list[bytes]) -> bool:
        """Compares with every token, in the same time whichever it is and however much of it is right."""
        scheme, _, token = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
        digest = _digest(token.strip())
        found = [hmac.compare_digest(digest, one) for one in self._digests]
        return scheme.lower() == b"bearer" and any(found)

    def _note(self, scope: Message) -> None:
        """Says now and then that somebody is turned away, and from where; never what was shown."""
        self._turned_away += 1
        now = time.monotonic()
        if now - self._said >= _SAID_EVERY:
            peer = scope.get("client") or ("", 0)
            say("translator_token_refused", "warning", times=self._turned_away, peer=peer[0])
            self._said, self._turned_away = now, 0


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
