"""JSON in and out, in the provider's manner: one way to answer, one way to read a body, one way to page.

No knowledge of single endpoints; an error found here is an ApiError from the table in errors.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from starlette.responses import Response

from finetune.sandbox.errors import ApiError, Refusal

T = TypeVar("T")

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_PATH = re.compile(r" - at (?:`key` in )?`\$\.?(?P<path>[^`]*?)(?:\[\.\.\.\])?`$")


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def decode_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object, whatever is in it."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ApiError(Refusal.NOT_JSON) from None
    if not isinstance(decoded, dict):
        raise ApiError(Refusal.NOT_JSON)
    return decoded


def decode(body: bytes, kind: type[T]) -> T:
    """The body as a typed value; what does not fit is a 400 that names the parameter."""
    try:
        return msgspec.convert(decode_object(body), kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _refusal(said: str) -> ApiError:
    """msgspec's sentence ("Expected `str`, got `int` - at `$.model`") in the provider's shape."""
    found = _PATH.search(said)
    path = found["path"] if found else ""
    reason = said[: found.start()] if found else said
    for pattern, refusal in (
        (_UNKNOWN_FIELD, Refusal.UNKNOWN_PARAMETER),
        (_MISSING_FIELD, Refusal.MISSING_PARAMETER),
    ):
        if field := pattern.search(reason):
            return ApiError(refusal, param=f"{path}.{field['field']}".lstrip("."))
    return ApiError(Refusal.INVALID_VALUE, param=path, reason=reason)


def page_size(query: Mapping[str, str], default: int, most: int) -> int:
    given = query.get("limit", str(default))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most:
        raise ApiError(Refusal.INVALID_VALUE, param="limit", reason=f"it must be from 1 to {most}.")
    return int(given)


def page(rows: Sequence[Mapping[str, object]], query: Mapping[str, str], default: int, most: int) -> Response:
    """One page of a list: the rows after the one whose id is `after`, at most `limit` of them."""
    size = page_size(query, default, most)
    start = 0
    if after := query.get("after"):
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise ApiError(Refusal.INVALID_VALUE, param="after", reason=f"no such object: {after}.")
        start = ids.index(after) + 1
    shown = rows[start : start + size]
    return answer(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": start + size < len(rows),
        }
    )
