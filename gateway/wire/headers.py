"""Which headers pass, in each direction, and which are the gateway's own.

Names are lower case throughout, as both the ASGI specification and our upstream client give them.
"""

from collections.abc import Iterable

from gateway.masked import Secret, SecretBytes

Header = tuple[bytes, bytes]
Headers = list[Header]

# RFC 9110 section 7.6.1, with the older `keep-alive` and `proxy-connection`, and RFC 7615's answer to a proxy's caller.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    },
)
_CREDENTIALS = frozenset(
    {b"authorization", b"x-api-key", b"api-key", b"cookie", b"openai-organization", b"openai-project"},
)
_KEYS = frozenset({b"authorization", b"x-api-key", b"api-key"})
_CONTROL = frozenset({b"x-tenant-id", b"x-provider", b"x-workflow", b"x-workflow-run-id", b"x-model-policy"})
# Who called from where. `forwarded` is what RFC 7239 made of `x-forwarded-*`.
_ORIGIN = frozenset({b"forwarded"})
# What proxies say to each other, and the gateway to its translator: the latter holds a provider's credential.
_PREFIXES = (b"x-forwarded-", b"proxy-", b"x-housestyle-")
_INTERNAL = b"x-housestyle-"
# Written anew for the upstream: its own host and length, no compression (so that usage can be read), our span.
_REWRITTEN = frozenset({b"host", b"content-length", b"accept-encoding", b"expect", b"traceparent", b"tracestate"})
_OURS = frozenset({b"x-call-id", b"x-fine-tuned", b"x-model-reason"})

_MAX_DIGITS = 20  # below 2^64; Python refuses to read thousands of them

_NOT_SENT = _HOP_BY_HOP | _CREDENTIALS | _CONTROL | _ORIGIN | _REWRITTEN
_NOT_RELAYED = _HOP_BY_HOP | _OURS


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first header of this (lower-case) name."""
    return next((value for key, value in headers if key == name), None)


def to_upstream(headers: Headers) -> Headers:
    """What of a caller's headers goes upstream."""
    skipped = _NOT_SENT | _named_in_connection(headers) if b"connection" in dict(headers) else _NOT_SENT
    return [header for header in headers if header[0] not in skipped and not header[0].startswith(_PREFIXES)]


def to_caller(headers: Headers) -> Headers:
    """What of an upstream's headers goes to the caller."""
    skipped = _NOT_RELAYED | _named_in_connection(headers) if b"connection" in dict(headers) else _NOT_RELAYED
    return [header for header in headers if header[0] not in skipped and not header[0].startswith(_INTERNAL)]


def masked(headers: Headers) -> Headers:
    """The same, for an application that may show them: the value of a credential does not show itself."""
    return [(name, SecretBytes(value) if name in _CREDENTIALS else value) for name, value in headers]


def is_credential(name: str) -> bool:
    """Whether a header, its name in lower case, says who calls."""
    return name.encode("latin-1") in _CREDENTIALS


def presented_key(headers: Headers) -> Secret | None:
    """The key that the caller shows, in whichever header; None for none, or for two that differ."""
    shown: set[bytes] = set()
    for name, value in headers:
        if name not in _KEYS:
            continue
        if name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            shown.add(token.strip() if scheme.lower() == b"bearer" else b"")
        else:
            shown.add(value.strip())
    return Secret(shown.pop().decode("latin-1")) or None if len(shown) == 1 else None


def _named_in_connection(headers: Headers) -> frozenset[bytes]:
    values = (value for key, value in headers if key == b"connection")
    return frozenset(token.strip().lower() for value in values for token in value.split(b","))


def joined(headers: Headers, name: bytes) -> bytes | None:
    """All values of a header that is a list (RFC 9110 section 5.3); None where it is not there."""
    values = [value for key, value in headers if key == name]
    return b", ".join(values) if values else None


def content_length(headers: Headers) -> int | None:
    """The announced length of a body, in bytes; None where none is announced that a body can have."""
    value = (first(headers, b"content-length") or b"").strip()
    return int(value) if value.isdigit() and len(value) < _MAX_DIGITS else None


def upgrades(headers: Headers) -> bool:
    """Whether a request asks for another protocol. `h2c` is one that a server may pass over (RFC 9113 section 3.1)."""
    wanted = joined(headers, b"upgrade")
    asked = wanted is not None and b"upgrade" in _named_in_connection(headers)
    return asked and any(token.strip().lower() != b"h2c" for token in (wanted or b"").split(b","))
