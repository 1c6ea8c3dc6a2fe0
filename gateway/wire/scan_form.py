"""A multipart form's fields, seen as its bytes go by; a file's bytes are passed over, whatever their number.

Source: RFC 7578, RFC 2046 section 5.1. Servers differ in what they take for a boundary, a name or a charset; a form in
which that could matter is refused.
"""

import logging
import re

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gateway.errors import GatewayError

_MAX_NAME = 1024
_MAX_HEADERS = 16 * 1024
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = rb';[ \t]*(%b)[ \t]*=[ \t]*(?:"((?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*)"|([^\s";,\\]+))[ \t]*' % _TOKEN
_ONE = re.compile(_PARAMETER)
_MANY = re.compile(rb"(?:%b)*;?[ \t]*" % _PARAMETER)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # after a bare line feed some servers see another header
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*[\"']?([^\s;,\"']*)", re.IGNORECASE)
_UTF_8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_PLAIN = frozenset({b"7bit", b"8bit", b"binary"})
# What callers send wrongly is not the operator's matter.
_SILENT = logging.Logger("multipart", logging.CRITICAL + 1)  # noqa: LOG001 - the parser's alone


def is_utf_8(content_type: bytes) -> bool:
    """Whether a type says of no other charset."""
    return all(charset.lower() in _UTF_8 for charset in _CHARSET.findall(content_type))


class FormScanner:
    """Scans one form. Every value of the fields that `fields` has is added to it, sent as a file or not. Raises
    GatewayError as `scan.Scanner` says."""

    def __init__(self, content_type: bytes, fields: dict[str, list[str]]) -> None:
        boundary = _boundary(content_type)
        self._fields = fields
        self._delimiter = b"--" + boundary
        self._tail = b""
        self._sighted = 0  # delimiters, wherever they stand
        self._parsed = 0  # delimiters that the parser took for such
        self._ended = False
        self._headers: list[tuple[bytearray, bytearray]] = []
        self._header_size = 0
        self._name: str | None = None  # the field that is read
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_begin": self._header_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )
        self._parser.logger = _SILENT

    def feed(self, data: bytes) -> None:
        """The form's next bytes."""
        self._tail += data
        self._sighted += self._tail.count(self._delimiter)
        self._tail = self._tail[1 - len(self._delimiter) :]
        try:
            self._parser.write(data)
        except FormParserError:
            raise GatewayError("invalid_json", "The multipart form cannot be read.") from None

    def close(self) -> None:
        """The form must be complete, and a boundary stand only where every server sees one: some take it for one
        after a bare line feed, too."""
        if not self._ended or self._sighted != self._parsed:
            raise GatewayError("invalid_json", "The multipart form is incomplete, or its boundary stands in a part.")

    def _part_begins(self) -> None:
        self._parsed += 1
        self._headers = []
        self._header_size = 0

    def _header_begins(self) -> None:
        self._headers.append((bytearray(), bytearray()))

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._headers[-1][0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._headers[-1][1].extend(data[start:end])

    def _count(self, size: int) -> None:
        self._header_size += size + 1
        if self._header_size > _MAX_HEADERS:
            raise GatewayError("invalid_json", "A part of the multipart form has too many headers.")

    def _headers_end(self) -> None:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in self._headers]
        self._headers = []
        name = _field(headers)
        self._name = name if name in self._fields else None
        self._value.clear()
        if self._name:
            _check_plain(headers)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            return
        self._value += data[start:end]
        if len(self._value) > _MAX_NAME:
            raise GatewayError("invalid_model_field", f"The field `{self._name}` is too long.", self._name)

    def _part_ends(self) -> None:
        if self._name is None:
            return
        try:
            self._fields[self._name].append(self._value.decode())
        except UnicodeDecodeError:
            raise GatewayError("invalid_json", f"The field `{self._name}` is not UTF-8.", self._name) from None
        self._name = None

    def _form_ends(self) -> None:
        self._parsed += 1
        self._ended = True


def _boundary(content_type: bytes) -> bytes:
    """The one boundary that a type names, as every server reads it."""
    kind, semicolon, parameters = content_type.strip().partition(b";")
    boundary = _parameters(semicolon + parameters).get(b"boundary", b"")
    if b"," in kind or _BOUNDARY.fullmatch(boundary) is None:
        raise GatewayError("invalid_json", "The content-type needs one boundary, of characters that RFC 2046 allows.")
    return boundary


def _field(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The name of a part's field as the most lenient server compares it; None where it has none."""
    if any(_CONTROL.search(value) for _, value in headers):
        raise GatewayError("invalid_json", "A header of the multipart form cannot be read.")
    dispositions = [value for name, value in headers if name == b"content-disposition"]
    if not dispositions:
        return None
    kind, semicolon, parameters = dispositions[0].strip().partition(b";")
    if len(dispositions) > 1 or kind.strip().lower() != b"form-data":
        raise GatewayError("invalid_json", "A part of the multipart form has no readable content-disposition.")
    name = _parameters(semicolon + parameters).get(b"name")
    return None if name is None else name.replace(b"\\", b"").decode(errors="replace").strip().casefold()


def _check_plain(headers: list[tuple[bytes, bytes]]) -> None:
    """Some servers undo a part's transfer encoding or charset, so that its bytes are not its value."""
    for name, value in headers:
        encoded = name == b"content-transfer-encoding" and value.strip().lower() not in _PLAIN
        if encoded or (name == b"content-type" and not is_utf_8(value)):
            raise GatewayError("invalid_json", "The fields `model` and `purpose` must be sent as plain UTF-8.")


def _parameters(text: bytes) -> dict[bytes, bytes]:
    """A header's parameters. Raises where one stands twice, or is written in one of RFC 2231's ways that only some
    servers know; of a file's name that does not matter."""
    found: dict[bytes, bytes] = {}
    if _MANY.fullmatch(text) is None:
        raise GatewayError("invalid_json", "A header of the multipart form cannot be read.")
    for name, quoted, token in _ONE.findall(text):
        key = name.lower()
        if key in found or (b"*" in key and not key.startswith(b"filename")):
            raise GatewayError("invalid_json", "A header of the multipart form can be read in two ways.")
        found[key] = quoted or token
    return found
