"""Places outside the store, as `housestyle check` judges them: folders, artifacts, Vaults."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import fsspec
from msgspec import Struct

from finetune import vaults
from gateway.checks.apart import Hangs, apart
from gateway.checks.findings import Finding, note, ok, wrong
from gateway.masked import masked_url

_SECONDS = 5.0
_PROBE = b"housestyle check"


class Directory(Struct, frozen=True):
    """What was found of the data directory. `there`: it exists; `hangs`: whoever looks at it waits for ever."""

    finding: Finding
    there: bool = False
    hangs: bool = False


async def data_directory(directory: Path) -> Directory:
    """Whether it can be written to; where it is not there yet, whether it could be made."""
    try:
        return await apart(lambda: _data_directory(directory), _SECONDS)
    except Hangs as error:
        words = f"{directory}: {error}. Is it a mount whose server is away? See HOUSESTYLE_DATA_DIR."
        return Directory(wrong("data directory", words), hangs=True)


def _data_directory(directory: Path) -> Directory:
    there = directory
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(_PROBE)
            probe.flush()
    except OSError as error:
        words = f"{there} cannot be written to: {error.strerror}. Set HOUSESTYLE_DATA_DIR to another."
        return Directory(wrong("data directory", words), there == directory)
    if there != directory:
        return Directory(note("data directory", f"{directory} is not there yet; the first start makes it."))
    return Directory(ok("data directory", f"{directory} can be written to."), there=True)


async def artifacts(url: str) -> Finding:
    """Whether a file can be written there, read back and deleted."""
    shown = masked_url(url)
    try:
        await apart(lambda: _write_and_read(url), _SECONDS * 4)
    except Exception as error:  # noqa: BLE001 - fsspec's filesystems raise whatever theirs raise
        words = f"{shown} cannot be written to and read: {_why(url, error)}. See HOUSESTYLE_ARTIFACTS_URL."
        return wrong("artifacts", words)
    return ok("artifacts", f"{shown} can be written to, read and deleted from.")


def _why(url: str, error: Exception) -> str:
    """The error's words; its kind alone where they may repeat a credential that is in the URL."""
    told = isinstance(error, Hangs) or not ("@" in url or "?" in url)
    return (str(error) if told else "") or type(error).__name__


def _write_and_read(url: str) -> None:
    filesystem, folder = fsspec.core.url_to_fs(url)
    path = f"{folder.rstrip('/')}/.check-{uuid4().hex}"
    filesystem.makedirs(folder, exist_ok=True)
    try:
        filesystem.pipe_file(path, _PROBE)
        if filesystem.cat_file(path) != _PROBE:
            raise OSError("what was read is not what was written")
    finally:
        with contextlib.suppress(FileNotFoundError):
            filesystem.rm_file(path)


async def vault_roots(roots: Sequence[str]) -> list[Finding]:
    """Whether each folder is there and can be read."""
    return await asyncio.gather(*(_vault_root(root) for root in roots))


async def _vault_root(root: str) -> Finding:
    trouble = vaults.root_trouble(root.replace("{tenant}", "tenant"))
    if trouble is not None:
        return wrong("Vaults", f"{masked_url(root)} admits no Vault: {trouble}. See HOUSESTYLE_VAULT_ROOTS.")
    parts = urlsplit(root)
    if parts.scheme.lower() != "file":
        return note("Vaults", f"{root} is understood; it is reached when a Vault there is read.")
    folder = Path(unquote(parts.path.partition("{tenant}")[0]))
    try:
        return await apart(lambda: _vault_folder(folder), _SECONDS)
    except (Hangs, OSError) as error:
        words = f"{folder} cannot be read: {error}. Is it a mount whose server is away? See HOUSESTYLE_VAULT_ROOTS."
        return wrong("Vaults", words)


def _vault_folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return wrong("Vaults", f"{folder} is not there. Make it, or set HOUSESTYLE_VAULT_ROOTS to another.")
    if not os.access(folder, os.R_OK | os.X_OK):
        return wrong("Vaults", f"{folder} cannot be read by this user.")
    return ok("Vaults", f"{folder} can be read.")
