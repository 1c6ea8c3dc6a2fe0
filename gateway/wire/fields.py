"""Header lines that can be read in one way only: a token, a colon, visible ASCII. Any other is left to a whole parser.

Most lines are the same in call after call, so what a line means is kept. Credentials are not, nor long lines.
"""

import re
from typing import cast

from gateway.wire.headers import CREDENTIALS, Header

_LINE = re.compile(rb"([A-Za-z0-9_-]+):[ ]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ ]*")
_MOST = 1024
_LONGEST = 128
_NOT_KEPT = CREDENTIALS | {b"content-length", b"proxy-authorization", b"set-cookie", b"traceparent"}
_kept: dict[bytes, Header] = {}


def read(lines: list[bytes]) -> list[Header] | None:
    """Names (in lower case) and values; None where one of the lines is another than plain."""
    headers = list(map(_kept.get, lines))
    while None in headers:
        at = headers.index(None)
        headers[at] = _read(lines[at])
        if headers[at] is None:
            return None
    return cast("list[Header]", headers)


def _read(text: bytes) -> Header | None:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    header = found[1].lower(), found[2]
    if len(text) <= _LONGEST and header[0] not in _NOT_KEPT:
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[text] = header
    return header
