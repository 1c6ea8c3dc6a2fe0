"""Places outside the store, as `housestyle check` judges them: folders, artifacts, Vaults, the collector of spans."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import fsspec

from gateway.checks.findings import Finding, note, ok, wrong

_SECONDS = 5.0
_PROBE = b"housestyle check"
_SPANS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PORTS = {"http": 80, "https": 443}


def data_directory(directory: Path) -> Finding:
    """Whether it can be written to; where it is not there yet, whether it could be made."""
    there = directory
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(_PROBE)
            probe.flush()
    except OSError as error:
        words = f"{there} cannot be written to: {error.strerror}. Set HOUSESTYLE_DATA_DIR to another."
        return wrong("data directory", words)
    if there != directory:
        return note("data directory", f"{directory} is not there yet; the first start makes it.")
    return ok("data directory", f"{directory} can be written to.")


async def artifacts(url: str) -> Finding:
    """Whether a file can be written there, read back and deleted."""
    try:
        async with asyncio.timeout(_SECONDS * 4):
            await asyncio.to_thread(_write_and_read, url)
    except Exception as error:  # noqa: BLE001 - fsspec's filesystems raise whatever theirs raise
        words = str(error) or type(error).__name__
        return wrong(
            "artifacts", f"{_shown(url)} cannot be written to and read: {words}. See HOUSESTYLE_ARTIFACTS_URL."
        )
    return ok("artifacts", f"{_shown(url)} can be written to, read and deleted from.")


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


def vault_roots(roots: Sequence[str]) -> list[Finding]:
    """Whether each folder is there and can be read."""
    return [_vault_root(root) for root in roots]


def _vault_root(root: str) -> Finding:
    parts = urlsplit(root)
    if parts.scheme != "file":
        return note("Vaults", f"{_shown(root)} is not tried: only file:// roots are read by this version.")
    folder = Path(unquote(parts.path.partition("{tenant}")[0]))
    if not folder.is_dir():
        return wrong("Vaults", f"{folder} is not there. Make it, or set HOUSESTYLE_VAULT_ROOTS to another.")
    if not os.access(folder, os.R_OK | os.X_OK):
        return wrong("Vaults", f"{folder} cannot be read by this user.")
    return ok("Vaults", f"{folder} can be read.")


async def spans(environ: Mapping[str, str]) -> Finding:
    """Whether the collector takes a connection. One that nobody named is no fault."""
    exporters = {name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")}
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or "otlp" not in exporters:
        return ok("spans", "They are not sent to a collector, by OTEL_TRACES_EXPORTER or OTEL_SDK_DISABLED.")
    named = next((environ[name] for name in _SPANS if environ.get(name)), None)
    parts = urlsplit(named or "http://localhost:4318")
    try:
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        return wrong("spans", f"{_SPANS[1]} is not a URL: write http://host:4318.")
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:  # TimeoutError is one
        why = error.strerror or "it did not answer in time"
        if named is None:
            return note("spans", f"No collector is set, and none listens on {host}:{port}. Set {_SPANS[1]}.")
        return wrong("spans", f"The collector at {host}:{port} cannot be reached: {why}. Calls go on, spans are lost.")
    writer.close()
    return ok("spans", f"The collector at {host}:{port} takes connections.")


def _shown(url: str) -> str:
    """A URL without what may be a credential in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
