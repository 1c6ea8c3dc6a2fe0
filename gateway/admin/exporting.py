"""Exports of records: JSON lines or CSV, as they come from the store, never held whole.

What is asked for and found is the operations' matter; how a broken-off body is answered is `handling.py`'s.
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.admin.handling import Asked, Export

JSON_LINES = "application/x-ndjson"
CSV = "text/csv"
_SUFFIXES = {JSON_LINES: "jsonl", CSV: "csv"}
# A spreadsheet takes a text that begins with one of these for a formula, and runs it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide ones count too


def asked_form(asked: Asked, *offered: str) -> str | None:
    """The first of the offered forms that `Accept` names; None: a page is asked for."""
    accept = asked.headers.get("accept", "").lower()
    return next((form for form in offered if form in accept), None)


async def export(parts: AsyncIterator[Sequence[Struct]], kind: type[Struct], form: str, name: str) -> Export:
    """All records of `parts`, each a `kind` whose fields are plain values where it is CSV, as a file of this name.

    Its first part is read here, while an error can still be said. Raises StoreUnavailable.
    """
    first: Sequence[Struct] = await anext(parts, [])
    written = _json_lines(first, parts) if form == JSON_LINES else _csv(first, parts, kind.__struct_fields__)
    return Export(written, form, f"{name}.{_SUFFIXES[form]}")


async def _json_lines(first: Sequence[Struct], others: AsyncIterator[Sequence[Struct]]) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    yield encoder.encode_lines(first)
    async for records in others:
        yield encoder.encode_lines(records)


async def _csv(
    first: Sequence[Struct], others: AsyncIterator[Sequence[Struct]], fields: Sequence[str]
) -> AsyncIterator[bytes]:
    yield _rows([fields])
    yield _rows([_cells(record, fields) for record in first])
    async for records in others:
        yield _rows([_cells(record, fields) for record in records])


def _rows(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as RFC 4180 has them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(record: Struct, fields: Sequence[str]) -> list[Any]:
    return [_cell(getattr(record, field)) for field in fields]


def _cell(value: Any) -> Any:
    """As JSON has it, but that null is empty and that no text is a formula: one that would be gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value
