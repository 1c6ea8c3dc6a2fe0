"""Lists of models: a provider's with some taken out, each other entry as it was; or one of the gateway's own.

Source: the OpenAI API reference, "List models"; Anthropic's has `first_id` and `last_id` beside it, Together's is an
array alone.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.errors import GatewayError


class _Entry(Struct):
    id: str = ""


_LIST = msgspec.json.Decoder(dict[str, Raw])
_ENTRIES = msgspec.json.Decoder(list[Raw])
_ENTRY = msgspec.json.Decoder(_Entry)


def without(listing: bytes, unwanted: Callable[[str], bool]) -> bytes:
    """`listing` without the entries whose id is unwanted: those of its `data`, or its own where it is an array.

    Raises GatewayError `upstream_protocol_error` where it is no list of models: what cannot be read is not
    shown, since it might name another tenant's.
    """
    try:
        json.loads(listing, object_pairs_hook=_read_once)
        if listing.lstrip(b" \t\n\r").startswith(b"["):
            return _kept(listing, unwanted)[0]
        members = _LIST.decode(listing)
        entries, ids = _kept(bytes(members["data"]), unwanted)
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        raise GatewayError("upstream_protocol_error", "The provider's list of models could not be read.") from None
    if entries == bytes(members["data"]):
        return listing
    members["data"] = Raw(entries)
    for name, place in (("first_id", 0), ("last_id", -1)):
        if name in members:
            members[name] = Raw(msgspec.json.encode(ids[place] if ids else None))
    return msgspec.json.encode(members)


def known(models: Sequence[str]) -> bytes:
    """A list of these models in the OpenAI API's shape, for a provider that has no such route."""
    return msgspec.json.encode({"object": "list", "data": [_entry(model) for model in models]})


def one(model: str) -> bytes:
    """One model in the OpenAI API's shape."""
    return msgspec.json.encode(_entry(model))


def _entry(model: str) -> dict[str, str | int]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "housestyle"}


def _read_once(members: list[tuple[str, Any]]) -> None:
    """Refuses an object whose entries or id another parser could take from another place."""
    names = [name.casefold() for name, _ in members]
    if names.count("id") > 1 or names.count("data") > 1:
        raise ValueError


def _kept(array: bytes, unwanted: Callable[[str], bool]) -> tuple[bytes, list[str]]:
    """The array with what stays, itself where all stays; the ids of that."""
    entries = [(_ENTRY.decode(entry).id, bytes(entry)) for entry in _ENTRIES.decode(array)]
    kept = [(model, entry) for model, entry in entries if not unwanted(model)]
    ids = [model for model, _ in kept]
    return (array if len(kept) == len(entries) else b"[" + b",".join(entry for _, entry in kept) + b"]"), ids
