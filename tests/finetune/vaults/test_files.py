from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.vaults import (
    BadRecord,
    Chunk,
    Vault,
    VaultCount,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    open_vault,
)
from finetune.vaults.allowed import allowed_place
from finetune.vaults.files import LocalFiles
from finetune.vaults.jsonl import JsonlVault
from finetune.vaults.options import Fields, Options, Source
from finetune.vaults.records import Records


def line(number: int = 0, **changed: Any) -> bytes:
    record = {
        "chunk_id": f"deed:{number:04}",
        "document_id": "deed",
        "title": "Deed of Gift",
        "position": number,
        "status": "ready",
        "text": "The Donor gives the Orchard to the Donee.",
    }
    record.update(changed)
    return json.dumps({name: value for name, value in record.items() if value is not ...}).encode()


def vault_of(folder: Path, *lines: bytes, name: str = "a.jsonl", **options: Any) -> Vault:
    (folder / name).write_bytes(b"\n".join(lines))
    return open_vault(Source(f"file://{folder}/{name}", Options(**options)), [f"file://{folder}"])


def test_chunks_come_in_order_and_can_be_read_twice(tmp_path: Path) -> None:
    vault = vault_of(tmp_path, line(0), line(1, status="failed"), line(2))
    first = list(vault.chunks())
    assert [record.position for record in first if isinstance(record, Chunk)] == [0, 1, 2]
    assert [record.ready for record in first if isinstance(record, Chunk)] == [True, False, True]
    assert list(vault.chunks()) == first


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"not json", "not_json"),
        (b'{"chunk_id": "a"', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"chunk_id":"a","document_id":"b","title":"\xff"}', "not_json"),
        (line()[:-1] + b',"notes":' + b"[" * 100_000, "not_json"),
        (b"[" * 100_000, "not_an_object"),
        (b'["a"]', "not_an_object"),
        (b"7", "not_an_object"),
        (line(text=...), "missing_field"),
        (line(document_id=...), "missing_field"),
        (line(text=None), "wrong_field"),
        (line(position="3"), "wrong_field"),
        (line(position=-1), "wrong_field"),
        (line(chunk_id=True), "wrong_field"),
        (line(chunk_id=7.5), "wrong_field"),
        (line(status=None), "wrong_field"),
        (line(chunk_id=""), "wrong_field"),
    ],
)
def test_a_bad_record_says_where_and_why_and_the_rest_is_read(tmp_path: Path, bad: bytes, reason: str) -> None:
    vault = vault_of(tmp_path, line(0), bad, line(2))
    before, record, after = vault.chunks()
    assert record == BadRecord("a.jsonl:2", reason)
    assert isinstance(before, Chunk)
    assert isinstance(after, Chunk)


def test_a_line_over_the_limit_is_a_bad_record_and_is_never_held_whole(tmp_path: Path) -> None:
    url, roots = f"file://{tmp_path}/a.jsonl", [f"file://{tmp_path}"]
    (tmp_path / "a.jsonl").write_bytes(line(0) + b"\n" + b"x" * 5000 + b"\n" + line(2) + b"\n" + b"y" * 5000)
    files = LocalFiles(allowed_place(url, roots), roots)
    records = list(JsonlVault(files, Records(Options(), max_bytes=1000), lambda: False).chunks())
    assert [type(record) for record in records] == [Chunk, BadRecord, Chunk, BadRecord]
    assert records[1] == BadRecord("a.jsonl:2", "too_long")


def test_blank_lines_a_byte_order_mark_and_unknown_fields_do_no_harm(tmp_path: Path) -> None:
    vault = vault_of(tmp_path, b"\xef\xbb\xbf" + line(0), b"", b"  \r", line(1, author="M. Quill") + b"\r")
    assert count(vault) == VaultCount(ready_chunks=2, other_chunks=0)


def test_a_glob_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt"):
        (tmp_path / name).write_bytes(line(title=name))
    (tmp_path / "folder.jsonl").mkdir()
    vault = open_vault(f"file://{tmp_path}/*.jsonl", [f"file://{tmp_path}/"])
    assert [chunk.title for chunk in vault.chunks() if isinstance(chunk, Chunk)] == ["a.jsonl", "b.jsonl"]


def test_gzip_is_told_by_its_ending(tmp_path: Path) -> None:
    vault = vault_of(tmp_path, gzip.compress(line(0) + b"\n" + line(1)), name="a.jsonl.gz")
    assert count(vault).ready_chunks == 2


def test_a_broken_gzip_is_an_unreadable_source_with_its_place(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join(line(number, text=os.urandom(40).hex()) for number in range(2000)))
    vault = vault_of(tmp_path, packed[: len(packed) // 2], name="a.jsonl.gz")
    with pytest.raises(VaultUnreadable) as caught:
        count(vault)
    name, number = caught.value.place.split(":")
    assert name == "a.jsonl.gz"
    assert int(number) > 1


@pytest.mark.parametrize("name", ["none.jsonl", "*.jsonl", "folder"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(VaultUnreadable, match="no such file"):
        list(open_vault(f"file://{tmp_path}/{name}", [f"file://{tmp_path}"]).chunks())


def test_a_pipe_is_not_a_vault(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(VaultUnreadable, match="not a regular file"):
        list(open_vault(f"file://{tmp_path}/a.jsonl", [f"file://{tmp_path}"]).chunks())


def test_a_file_that_goes_away_is_unreadable(tmp_path: Path) -> None:
    vault = vault_of(tmp_path, line(0))
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(VaultUnreadable):
        list(vault.chunks())


def test_links_are_followed_only_as_far_as_the_roots_reach(tmp_path: Path) -> None:
    inside, outside = tmp_path / "vaults", tmp_path / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.jsonl").write_bytes(line(0))
    (inside / "real.jsonl").write_bytes(line(0))
    (inside / "same.jsonl").symlink_to(inside / "real.jsonl")
    (inside / "out.jsonl").symlink_to(outside / "secret.jsonl")
    (inside / "folder").symlink_to(outside)
    roots = [f"file://{inside}/"]
    assert count(open_vault(f"file://{inside}/same.jsonl", roots)).ready_chunks == 1
    for name in ("out.jsonl", "folder/secret.jsonl", "*.jsonl"):
        with pytest.raises(VaultNotAllowed, match="leads outside"):
            list(open_vault(f"file://{inside}/{name}", roots).chunks())
    assert count(open_vault(f"file://{inside}/folder/secret.jsonl", [*roots, f"file://{outside}"])).ready_chunks


def test_a_files_name_is_never_read_as_a_url(tmp_path: Path) -> None:
    for name in ("a::b.jsonl", "zip::c.jsonl", "[d].jsonl"):
        (tmp_path / name).write_bytes(line(title=name))
    vault = open_vault(f"file://{tmp_path}/*.jsonl", [f"file://{tmp_path}"])
    titles = [chunk.title for chunk in vault.chunks() if isinstance(chunk, Chunk)]
    assert titles == ["[d].jsonl", "a::b.jsonl", "zip::c.jsonl"]


def test_a_link_set_after_opening_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "vaults").mkdir()
    (tmp_path / "secret.jsonl").write_bytes(line(0))
    vault = vault_of(tmp_path / "vaults", line(0))
    (tmp_path / "vaults" / "a.jsonl").unlink()
    (tmp_path / "vaults" / "a.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(VaultNotAllowed):
        list(vault.chunks())


def test_a_root_that_is_a_link_itself_still_admits(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "vaults").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "a.jsonl").write_bytes(line(0))
    assert count(open_vault(f"file://{tmp_path}/vaults/a.jsonl", [f"file://{tmp_path}/vaults"])).ready_chunks == 1


def test_counting(tmp_path: Path) -> None:
    vault = vault_of(tmp_path, line(0), line(1, status="processing"), b"{", line(3), line(4))
    assert count(vault) == VaultCount(ready_chunks=3, other_chunks=2)


_CHUNKS = st.builds(
    Chunk,
    chunk_id=st.text(st.characters(codec="utf-8"), min_size=1),
    document_id=st.text(st.characters(codec="utf-8"), min_size=1),
    title=st.text(st.characters(codec="utf-8")),
    position=st.integers(0, 2**53),
    status=st.sampled_from(["ready", "processing", "failed"]),
    text=st.text(st.characters(codec="utf-8")),
)


@given(st.lists(_CHUNKS))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, chunks: list[Chunk]) -> None:
    vault = vault_of(tmp_path_factory.mktemp("vault"), *map(msgspec.json.encode, chunks))
    assert list(vault.chunks()) == chunks


@given(st.binary())
def test_any_bytes_are_records_or_bad_records(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    vault = vault_of(tmp_path_factory.mktemp("vault"), noise)
    assert all(isinstance(record, Chunk | BadRecord) for record in vault.chunks())


def test_places_of_a_glob_tell_files_of_one_name_apart(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").write_bytes(b"{")
    vault = open_vault(f"file://{tmp_path}/*/x.jsonl", [f"file://{tmp_path}"])
    assert [record.place for record in vault.chunks() if isinstance(record, BadRecord)] == [
        "a/x.jsonl:1",
        "b/x.jsonl:1",
    ]


def test_fields_of_other_names(tmp_path: Path) -> None:
    record = {"id": 7, "doc": {"uuid": "d"}, "body": {"content": "Whereas"}, "state": "final"}
    fields = Fields(
        chunk_id="id", document_id="doc.uuid", text="body.content", status="state", title=None, position=None
    )
    lines = [json.dumps({**record, "state": state}).encode() for state in ("final", "draft", "ready", True, 1)]
    found = list(vault_of(tmp_path, *lines, fields=fields, ready_values=("final", True)).chunks())
    assert found[0] == Chunk("7", "d", "", 0, "ready", "Whereas")
    assert [chunk.ready for chunk in found if isinstance(chunk, Chunk)] == [True, False, False, True, False]


def test_records_without_a_status_are_ready_where_that_is_said(tmp_path: Path) -> None:
    assert count(vault_of(tmp_path, line(status=...))) == VaultCount(0, 1)
    assert count(vault_of(tmp_path, line(status=...), line(status="odd"), fields=Fields(status=None))) == VaultCount(
        2, 0
    )


def test_counting_ends_when_nobody_waits(tmp_path: Path) -> None:
    """Also of a file without any record."""
    (tmp_path / "a.jsonl").write_bytes(b"\n" * 3000)
    with pytest.raises(VaultUnreadable, match=r"a\.jsonl:1000: nobody waits"):
        count(open_vault(f"file://{tmp_path}/a.jsonl", [f"file://{tmp_path}"], stopped=lambda: True))
