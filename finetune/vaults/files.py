"""A Vault of JSONL files: one file or a glob of them, plain or compressed, streamed line by line.

Reads through fsspec, so that further schemes are a matter of opening, not of reading. Which URLs are let in
at all is decided in allowed.py; nothing here looks into a chunk's text.
"""

import lzma
import os
import zlib
from collections.abc import Iterator, Sequence
from glob import has_magic
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import fsspec
import msgspec

from finetune.vaults.allowed import check_allowed, file_path, root_paths
from finetune.vaults.base import BadRecord, Chunk, VaultNotAllowed, VaultUnreadable

MAX_LINE_BYTES = 8 * 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, BadZipFile)

_decoder = msgspec.json.Decoder(Chunk)


class FilesVault:
    """`url` is a file or a glob; raises VaultNotAllowed or VaultUnreadable when it is made."""

    def __init__(self, url: str, roots: Sequence[str], max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._path = file_path(check_allowed(url, roots))
        self._roots = root_paths(roots)
        self._max_line_bytes = max_line_bytes
        self._files()

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        for path in self._files():
            yield from self._records(path)

    def _files(self) -> list[str]:
        """The real paths of what the URL names now, in the order of their names."""
        filesystem = fsspec.filesystem("file")
        matched = [self._path]
        if not filesystem.exists(self._path):
            matched = sorted(filesystem.glob(self._path)) if has_magic(self._path) else []
        files = [self._admitted(path) for path in matched if not Path(path).is_dir()]
        if not files:
            raise VaultUnreadable("no such file", place=_name(self._path))
        return files

    def _admitted(self, path: str) -> str:
        real = os.path.realpath(path)
        under_a_root = any(_really_under(real, root) for root in self._roots)
        if not under_a_root:
            raise VaultNotAllowed(f"{_name(path)} is a link that leads outside the places for Vaults")
        if not Path(real).is_file():
            raise VaultUnreadable("not a regular file", place=_name(path))
        return real

    def _records(self, path: str) -> Iterator[Chunk | BadRecord]:
        number = 0
        try:
            with fsspec.filesystem("file").open(path, "rb", compression="infer") as opened:
                for number, line in enumerate(_lines(opened, self._max_line_bytes), start=1):
                    record = _record(line, place=f"{_name(path)}:{number}", limit=self._max_line_bytes)
                    if record is not None:
                        yield record
        except _UNREADABLE as error:
            raise VaultUnreadable(_reason(error), place=f"{_name(path)}:{number + 1}") from error


def _lines(opened: IO[bytes], limit: int) -> Iterator[bytes]:
    """Lines of at most `limit` bytes; of a longer one its first `limit + 1`, and its rest is passed over."""
    while line := opened.readline(limit + 1):
        part = line
        while len(part) > limit and not part.endswith(b"\n"):
            part = opened.readline(limit + 1)
        yield line


def _record(line: bytes, place: str, limit: int) -> Chunk | BadRecord | None:
    if len(line) > limit:
        return BadRecord(place, "too_long")
    line = line.removeprefix(_BYTE_ORDER_MARK).strip()
    if not line:
        return None
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError as error:
        return BadRecord(place, _validation_reason(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BadRecord(place, "not_json")


def _validation_reason(message: str) -> str:
    if "missing required field" in message:
        return "missing_field"
    return "wrong_field" if "`$." in message else "not_an_object"


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _really_under(real: str, root: str) -> bool:
    return Path(real).is_relative_to(os.path.realpath(root))
