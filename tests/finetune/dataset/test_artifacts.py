from __future__ import annotations

from pathlib import Path

import pytest

from finetune.dataset import DatasetMissing, build, open_train, read_examples, read_manifest
from finetune.dataset.artifacts import FILES, MANIFEST, TRAIN, Staging
from tests.finetune.dataset.texts import vault


def test_nothing_is_there_before_the_whole_is(tmp_path: Path) -> None:
    with Staging(str(tmp_path)) as staging:
        for name in FILES:
            staging.write(name, b"{}")
        assert not {path.name for path in tmp_path.iterdir()} & set(FILES)
        staging.publish()
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_leaving_without_publishing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Staging(str(tmp_path / "set")) as staging:
        staging.write(TRAIN, b"{}")
        raise RuntimeError
    assert list((tmp_path / "set").iterdir()) == []


def test_what_killed_builders_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl.0123.partial").write_bytes(b"half")
    build(vault(12), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_without_its_manifest_a_data_set_is_missing(tmp_path: Path) -> None:
    build(vault(12), str(tmp_path))
    (tmp_path / MANIFEST).unlink()
    for read in (read_manifest, read_examples, open_train):
        with pytest.raises(DatasetMissing):
            read(str(tmp_path))


def test_any_fsspec_url_will_do(tmp_path: Path) -> None:
    local = build(vault(12), f"file://{tmp_path}/set/")
    memory = build(vault(12), "memory://artifacts/set")
    assert local == memory
    assert read_manifest("memory://artifacts/set") == read_manifest(str(tmp_path / "set"))
    with open_train("memory://artifacts/set") as train:
        assert train.read() == (tmp_path / "set" / TRAIN).read_bytes()
