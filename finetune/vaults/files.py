"""Files of this machine: one or a glob of them, nowhere but under the roots, whatever links lie there."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import fsspec
from msgspec import Struct

from finetune.vaults.allowed import Place, root_paths
from finetune.vaults.base import VaultNotAllowed, VaultUnreadable
from finetune.vaults.jsonl import File, folder_of, has_magic


class LocalFile(Struct, frozen=True):
    """`path` has no link in it."""

    name: str
    path: str

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """See jsonl.File."""
        with Path(self.path).open("rb") as opened:
            yield opened


class LocalFiles:
    """What `place`, a file's or a glob of them, names."""

    def __init__(self, place: Place, roots: Sequence[str]) -> None:
        self._path = place.path
        self._folder = folder_of(place.path)
        self._roots = root_paths(roots)

    @contextlib.contextmanager
    def listed(self) -> Iterator[list[File]]:
        """See jsonl.Files."""
        filesystem = fsspec.filesystem("file")
        matched = [self._path]
        if not filesystem.exists(self._path):
            matched = sorted(filesystem.glob(self._path)) if has_magic(self._path) else []
        files: list[File] = [self._admitted(path) for path in matched if not Path(path).is_dir()]
        if not files:
            raise VaultUnreadable("no such file", place=self._name(self._path))
        yield files

    def _admitted(self, path: str) -> LocalFile:
        real = os.path.realpath(path)
        if not any(Path(real).is_relative_to(os.path.realpath(root)) for root in self._roots):
            raise VaultNotAllowed(f"{self._name(path)} is a link that leads outside the places for Vaults")
        if not Path(real).is_file():
            raise VaultUnreadable("not a regular file", place=self._name(path))
        return LocalFile(self._name(path), real)

    def _name(self, path: str) -> str:
        return path.removeprefix(self._folder)
