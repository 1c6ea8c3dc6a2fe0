"""From a record, wherever it was read, to a chunk: which of its fields are what, and which of its words mean `ready`.

Values in, values out; nothing here looks into a chunk's text.
"""

from typing import Any

import msgspec

from finetune.vaults.base import READY, BadRecord, Chunk
from finetune.vaults.options import Options

MAX_BYTES = 8 * 1024 * 1024  # of a line, and of a text

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_READY = "not ready"
_MISSING = object()
_object = msgspec.json.Decoder(dict[str, Any])


class Records:
    """Makes chunks of records as the options say."""

    def __init__(self, options: Options, max_bytes: int = MAX_BYTES) -> None:
        said = {name: getattr(options.fields, name) for name in options.fields.__struct_fields__}
        self._paths = {name: path.split(".") for name, path in said.items() if path is not None}
        self._ready = frozenset((type(value), value) for value in options.ready_values)
        self.max_bytes = max_bytes

    def of_line(self, line: bytes, name: str, number: int) -> Chunk | BadRecord | None:
        """The chunk in a line of JSON; None where the line is blank. `number` is from 0 on, of the file's name."""
        too_long = len(line) > self.max_bytes
        line = line.removeprefix(_BYTE_ORDER_MARK).strip()
        if not line and not too_long:
            return None
        place = f"{name}:{number + 1}"
        if too_long:
            return BadRecord(place, "too_long")
        try:
            record = _object.decode(line)
        except msgspec.ValidationError:
            return BadRecord(place, "not_an_object")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return BadRecord(place, "not_json")
        return self.of_value(record, place, number)

    def of_value(self, record: Any, place: str, number: int) -> Chunk | BadRecord:
        """The chunk in a record; `number` is where it stands among its like, from 0 on."""
        if not isinstance(record, dict):
            return BadRecord(place, "not_an_object")
        found = {name: at(record, path) for name, path in self._paths.items()}
        if any(value is _MISSING for value in found.values()):
            return BadRecord(place, "missing_field")
        status = found.get("status", READY)
        found["status"] = self._status(status) if "status" in self._paths else READY
        found = {"title": "", "position": number, **found, **_ids(found)}
        try:
            chunk = msgspec.convert(found, Chunk)
        except msgspec.ValidationError:
            return BadRecord(place, "wrong_field")
        return BadRecord(place, "too_long") if len(chunk.text) > self.max_bytes else chunk

    def _status(self, value: Any) -> Any:
        """`ready` for what means that, else another word; what cannot be a status is left to be refused."""
        if not isinstance(value, str | bool | int):
            return None
        if (type(value), value) in self._ready:
            return READY
        return value if isinstance(value, str) and value != READY else _NOT_READY


def _ids(found: dict[str, Any]) -> dict[str, str]:
    """Ids that are numbers, as text."""
    names = ("chunk_id", "document_id")
    return {name: str(found[name]) for name in names if type(found[name]) is int}


def at(record: dict[str, Any], path: list[str], missing: Any = _MISSING) -> Any:
    """What lies at a path of names; `missing` where nothing does."""
    value: Any = record
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return missing
        value = value[name]
    return value
