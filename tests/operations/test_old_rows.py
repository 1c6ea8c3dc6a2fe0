"""Rows that released versions have written are read by this one, whole. `rows/<version>.jsonl` has a row of each kind
with every field that it had: kept for ever, added to until the version is out.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec import Struct

from finetune.values import Job
from gateway.store import keys
from gateway.store.connection import Store
from gateway.store.rows import KeyRow, TenantRow, parse_row, tenant_row
from gateway.why import WhyRecord
from gateway.why_reading import Wanted, WhyReader

FOLDER = Path(__file__).parent / "rows"
KINDS: dict[str, type[Struct]] = {"tenant": TenantRow, "key": KeyRow, "job": Job, "why": WhyRecord}


class Line(Struct):
    """A line of a file."""

    kind: str
    row: dict[str, Any]


def lines(file: Path) -> list[Line]:
    """All of a version's."""
    return [msgspec.json.decode(line, type=Line) for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.stem)
def test_rows_of_a_release_are_read_whole(file: Path) -> None:
    for line in lines(file):
        read = msgspec.json.decode(msgspec.json.encode(line.row), type=KINDS[line.kind])
        assert msgspec.json.decode(msgspec.json.encode(read)) == line.row, line.kind


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.stem)
async def test_a_why_record_of_a_release_is_found(store: Store, file: Path) -> None:
    """As 0.1.0 wrote them, an entry of the stream each."""
    for line in lines(file):
        if line.kind == "why":
            await cast("Any", store.redis.xadd(keys.why_of("orchard"), {"record": msgspec.json.encode(line.row)}))
            page = await WhyReader(store, 36_500).page("orchard", Wanted(trace_id=line.row["trace_id"]), 5, None)
            assert msgspec.to_builtins(page.records) == [line.row]


def test_this_versions_file_has_every_field_of_every_kind() -> None:
    found = {line.kind: set(line.row) for line in lines(FOLDER / f"{version('housestyle')}.jsonl")}
    assert found == {kind: set(struct.__struct_fields__) for kind, struct in KINDS.items()}


def test_a_field_of_a_newer_version_is_passed_over_and_lost_with_the_next_change() -> None:
    """Why what is new is used once all are new."""
    row = tenant_row(parse_row(b'7 {"tenant":"orchard","created_at":"","updated_at":"","name":"Orchard","newer":1}'))
    assert row.name == "Orchard"
    assert b"newer" not in msgspec.json.encode(row)


def test_a_value_of_a_newer_version_makes_the_row_unreadable() -> None:
    with pytest.raises(msgspec.MsgspecError):
        tenant_row(parse_row(b'7 {"tenant":"orchard","created_at":"","updated_at":"","rule":"newer"}'))
