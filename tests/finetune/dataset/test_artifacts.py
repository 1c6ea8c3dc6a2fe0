from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from finetune.dataset import (
    DatasetDamaged,
    DatasetMissing,
    copy_dataset,
    find_document,
    open_train,
    open_validation,
    read_examples,
    read_manifest,
)
from finetune.dataset.artifacts import DOCUMENTS, FILES, MANIFEST, TRAIN, VALIDATION, Staging
from finetune.dataset.build import build
from tests.finetune.dataset.texts import vault


def test_nothing_is_there_before_the_whole_is(tmp_path: Path) -> None:
    with Staging(str(tmp_path)) as staging:
        for name in FILES:
            assert staging.bring(name, BytesIO(b"{}")) == sha256(b"{}").hexdigest()
        assert not {path.name for path in tmp_path.iterdir()} & set(FILES)
        staging.publish()
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_leaving_without_publishing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Staging(str(tmp_path / "set")) as staging:
        staging.bring(TRAIN, BytesIO(b"{}"))
        raise RuntimeError
    assert list((tmp_path / "set").iterdir()) == []


def test_what_killed_builders_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl.0123.partial").write_bytes(b"half")
    build(vault(12), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_without_its_manifest_a_data_set_is_missing(tmp_path: Path) -> None:
    build(vault(12), str(tmp_path))
    (tmp_path / MANIFEST).unlink()
    for read in (read_manifest, read_examples, open_train, open_validation):
        with pytest.raises(DatasetMissing):
            read(str(tmp_path))


def test_any_fsspec_url_will_do(tmp_path: Path) -> None:
    local = build(vault(12), f"file://{tmp_path}/set/")
    memory = build(vault(12), "memory://artifacts/set")
    assert local == memory
    assert read_manifest("memory://artifacts/set") == read_manifest(str(tmp_path / "set"))
    with open_train("memory://artifacts/set") as train:
        assert train.read() == (tmp_path / "set" / TRAIN).read_bytes()


def test_a_data_set_is_copied_whole(tmp_path: Path) -> None:
    there = f"memory://artifacts/{uuid4()}"
    summary = build(vault(30), str(tmp_path / "one"))
    assert copy_dataset(str(tmp_path / "one"), there).summary == summary
    assert copy_dataset(there, str(tmp_path / "two")).summary == summary
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("name", [TRAIN, VALIDATION])
def test_a_damaged_one_is_not_copied(tmp_path: Path, name: str) -> None:
    build(vault(30), str(tmp_path / "one"))
    with (tmp_path / "one" / name).open("ab") as file:
        file.write(b"{}")
    with pytest.raises(DatasetDamaged, match=name):
        copy_dataset(str(tmp_path / "one"), str(tmp_path / "two"))
    assert list((tmp_path / "two").iterdir()) == []
    with pytest.raises(DatasetMissing):
        copy_dataset(str(tmp_path / "two"), str(tmp_path / "three"))


def test_a_documents_chunks_are_found(tmp_path: Path) -> None:
    build(vault(33), str(tmp_path))
    assert {find_document(str(tmp_path), f"deed-{number}") for number in range(1, 6)} == {5}
    assert [find_document(str(tmp_path), name) for name in ("deed-0", "deed-6", "deed", "deed-60", "")] == [
        4,
        4,
        0,
        0,
        0,
    ]
    with pytest.raises(DatasetMissing):
        find_document(str(tmp_path / "nothing"), "deed-1")


def test_looking_for_a_document_ends_where_it_would_stand(tmp_path: Path) -> None:
    build(vault(33), str(tmp_path))
    lines = (tmp_path / DOCUMENTS).read_bytes().splitlines(keepends=True)
    (tmp_path / DOCUMENTS).write_bytes(b"".join(lines[:3]) + b"not to be read")
    assert find_document(str(tmp_path), "deed-2") == 5
    assert find_document(str(tmp_path), "deed-11") == 0
