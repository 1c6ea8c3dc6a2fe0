"""A provider's list of models, with some taken out; every other byte of an entry as it was."""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from gateway.errors import GatewayError


class _Entry(Struct):
    id: str = ""


_LIST = msgspec.json.Decoder(dict[str, Raw])
_ENTRIES = msgspec.json.Decoder(list[Raw])
_ENTRY = msgspec.json.Decoder(_Entry)


def without(listing: bytes, unwanted: Callable[[str], bool]) -> bytes:
    """`listing` without the entries of `data` whose id is unwanted.

    Raises GatewayError `upstream_protocol_error` where it is no list of models: what cannot be read is not
    shown, since it might name another tenant's.
    """
    try:
        members = _LIST.decode(listing)
        entries = _ENTRIES.decode(members["data"])
        kept = [bytes(entry) for entry in entries if not unwanted(_ENTRY.decode(entry).id)]
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        raise GatewayError("upstream_protocol_error", "The provider's list of models could not be read.") from None
    if len(kept) == len(entries):
        return listing
    members["data"] = Raw(b"[" + b",".join(kept) + b"]")
    return msgspec.json.encode(members)
