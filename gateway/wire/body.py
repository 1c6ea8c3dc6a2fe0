"""Where the model sits in a request's body, and how it is replaced without touching anything else.

The body is validated whole by msgspec, which hands out each top-level value as the bytes it stands in; walking
along those bytes gives the position of every member without a parser of our own.
"""

import codecs
import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.errors import GatewayError

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_SPACE = re.compile(rb"[ \t\n\r]*")
# The members that the gateway may change.
_REWRITABLE = ("model", "stream_options")
# No call has so many; the walk takes 2 µs for each, and everybody waits for it.
_MAX_MEMBERS = 10_000
_MAX_MODEL = 1024  # characters; in some providers' paths it stands encoded
_PLAIN_KEY = re.compile(rb'[ \t\n\r]*"([^"\\]*)"[ \t\n\r]*:[ \t\n\r]*')
_COMMA = ord(",")
_AFTER_VALUE = b",}"
_WINDOW = 1 << 20


class RequestBody(Struct, frozen=True):
    """A call's body and what a decision needs of it.

    `places` are the half-open byte ranges of the values of the top-level members that may be rewritten;
    `stream_options` is that member's value as it stands.
    """

    raw: bytes
    places: dict[str, tuple[int, int]]
    stream_options: bytes | None
    requested: str | None
    stream: bool
    conversation: str | None


def read(raw: bytes) -> RequestBody:
    """Reads a rewritten route's body.

    Raises GatewayError: `invalid_json` (malformed, not an object, not UTF-8, nested too deeply) or
    `invalid_model_field` (not a string, or another key that some parser takes for `model`).

    A body that two parsers could read differently (duplicate or escaped keys) is
    normalised: each key once, the last value wins, as Python, Go and JavaScript read it.
    """
    members = _decode(raw)
    if len(members) > _MAX_MEMBERS:
        raise GatewayError("invalid_json", f"The request body has more than {_MAX_MEMBERS} fields.")
    for name in members:
        if name != "model" and name.casefold() == "model":  # Go's parsers, for one, take it for `model`
            raise GatewayError("invalid_model_field", f"The field `{name}` could be read as `model`.", name[:20])
    places = _walk(raw, members)
    if places is None:
        raw, places = _normalise(members)
    return RequestBody(
        raw=raw,
        places=places,
        stream_options=bytes(members["stream_options"]) if "stream_options" in members else None,
        requested=_requested(members),
        stream=_value(members, "stream") is True,
        conversation=_text(members, "prompt_cache_key") or _text(members, "user"),
    )


def with_model(body: RequestBody, model: str) -> bytes:
    """The body with `model` as its model, every other byte as it was."""
    return with_members(body, {"model": msgspec.json.encode(model)})


def with_members(body: RequestBody, changes: dict[str, bytes]) -> bytes:
    """The body with these values (JSON) for these members, every other byte as it was.

    What was not there is put first. Only members that `read` looked for can be changed.
    """
    raw = memoryview(body.raw)
    parts: list[bytes | memoryview] = []
    at = 0
    new = [b'"%s":%s' % (name.encode(), value) for name, value in changes.items() if name not in body.places]
    if new:
        at = body.raw.index(b"{") + 1
        parts += [raw[:at], b",".join(new), b"" if body.raw.startswith(b"}", _space(body.raw, at)) else b","]
    for (start, end), name in sorted((body.places[name], name) for name in changes if name in body.places):
        parts += [raw[at:start], changes[name]]
        at = end
    parts.append(raw[at:])
    return b"".join(parts)


def _decode(raw: bytes) -> dict[str, Raw]:
    try:
        if not raw.isascii():
            _check_utf_8(raw)  # msgspec does not look into the strings that it skips
        return _MEMBERS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GatewayError("invalid_json", f"The request body cannot be read: {error}.") from None
    except RecursionError:
        raise GatewayError("invalid_json", "The request body is nested too deeply.") from None


def _check_utf_8(raw: bytes) -> None:
    """Raises UnicodeDecodeError. Part by part: the text of a large body would take up to four times its size."""
    view = memoryview(raw)
    at = 0
    while at < len(raw):
        end = at + _WINDOW
        at += codecs.utf_8_decode(view[at:end], "strict", end >= len(raw))[1]


def _walk(raw: bytes, members: dict[str, Raw]) -> dict[str, tuple[int, int]] | None:
    """The places of the members that may be rewritten, or None where a key stands twice or is written with escapes.

    The body is valid, so each key is followed by its value, to the byte. Where a key stands twice, `members` has its
    last value at its first place: then either the two values differ here, or the body goes on after the last member.
    """
    places: dict[str, tuple[int, int]] = {}
    at = raw.index(b"{") + 1
    for name, value in members.items():
        key = _PLAIN_KEY.match(raw, at)
        if key is None or key[1] != name.encode():
            return None
        start = key.end()
        end = start + len(memoryview(value))
        if not raw.startswith(value, start):
            return None
        if name in _REWRITABLE:
            places[name] = (start, end)
        at = end if raw[end] in _AFTER_VALUE else _space(raw, end)
        if raw[at] not in _AFTER_VALUE:
            return None  # a number that only begins like the last one
        at += 1
    return None if members and raw[at - 1] == _COMMA else places


def _normalise(members: dict[str, Raw]) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """The members written anew, each once, and their places: a key may still need escapes, so no second walk."""
    written = bytearray(b"{")
    places: dict[str, tuple[int, int]] = {}
    for name, value in members.items():
        written += b"," if len(written) > 1 else b""
        written += msgspec.json.encode(name) + b":"
        if name in _REWRITABLE:
            places[name] = (len(written), len(written) + len(memoryview(value)))
        written += memoryview(value)
    return bytes(written + b"}"), places


def _requested(members: dict[str, Raw]) -> str | None:
    model = _value(members, "model")
    if model is not None and not isinstance(model, str):
        raise GatewayError("invalid_model_field", param="model")
    if model is not None and len(model) > _MAX_MODEL:
        raise GatewayError("invalid_model_field", f"The field `model` is over {_MAX_MODEL} characters.", "model")
    return model


def _text(members: dict[str, Raw], name: str) -> str | None:
    value = _value(members, name)
    return value if isinstance(value, str) and value else None


def _value(members: dict[str, Raw], name: str) -> Any:
    """The member's value, decoded; None where it is absent. Only small members are asked for."""
    if name not in members:
        return None
    try:
        return msgspec.json.decode(members[name])
    except (msgspec.MsgspecError, RecursionError) as error:  # a number beyond what can be held
        raise GatewayError("invalid_json", f"The field `{name}` cannot be read: {error}.", name) from None


def _space(raw: bytes, at: int) -> int:
    match = _SPACE.match(raw, at)
    return match.end() if match else at
