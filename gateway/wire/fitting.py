"""Answers of which a part has another shape than its API's reference gives: what fits is read all the same, so that a
count that is no number does not hide which model has answered. What the parts mean is not known here.
"""

from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

_Shape = TypeVar("_Shape", bound=Struct)

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])


def decode(decoder: msgspec.json.Decoder[_Shape], payload: bytes) -> _Shape:
    """An object as a Struct all of whose fields may be left out; those that do not fit are. A number may stand in a
    text, or have a fraction of zero.

    Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for what is no JSON object.
    """
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError:
        return _members(decoder.type, payload)


def _members(kind: type[_Shape], payload: bytes | Raw) -> _Shape:
    said = _MEMBERS.decode(payload)
    fields = msgspec.structs.fields(kind)
    return kind(**{field.name: _fitting(field.type, said[field.name]) for field in fields if field.name in said})


def _fitting(kind: Any, value: Raw) -> Any:
    """The value, or of an object or a list what fits of it; None where nothing does."""
    try:
        return msgspec.json.decode(value, type=kind, strict=False)
    except msgspec.ValidationError:
        pass
    for arm in get_args(kind):
        try:
            if get_origin(arm) is list:
                (item,) = get_args(arm)
                fitting = (_fitting(item | None, part) for part in _ITEMS.decode(value))
                return [part for part in fitting if part is not None]
            if issubclass(arm, Struct):
                return _members(arm, value)
        except msgspec.ValidationError:
            continue
    return None
