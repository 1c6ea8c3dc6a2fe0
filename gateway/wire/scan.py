"""Which model a relayed body names, seen in passing at constant memory. Nothing is changed or held back here; what a
name means is others' to decide.

A body that some parser could read differently than this one does is refused: it could name another tenant's model
unseen. `scan_json.py` and `scan_form.py` read the two formats that can name one.
"""

import sys
from collections.abc import Iterator

from gateway.errors import GatewayError
from gateway.wire.encoding import Decoder
from gateway.wire.scan_form import FormScanner, is_utf_8
from gateway.wire.scan_json import JsonScanner

_SPACE = b" \t\n\r"
# What some parsers pass over before JSON, and all that json.loads takes for a sign of UTF-16 or UTF-32.
_BEFORE_JSON = _SPACE + b"\x0b\x0c\0\xef\xbb\xbf\xff\xfe"
_STEP = 16 * 1024
# Of a compressed body: an upload of more is sent as it is, or is a bomb.
_MAX_DECODED = 256 << 20
_JSON_STARTS = b'["-0123456789tfn'


class Scanner:
    """Sees one relayed body go by. `fields` has every value of the top-level members, or form fields, `model` and
    `purpose` that went by so far; "" for one that is no string.

    Raises GatewayError, here and while it is fed: `invalid_json` for an encoding or a type that the gateway cannot look
    into and for what parsers could read differently; `invalid_model_field` for a name of more than 1 KB.
    """

    def __init__(self, content_type: bytes | None, content_encoding: bytes | None) -> None:
        self.fields: dict[str, list[str]] = {"model": [], "purpose": []}
        self._type = (content_type or b"").strip().lower()
        if b"x-www-form-urlencoded" in self._type:
            raise GatewayError("invalid_json", "A body of this route is JSON or multipart/form-data, not urlencoded.")
        self._form = FormScanner(content_type or b"", self.fields) if b"multipart/" in self._type else None
        self._decoder = Decoder(content_encoding)
        self._coded = bool(content_encoding)
        self._begun = False
        self._odd = False
        self._reader: JsonScanner | FormScanner | None = None

    def feed(self, chunk: bytes) -> None:
        """The next part of the body, as it is sent."""
        for _ in self.steps(chunk):
            pass

    def steps(self, chunk: bytes) -> Iterator[None]:
        """The same, a little at each step: a compressed chunk may hold a thousand times its size, and others wait."""
        for piece in self._decoder.feed(chunk, _MAX_DECODED if self._coded else sys.maxsize):
            for start in range(0, len(piece), _STEP):
                part = piece[start : start + _STEP]
                data = part if self._begun else self._begin(part)
                if self._reader is not None and data:
                    self._reader.feed(data)
                yield

    def close(self) -> None:
        """Says that the body is over. Raises GatewayError `invalid_json` where it is not complete."""
        self._decoder.close()
        if self._reader is not None:
            self._reader.close()

    def _begin(self, data: bytes) -> bytes:
        """Tells the format by the first byte that is no space, whatever the header says; returns what to read."""
        rest = data.lstrip(_BEFORE_JSON)
        self._odd = self._odd or bool(data[: len(data) - len(rest)].strip(_SPACE))
        if not rest:
            return b""
        self._begun = True
        if rest.startswith(b"{"):
            if self._odd:
                raise GatewayError("invalid_json", "The request body is not UTF-8 without a byte order mark.")
            self._refuse_other_charsets()
            self._reader = JsonScanner(self.fields)
        elif self._form is not None:
            self._refuse_other_charsets()
            self._reader = self._form
        elif b"json" in self._type and (self._odd or rest[:1] not in _JSON_STARTS):
            raise GatewayError("invalid_json")
        return rest

    def _refuse_other_charsets(self) -> None:
        """Some servers decode a body as its type says."""
        if not is_utf_8(self._type):
            raise GatewayError("invalid_json", "The request body must be UTF-8.")
