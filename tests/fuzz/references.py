"""Other readers of the same formats, to compare the gateway's with: slow, and written or maintained by others where
there are such. Nothing of the gateway is imported here.

Sources: WHATWG HTML, "Parsing an event stream"; the standard library's `json` and `email`; h11.
"""

import email
import email.policy
import json
import re
from email.message import Message
from typing import Any, NamedTuple

import h11

_LINE_END = re.compile(rb"\r\n|\r|\n")
_SPACES = re.compile(rb"\A([A-Z-]+) +([!-~]+) +(HTTP/)")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_HEAD = 1 << 17
# A chunk's size with so many zeros before it is none to h11.
LONG_SIZE = re.compile(rb"\n0[0-9A-Fa-f]{20}")


class Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object as it stands: each member in its place, twice where it stands twice."""

    __slots__ = ()

    def last(self) -> dict[str, Any]:
        """As most parsers read it: the last of a name wins."""
        return dict(self)


class Number(NamedTuple):
    """A JSON number, as it is written."""

    text: str


def json_of(data: bytes, *, strict: bool = True) -> Any:
    """JSON as Python reads it; numbers as Numbers, objects as Pairs. Raises ValueError or RecursionError.

    Bytes may be UTF-16 or UTF-32, or begin with a byte order mark: `json` takes them, as some servers do.
    """
    return json.loads(data, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, strict=strict)


class Event(NamedTuple):
    """One server-sent event: its lines as they stand, and its data."""

    raw: bytes
    data: bytes


def events_of(stream: bytes) -> tuple[list[Event], bytes]:
    """A stream's events that have any line, and what follows the last. A CR that may be the first half of the empty
    line's CRLF is not yet its end, unless the stream ends its lines with CR alone."""
    events: list[Event] = []
    lines: list[bytes] = []
    start, at, before = 0, 0, b""
    for end in _LINE_END.finditer(stream):
        line = stream[at : end.start()]
        half = end.end() == len(stream) and end[0] == b"\r" and before != b"\r"
        if line:
            lines.append(line if at else line.removeprefix(_BYTE_ORDER_MARK))
        elif not half:
            if lines:
                events.append(Event(stream[start : end.end()], _data(lines)))
            lines, start = [], end.end()
        at, before = end.end(), end[0]
    return events, stream[start:]


def _data(lines: list[bytes]) -> bytes:
    named = (line[5:] for line in lines if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b" ") for line in named)


def form_fields(content_type: bytes, body: bytes, names: tuple[str, ...]) -> dict[str, list[str]] | None:
    """A multipart form's fields of these names, in lower case, as Python's `email` reads it; None where it is no whole
    form to it."""
    whole = b"content-type: " + content_type + b"\r\n\r\n" + body
    message = email.message_from_bytes(whole, policy=email.policy.compat32)
    if message.get_content_maintype() != "multipart" or not message.is_multipart() or message.defects:
        return None
    found: dict[str, list[str]] = {name: [] for name in names}
    for part in message.get_payload():
        if isinstance(part, Message):
            name = str(part.get_param("name", header="content-disposition")).strip().lower()
            value = part.get_payload(decode=True)
            if name in found:
                found[name].append(value.decode(errors="replace") if isinstance(value, bytes) else "")
    return found


class Request(NamedTuple):
    """A request that is whole."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def requests_of(stream: bytes) -> tuple[list[Request], str]:
    """The whole requests of a caller's connection as h11 reads them, each answered when it is; and how it ended:
    "more" (it waits), "closed" (no more is served), or what is wrong. Empty lines before a request are passed over, and
    several spaces in its first line are one (RFC 9112 sections 2.2 and 3); h11 does neither."""
    found: list[Request] = []
    while rest := _SPACES.sub(rb"\1 \2 \3", stream.lstrip(b"\r\n")):
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        connection.receive_data(rest)
        try:
            request = _one_request(connection)
        except h11.RemoteProtocolError as error:
            return found, str(error)
        if request is None:
            return found, "more"
        found.append(request)
        if connection.their_state in (h11.MUST_CLOSE, h11.CLOSED):
            return found, "closed"
        stream = connection.trailing_data[0]
    return found, "more"


def _one_request(connection: h11.Connection) -> Request | None:
    head: h11.Request | None = None
    parts: list[bytes] = []
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            headers = tuple((bytes(name), bytes(value)) for name, value in head.headers)
            return Request(bytes(head.method), bytes(head.target), headers, b"".join(parts))
        else:
            return None


def lowered(name: bytes, value: bytes) -> bytes:
    """A header's value as h11 gives it: a coding in lower case."""
    return value.lower() if name == b"transfer-encoding" else value


class Answer(NamedTuple):
    """An answer that is whole."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def answer_of(method: bytes, stream: bytes) -> Answer | str:
    """The answer on an upstream's connection as h11 reads it, the connection closed behind it; or what is wrong."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    status, parts = 0, list[bytes]()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    try:
        connection.receive_data(stream)
        connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple((bytes(name), bytes(value)) for name, value in event.headers)
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif not isinstance(event, h11.InformationalResponse):
                return f"unfinished: {event!r}"
    except h11.RemoteProtocolError as error:
        return str(error)
    return Answer(status, headers, b"".join(parts))
