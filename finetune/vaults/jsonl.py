"""A Vault of JSONL files, wherever they lie: each one unpacked and read line by line, in the order of their names.

Where files lie, and how one is opened, is told by whoever makes it (files.py, objects.py, http.py).
"""

import contextlib
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, Protocol

from finetune.vaults.base import BadRecord, Chunk, VaultNotAllowed, VaultUnreadable
from finetune.vaults.extras import Stopped, go_on
from finetune.vaults.packed import lines, unpacked
from finetune.vaults.records import Records

_LOOKED_UP_AFTER = 1000  # lines, blank ones too
_MAGIC = re.compile(r"[*?[]")
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class File(Protocol):
    """One file of a Vault: its name as it is told, and its bytes."""

    @property
    def name(self) -> str:
        """As it is told of."""
        ...

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Its bytes, as they lie there. Raises OSError, VaultUnreadable, VaultNotAllowed."""
        ...


class Files(Protocol):
    """The place of a Vault's files."""

    def listed(self) -> AbstractContextManager[list[File]]:
        """What the URL names now, sorted. Raises VaultUnreadable, VaultNotAllowed."""
        ...


class JsonlVault:
    """Reads what `files` lists, until `stopped` says so; nothing is opened before it is read."""

    def __init__(self, files: Files, records: Records, stopped: Stopped) -> None:
        self._files = files
        self._records = records
        self._stopped = stopped

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        """See base.Vault."""
        with self._files.listed() as files:
            for file in files:
                yield from self._of(file)

    def _of(self, file: File) -> Iterator[Chunk | BadRecord]:
        number = 0
        try:
            with file.open() as packed, contextlib.closing(unpacked(packed, file.name)) as opened:
                for number, line in enumerate(lines(opened, self._records.max_bytes), start=1):
                    if number % _LOOKED_UP_AFTER == 0:
                        go_on(self._stopped, f"{file.name}:{number}")
                    record = self._records.of_line(line, file.name, number - 1)
                    if record is not None:
                        yield record
        except (VaultUnreadable, VaultNotAllowed):
            raise
        except _UNREADABLE as error:
            raise VaultUnreadable(reason(error), place=f"{file.name}:{number + 1}") from error


def reason(error: BaseException) -> str:
    """An error of a library's in words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def has_magic(path: str) -> bool:
    """Whether it is a glob."""
    return _MAGIC.search(path) is not None


def folder_of(path: str) -> str:
    """The folder that everything lies under that `path`, which may be a glob, can name; with its last slash."""
    found = _MAGIC.search(path)
    return path[: path.rfind("/", 0, found.start() if found else len(path)) + 1]
