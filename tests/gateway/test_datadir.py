"""The data directory: secrets made once, kept for their owner's eyes; an external Redis wants them given."""

import base64
import re
import stat
from pathlib import Path

import pytest

from gateway.datadir import complete
from gateway.settings import ATTACHED_REDIS, SettingsError, read

GIVEN_KEY = base64.b64encode(b"k" * 32).decode()


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"HOUSESTYLE_DATA_DIR": str(folder / "data"), **more}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_left_open(tmp_path: Path) -> None:
    completed = complete(read(environ(tmp_path)))
    settings = completed.settings
    assert settings.admin_key == completed.new_admin_key
    assert settings.admin_key is not None
    assert settings.admin_key.startswith("hs_")
    assert [len(key) for key in settings.encryption_keys] == [32]
    assert settings.artifacts_url == (tmp_path / "data" / "artifacts").as_uri()
    assert settings.vault_roots == ((tmp_path / "data" / "vaults").as_uri() + "/",)
    assert (tmp_path / "data" / "vaults").is_dir()


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = complete(read(environ(tmp_path)))
    again = complete(read(environ(tmp_path)))
    assert again.settings == first.settings
    assert again.new_admin_key is None, "shown at the one start that made it"


def test_two_gateways_do_not_share_secrets(tmp_path: Path) -> None:
    one, other = (complete(read(environ(tmp_path / name))).settings for name in ("one", "other"))
    assert one.admin_key != other.admin_key
    assert one.encryption_keys != other.encryption_keys


def test_a_child_gets_its_parents_secrets(tmp_path: Path) -> None:
    parent = complete(read(environ(tmp_path))).settings
    child = complete(read(environ(tmp_path, **{ATTACHED_REDIS: "unix:///run/redis.sock"})))
    assert child.settings.admin_key == parent.admin_key
    assert child.settings.encryption_keys == parent.encryption_keys
    assert child.new_admin_key is None


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    complete(read(environ(tmp_path)))
    folder = tmp_path / "data"
    assert mode(folder) == 0o700
    assert mode(folder / "vaults") == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"admin-key", "encryption-key"}
    assert {mode(path) for path in files} == {0o600}


def test_what_is_given_is_used(tmp_path: Path) -> None:
    completed = complete(
        read(
            environ(
                tmp_path,
                HOUSESTYLE_ADMIN_KEY="hs_given",
                HOUSESTYLE_ENCRYPTION_KEYS=GIVEN_KEY,
                HOUSESTYLE_ARTIFACTS_URL="s3://artifacts/",
                HOUSESTYLE_VAULT_ROOTS="s3://vaults/",
            ),
        ),
    )
    assert completed.new_admin_key is None
    assert completed.settings.admin_key == "hs_given"
    assert completed.settings.encryption_keys == (b"k" * 32,)
    assert completed.settings.artifacts_url == "s3://artifacts/"
    assert completed.settings.vault_roots == ("s3://vaults/",)


def test_an_admin_key_that_is_given_is_not_made(tmp_path: Path) -> None:
    completed = complete(read(environ(tmp_path, HOUSESTYLE_ADMIN_KEY="hs_given")))
    assert (completed.settings.admin_key, completed.new_admin_key) == ("hs_given", None)
    assert not (tmp_path / "data" / "admin-key").exists()


@pytest.mark.parametrize("damaged", ["", "short", GIVEN_KEY[:-4], "é" * 44])
def test_a_damaged_encryption_key_is_told_with_its_file(tmp_path: Path, damaged: str) -> None:
    complete(read(environ(tmp_path)))
    file = tmp_path / "data" / "encryption-key"
    file.write_text(damaged)
    with pytest.raises(SettingsError, match=re.escape(str(file))):
        complete(read(environ(tmp_path)))
    assert file.read_text() == damaged, "never replaced: a backup may still come"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["HOUSESTYLE_ENCRYPTION_KEYS", "HOUSESTYLE_ARTIFACTS_URL"]),
        ({"HOUSESTYLE_ENCRYPTION_KEYS": GIVEN_KEY}, ["HOUSESTYLE_ARTIFACTS_URL"]),
        ({"HOUSESTYLE_ARTIFACTS_URL": "s3://artifacts/"}, ["HOUSESTYLE_ENCRYPTION_KEYS"]),
    ],
)
def test_what_an_external_redis_needs(tmp_path: Path, given: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        complete(read(environ(tmp_path, HOUSESTYLE_REDIS_URL="redis://redis", **given)))
    assert [
        name for name in ("HOUSESTYLE_ENCRYPTION_KEYS", "HOUSESTYLE_ARTIFACTS_URL") if name in str(refused.value)
    ] == (missing)
    assert not (tmp_path / "data").exists()


def test_with_an_external_redis_nothing_is_generated(tmp_path: Path) -> None:
    completed = complete(
        read(
            environ(
                tmp_path,
                HOUSESTYLE_REDIS_URL="redis://redis",
                HOUSESTYLE_ENCRYPTION_KEYS=GIVEN_KEY,
                HOUSESTYLE_ARTIFACTS_URL="s3://artifacts/",
            ),
        ),
    )
    assert completed.settings.admin_key is None
    assert completed.new_admin_key is None
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []
