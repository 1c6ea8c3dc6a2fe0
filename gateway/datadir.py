"""The data directory of an embedded gateway: generated secrets (mode 0600), artifacts, Vaults. No servers."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gateway.masked import Secret, SecretBytes
from gateway.secrets import new_key
from gateway.settings import Settings, SettingsError, encryption_key

UMASK = 0o077  # of every process that writes: artifacts are clients' documents
ENCRYPTION_KEYS = "encryption-key"  # the file; it may hold several


class Completed(Struct, frozen=True):
    """Settings with nothing left open. `new_admin_key` is set at the one start that made it."""

    settings: Settings
    new_admin_key: str | None


def complete(settings: Settings) -> Completed:
    """Fills in what the environment left open. Raises SettingsError where it must not be left open.

    With an embedded Redis, secrets are generated once and kept; with an external one, shared by several
    processes, they must be given, or each process would have its own.
    """
    if not settings.embedded:
        missing = [
            name
            for name, value in (
                ("HOUSESTYLE_ENCRYPTION_KEYS", settings.encryption_keys),
                ("HOUSESTYLE_ARTIFACTS_URL", settings.artifacts_url),
            )
            if not value
        ]
        if missing:
            raise SettingsError(f"With HOUSESTYLE_REDIS_URL set, {' and '.join(missing)} must be set too.")
    directory = settings.data_dir
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        words = f"The data directory {directory} cannot be made: {error.strerror}. Set HOUSESTYLE_DATA_DIR to another."
        raise SettingsError(words) from None
    new_admin_key = None
    if settings.embedded and settings.admin_key is None:
        admin_key, is_new = _kept(directory / "admin-key", new_key)
        new_admin_key = admin_key if is_new else None
        settings = replace(settings, admin_key=admin_key)
    if settings.embedded and not settings.encryption_keys:
        text, _ = _kept(directory / ENCRYPTION_KEYS, _new_encryption_key)
        settings = replace(settings, encryption_keys=_encryption_keys(directory / ENCRYPTION_KEYS, text))
    return Completed(
        replace(
            settings,
            artifacts_url=settings.artifacts_url or (directory / "artifacts").as_uri(),
            vault_roots=settings.vault_roots or (_made(directory / "vaults").as_uri() + "/",),
        ),
        new_admin_key,
    )


def kept_encryption_keys(directory: Path) -> tuple[bytes, ...]:
    """The encryption keys that a data directory holds; none where it has not been used. Raises SettingsError."""
    path = directory / ENCRYPTION_KEYS
    return _encryption_keys(path, _kept(path, _new_encryption_key)[0]) if path.exists() else ()


def _encryption_keys(path: Path, text: str) -> tuple[bytes, ...]:
    """One key a line, or with commas between them; the first seals, all open."""
    try:
        return tuple(SecretBytes(encryption_key(Secret(key))) for key in text.replace(",", " ").split() or [""])
    except SettingsError:
        raise SettingsError(
            f"{path} is damaged: restore it from a backup. What it sealed cannot be opened without it.",
        ) from None


def _kept(path: Path, make: Callable[[], str]) -> tuple[Secret, bool]:
    """The secret in `path`, made and written there first if it is not there yet."""
    if path.exists():
        kept = Secret(path.read_bytes().decode("ascii", "replace").strip())
        if not kept:
            raise SettingsError(f"{path} is empty: restore it from a backup, or remove it to have a new one made.")
        return kept, False
    secret = Secret(make())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return secret, True


def _new_encryption_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _made(path: Path) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    return path
