"""A JSON object's top-level members, seen as its bytes go by; nothing is built or held but a name.

Below the top level only strings and brackets are told apart, which is enough to know where it goes on. What no JSON
can have there (comments, single quotes) is refused: to a lenient parser it may hide a string's end.
"""

import codecs
import json
import re
from collections.abc import Callable

from gateway.errors import GatewayError

_WINDOW = 32 * 1024  # looked at in one go: it bounds what the regular expressions remember
_MAX_DEPTH = 1000
_MAX_KEY = 64  # bytes; all of "purpose" written with escapes has 42
_MAX_NAME = 1024

_SPACE = re.compile(rb"[ \t\n\r]*")
_SCALAR = re.compile(rb"[0-9A-Za-z+\-.]*")
_IN_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_NESTED = re.compile(rb'(?:[ \t\n\r0-9A-Za-z+\-.,:]+|"[^"\\]*(?:\\.[^"\\]*)*")*', re.DOTALL)
# Members that cannot be of interest, however many: plain keys but those, with plain values. Without it a body of many
# small members takes ten times as long.
_OTHERS = re.compile(
    rb'(?:[ \t\n\r]*"(?!(?i:model|purpose)")[ !#-\[\]-~]{0,64}"[ \t\n\r]*:'
    rb'[ \t\n\r]*(?:"[^"\\]*"|[0-9A-Za-z+\-.]+)[ \t\n\r]*,)*'
)
_CLOSING = {b"{": b"}", b"[": b"]"}

Step = Callable[["JsonScanner", bytes, int], int]


class JsonScanner:
    """Scans one object. Every value of the members that `fields` has is added to it: names are compared without regard
    to case, since some parsers do so. Raises GatewayError as `scan.Scanner` says."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields
        self._step: Step = _opening
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._ascii = True
        self._text = bytearray()  # of the key or name that goes by
        self._escaped = False  # the last byte was a backslash in a string
        self._brackets = bytearray()  # the closing ones that are due
        self._name = ""  # the field that the value at hand belongs to

    def feed(self, data: bytes) -> None:
        """The object's next bytes."""
        for start in range(0, len(data), _WINDOW):
            window = data[start : start + _WINDOW]
            self._check_encoding(window)
            at = 0
            while at < len(window):
                at = self._step(self, window, at)

    def close(self) -> None:
        """The object must be complete."""
        if self._step is not _ended:
            raise GatewayError("invalid_json", "The request body is incomplete.")

    def _check_encoding(self, window: bytes) -> None:
        if self._ascii and window.isascii():
            return
        try:
            self._utf8.decode(window)
        except UnicodeDecodeError:
            raise GatewayError("invalid_json", "The request body is not UTF-8.") from None
        self._ascii = not self._utf8.getstate()[0]

    def string_end(self, window: bytes, at: int) -> int:
        """Where the string that goes on at `at` has its closing quote; the window's length where it has none here."""
        if self._escaped:
            self._escaped = False
            at += 1
        match = _IN_STRING.match(window, at)
        end = match.end() if match else at
        if end < len(window) and window[end] != 0x22:
            self._escaped = True  # a backslash, the window's last byte
            return len(window)
        return end


# The steps: each takes what it is for, says what comes next and returns where that begins.


def _opening(scan: JsonScanner, window: bytes, at: int) -> int:
    _expect(window[at : at + 1] == b"{")
    scan._step = _first_key
    return at + 1


def _first_key(scan: JsonScanner, window: bytes, at: int) -> int:
    at = _skip(window, at)
    if window[at : at + 1] == b"}":
        scan._step = _ended
        return at + 1
    if at < len(window):
        scan._step = _before_key
    return at


def _before_key(scan: JsonScanner, window: bytes, at: int) -> int:
    match = _OTHERS.match(window, at)
    at = _skip(window, match.end() if match else at)
    if at < len(window):
        _expect(window[at : at + 1] == b'"')
        scan._text.clear()
        scan._step = _key
        at += 1
    return at


def _key(scan: JsonScanner, window: bytes, at: int) -> int:
    end = scan.string_end(window, at)
    scan._text += window[at : min(end, at + _MAX_KEY + 1)]
    if end == len(window):
        del scan._text[_MAX_KEY + 1 :]
        return end
    scan._name = _field(bytes(scan._text)) if len(scan._text) <= _MAX_KEY else ""
    if scan._name not in scan._fields:
        scan._name = ""
    scan._step = _colon
    return end + 1


def _colon(scan: JsonScanner, window: bytes, at: int) -> int:
    at = _skip(window, at)
    if at < len(window):
        _expect(window[at : at + 1] == b":")
        scan._step = _value
        at += 1
    return at


def _value(scan: JsonScanner, window: bytes, at: int) -> int:
    at = _skip(window, at)
    if at == len(window):
        return at
    first = window[at : at + 1]
    if first == b'"':
        scan._text.clear()
        scan._step = _named if scan._name else _string
        return at + 1
    if scan._name:
        scan._fields[scan._name].append("")
    if first in _CLOSING:
        scan._brackets += _CLOSING[first]
        scan._step = _nested
        return at + 1
    _expect(_SCALAR.fullmatch(first) is not None)
    scan._step = _scalar
    return at


def _named(scan: JsonScanner, window: bytes, at: int) -> int:
    end = scan.string_end(window, at)
    scan._text += window[at : min(end, at + _MAX_NAME + 1)]
    if len(scan._text) > _MAX_NAME:
        raise GatewayError("invalid_model_field", f"The field `{scan._name}` is too long.", scan._name)
    if end == len(window):
        return end
    scan._fields[scan._name].append(_decoded(bytes(scan._text)))
    scan._step = _after
    return end + 1


def _string(scan: JsonScanner, window: bytes, at: int) -> int:
    end = scan.string_end(window, at)
    if end == len(window):
        return end
    scan._step = _nested if scan._brackets else _after
    return end + 1


def _scalar(scan: JsonScanner, window: bytes, at: int) -> int:
    match = _SCALAR.match(window, at)
    end = match.end() if match else at
    if end < len(window):
        scan._step = _after
    return end


def _nested(scan: JsonScanner, window: bytes, at: int) -> int:
    match = _NESTED.match(window, at)
    at = match.end() if match else at
    if at == len(window):
        return at
    mark = window[at : at + 1]
    if mark == b'"':
        scan._step = _string
    elif mark in _CLOSING:
        scan._brackets += _CLOSING[mark]
        if len(scan._brackets) > _MAX_DEPTH:
            raise GatewayError("invalid_json", "The request body is nested too deeply.")
    else:
        _expect(scan._brackets.endswith(mark))
        del scan._brackets[-1]
        if not scan._brackets:
            scan._step = _after
    return at + 1


def _after(scan: JsonScanner, window: bytes, at: int) -> int:
    at = _skip(window, at)
    if at < len(window):
        mark = window[at : at + 1]
        _expect(mark in (b",", b"}"))
        scan._step = _before_key if mark == b"," else _ended
        at += 1
    return at


def _ended(scan: JsonScanner, window: bytes, at: int) -> int:  # noqa: ARG001 - a step like the others
    at = _skip(window, at)
    _expect(at == len(window))
    return at


def _skip(window: bytes, at: int) -> int:
    match = _SPACE.match(window, at)
    return match.end() if match else at


def _expect(is_so: bool) -> None:
    if not is_so:
        raise GatewayError("invalid_json")


def _field(key: bytes) -> str:
    """A key as the most lenient parser compares it."""
    return _decoded(key).casefold()


def _decoded(literal: bytes) -> str:
    """Half a surrogate pair, which an escape can name, is no text: no path and no record could hold it."""
    try:
        text = str(json.loads(b'"%b"' % literal, strict=False))
        text.encode()
    except ValueError:
        raise GatewayError("invalid_json") from None
    return text
