"""A data set's files in their folder (any fsspec URL): written all or not at all, and read back.

Every file is written under a temporary name and moved to its own when all are whole; manifest.json goes
last, so that where it stands the others stand too. Nothing here knows how an example is made.
"""

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any, Self
from uuid import uuid4

import fsspec
import msgspec

from finetune.dataset.values import Example, Manifest, ManifestChunk

TRAIN = "train.jsonl"
MANIFEST_CHUNKS = "manifest.jsonl"
EXAMPLES = "examples.jsonl"
MANIFEST = "manifest.json"
FILES = (TRAIN, MANIFEST_CHUNKS, EXAMPLES, MANIFEST)

_PARTIAL = ".partial"


class DatasetMissing(Exception):
    """The folder holds no whole data set."""


class Staging:
    """The files of a data set while they are written. Leaving without `publish` leaves nothing behind."""

    def __init__(self, out_dir: str) -> None:
        self._filesystem, folder = fsspec.core.url_to_fs(out_dir)
        self._folder = folder.rstrip("/")
        self._name = uuid4().hex  # two builders of one data set never write to one file
        self._open: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        self._filesystem.makedirs(self._folder, exist_ok=True)
        for name in FILES:
            self._open[name] = self._filesystem.open(self._partial(name), "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, file in self._open.items():
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                self._filesystem.rm_file(self._partial(name))

    def write(self, name: str, line: bytes) -> None:
        self._open[name].write(line + b"\n")

    def publish(self) -> None:
        for file in self._open.values():
            file.close()
        if self._filesystem.exists(self._path(MANIFEST)):
            self._filesystem.rm_file(self._path(MANIFEST))
        for name in FILES:
            self._filesystem.mv(self._partial(name), self._path(name))
        self._open.clear()
        self._sweep()

    def _sweep(self) -> None:
        """What killed builders left. One that still runs fails, and finds this data set on its next run."""
        for path in self._filesystem.ls(self._folder, detail=False):
            if str(path).endswith(_PARTIAL):
                with contextlib.suppress(OSError):
                    self._filesystem.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _partial(self, name: str) -> str:
        return f"{self._folder}/{name}.{self._name}{_PARTIAL}"


def open_train(out_dir: str) -> IO[bytes]:
    """The training file, to be uploaded as it is. Raises DatasetMissing."""
    return _opened(out_dir, TRAIN)


def read_examples(out_dir: str, limit: int = 20) -> list[Example]:
    """Up to `limit` of the sample that was kept, in the order of the Vault. Raises DatasetMissing."""
    decoder = msgspec.json.Decoder(Example)
    found: list[Example] = []
    with _opened(out_dir, EXAMPLES) as lines:
        for line in lines:
            if len(found) >= limit:
                break
            found.append(decoder.decode(line))
    return found


def read_manifest(out_dir: str, with_chunks: bool = True) -> Manifest:
    """What the data set was made from. Raises DatasetMissing."""
    with _opened(out_dir, MANIFEST) as file:
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    if not with_chunks:
        return manifest
    return msgspec.structs.replace(manifest, chunks=list(manifest_chunks(out_dir)))


def manifest_chunks(out_dir: str) -> Iterator[ManifestChunk]:
    """The chunks that were trained on, streamed. Raises DatasetMissing."""
    decoder = msgspec.json.Decoder(ManifestChunk)
    with _opened(out_dir, MANIFEST_CHUNKS) as lines:
        for line in lines:
            yield decoder.decode(line)


def _opened(out_dir: str, name: str) -> IO[bytes]:
    filesystem, folder = fsspec.core.url_to_fs(out_dir)
    path = folder.rstrip("/")
    if not filesystem.exists(f"{path}/{MANIFEST}"):
        raise DatasetMissing(f"no whole data set under {out_dir}")
    opened: Any = filesystem.open(f"{path}/{name}", "rb")
    file: IO[bytes] = opened
    return file
