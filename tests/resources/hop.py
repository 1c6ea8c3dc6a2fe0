"""A hop before the mock, the same for both runs: it keeps every request as it came and hands it on. What it keeps is
what is compared; it judges nothing.
"""

import contextlib
import threading
from collections.abc import Iterator
from http import HTTPStatus

from tests.relay.messages import CHUNKED, Headers, Message, Wire, connect, read_answer, read_request
from tests.relay.provider import providing
from tests.resources.inside.housestyle_resources import TEST_HEADER

_SECONDS = 60.0
_FRAMING = (b"connection", b"keep-alive", b"content-length", b"transfer-encoding", b"expect")


class Hop:
    """A running one. `url` ends with `/v1`, which the mock does not know; `host` is what its callers name it."""

    def __init__(self, url: str, mock: tuple[str, int]) -> None:
        self.url = f"{url}/v1"
        self.host = url.removeprefix("http://").encode()
        self._mock = mock
        self._received: dict[str, list[Message]] = {}
        self._lock = threading.Lock()

    def taken(self) -> dict[str, list[Message]]:
        """What came since it was last asked, by the test that each request names; "" where one names none."""
        with self._lock:
            taken, self._received = self._received, {}
        return taken

    def pass_on(self, wire: Wire) -> bool:
        """One request of a connection that stays open."""
        request = read_request(wire)
        named = request.all(TEST_HEADER.encode())
        with self._lock:
            self._received.setdefault(named[0].decode() if named else "", []).append(request)
        method, target, _ = request.line
        answer = self._ask(method, target.removeprefix(b"/v1"), request)
        status = answer.line[0]
        line = b"HTTP/1.1 %b %b" % (status, HTTPStatus(int(status)).phrase.encode())
        has_body = method != b"HEAD" and status not in (b"204", b"304")
        wire.send(_raw(line, answer.headers, answer.body if has_body else None))
        return True

    def _ask(self, method: bytes, target: bytes, request: Message) -> Message:
        has_body = bool(request.all(b"content-length")) or CHUNKED in request.headers
        raw = _raw(b"%b %b HTTP/1.1" % (method, target), request.headers, request.body if has_body else None)
        with connect(self._mock, _SECONDS) as wire:
            wire.send(raw)
            return read_answer(wire, method.decode())


@contextlib.contextmanager
def hopping(mock: tuple[str, int]) -> Iterator[Hop]:
    """A hop before the mock at that address."""
    with providing() as provider:
        hop = Hop(provider.url, mock)
        provider.script = hop.pass_on
        yield hop


def _raw(line: bytes, headers: Headers, body: bytes | None) -> bytes:
    """A message's bytes, its body framed by its length; None: it has none."""
    kept = [b"%b: %b" % header for header in headers if header[0] not in _FRAMING]
    length = [] if body is None else [b"content-length: %d" % len(body)]
    return b"\r\n".join([line, *kept, *length]) + b"\r\n\r\n" + (body or b"")
