"""Header lines that can be read in one way only: a token, a colon, visible ASCII. Any other is left to a whole parser.

Most lines are the same in call after call, so what they mean is kept: of a few names that hold no secret, and short.
"""

import re
from typing import cast

from gateway.wire.headers import Header

_LINE = re.compile(rb"([A-Za-z0-9_-]+):[ ]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ ]*")
_MOST = 1024
_LONGEST = 128
# What is the same in call after call, and tells nobody anything.
_KEPT = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"access-control-expose-headers",
        b"alt-svc",
        b"anthropic-beta",
        b"anthropic-version",
        b"cache-control",
        b"cf-cache-status",
        b"connection",
        b"content-type",
        b"host",
        b"keep-alive",
        b"openai-version",
        b"sec-fetch-mode",
        b"server",
        b"strict-transport-security",
        b"user-agent",
        b"vary",
        b"via",
        b"x-content-type-options",
        b"x-model-policy",
        b"x-provider",
        b"x-workflow",
    },
)
_KEPT_TOO = b"x-stainless-"
_kept: dict[bytes, Header] = {}


def read(lines: list[bytes]) -> list[Header] | None:
    """Names (in lower case) and values; None where one of the lines is another than plain."""
    headers = list(map(_kept.get, lines))
    for at, header in enumerate(headers):
        if header is None:
            headers[at] = _read(lines[at])
            if headers[at] is None:
                return None
    return cast("list[Header]", headers)


def _read(text: bytes) -> Header | None:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    header = found[1].lower(), found[2]
    if len(text) <= _LONGEST and (header[0] in _KEPT or header[0].startswith(_KEPT_TOO)):
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[text] = header
    return header
