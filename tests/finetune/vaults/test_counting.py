"""What is counted in a Vault, and what is told of the rest."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from finetune.vaults import BadRecord, Chunk, Tally, VaultCount, count, open_vault
from tests.support.vaults import jsonl, record

READY = Chunk("c", "d", "t", 0, "ready", "text")


class Held:
    """A Vault of these records."""

    def __init__(self, *records: Chunk | BadRecord) -> None:
        self._records = records

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        yield from self._records


def other(status: str) -> Chunk:
    return replace(READY, status=status)


def test_ready_ones_others_and_what_cannot_be_read() -> None:
    tally = Tally()
    assert tally.is_empty
    bad = [BadRecord(f"a.jsonl:{line}", "not_json") for line in (7, 9)]
    counted = count(Held(READY, other("draft"), *bad, other("final"), other("final")), tally)
    assert counted == tally.count == VaultCount(ready_chunks=1, other_chunks=5)
    assert list(tally.statuses.items()) == [("final", 2), ("draft", 1)]
    assert (tally.bad, tally.first_bad) == (2, bad[0])
    assert not tally.is_empty


def test_a_field_that_is_no_status_makes_few_words_none_of_them_long() -> None:
    tally = Tally()
    count(Held(*(other(f"{number} {'x' * 100}") for number in range(50))), tally)
    assert len(tally.statuses) == 11
    assert tally.statuses["…"] == 40
    assert max(map(len, tally.statuses)) == 60
    assert tally.count.other_chunks == 50


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(record(1), record(2, status="pending"), record(3, text=...)))
    tally = Tally()
    assert count(open_vault(path.as_uri(), [f"{tmp_path.as_uri()}/"]), tally) == VaultCount(1, 2)
    assert (tally.statuses, tally.first_bad) == ({"pending": 1}, BadRecord("a.jsonl:3", "missing_field"))
