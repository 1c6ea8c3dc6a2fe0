"""A data set's files in their folder (any fsspec URL): written all or not at all, read back, copied.

Every file is written under a temporary name and moved to its own when all are whole; manifest.json goes
last, so that where it stands the others stand too. Nothing here knows how an example is made.
"""

import contextlib
from collections.abc import Iterator
from hashlib import sha256
from types import TracebackType
from typing import IO, Any, Self
from uuid import uuid4

import fsspec
import msgspec

from finetune.dataset.values import DocumentUse, Example, Manifest, ManifestChunk

TRAIN = "train.jsonl"
VALIDATION = "validation.jsonl"
MANIFEST_CHUNKS = "manifest.jsonl"
DOCUMENTS = "documents.jsonl"
EXAMPLES = "examples.jsonl"
MANIFEST = "manifest.json"
FILES = (TRAIN, VALIDATION, MANIFEST_CHUNKS, DOCUMENTS, EXAMPLES, MANIFEST)

_PARTIAL = ".partial"
_BLOCK = 1 << 20


class DatasetMissing(Exception):
    """The folder holds no whole data set."""


class DatasetDamaged(Exception):
    """A file is not what the manifest says that it is."""


class Staging:
    """The files of a data set while they are brought to their folder. Leaving without `publish` leaves nothing."""

    def __init__(self, out_dir: str) -> None:
        self._filesystem, folder = fsspec.core.url_to_fs(out_dir)
        self._folder = folder.rstrip("/")
        self._name = uuid4().hex  # two builders of one data set never write to one file
        self._begun: list[str] = []

    def __enter__(self) -> Self:
        self._filesystem.makedirs(self._folder, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._begun:
            with contextlib.suppress(OSError):
                self._filesystem.rm_file(self._partial(name))

    def bring(self, name: str, source: IO[bytes]) -> str:
        """Writes one of the files; its SHA-256 in hex."""
        digest = sha256()
        self._begun.append(name)
        with self._filesystem.open(self._partial(name), "wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
        return digest.hexdigest()

    def publish(self) -> None:
        if self._filesystem.exists(self._path(MANIFEST)):
            self._filesystem.rm_file(self._path(MANIFEST))
        for name in FILES:
            if name in self._begun:
                self._filesystem.mv(self._partial(name), self._path(name))
        self._begun.clear()
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


def copy_dataset(from_dir: str, to_dir: str) -> Manifest:
    """The same data set in another folder, over what may be there, all or nothing.

    What is trained and validated on is checked against the manifest. Raises DatasetMissing, DatasetDamaged.
    """
    summary = read_manifest(from_dir, with_chunks=False).summary
    expected = {TRAIN: summary.sha256, VALIDATION: summary.validation_sha256}
    with Staging(to_dir) as staging:
        for name in FILES:
            with _opened(from_dir, name) as source:
                digest = staging.bring(name, source)
            if expected.get(name) not in (None, digest):
                raise DatasetDamaged(f"{from_dir}/{name} is not the file that its manifest names")
        staging.publish()
    return read_manifest(to_dir, with_chunks=False)


def open_train(out_dir: str) -> IO[bytes]:
    """The training file, to be uploaded as it is. Raises DatasetMissing."""
    return _opened(out_dir, TRAIN)


def open_validation(out_dir: str) -> IO[bytes]:
    """The validation file, which may be empty. Raises DatasetMissing."""
    return _opened(out_dir, VALIDATION)


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
    """The chunks that examples were made of, streamed. Raises DatasetMissing."""
    decoder = msgspec.json.Decoder(ManifestChunk)
    with _opened(out_dir, MANIFEST_CHUNKS) as lines:
        for line in lines:
            yield decoder.decode(line)


def find_document(out_dir: str, document_id: str) -> int:
    """How many of a document's chunks the data set was made of, on either side. Raises DatasetMissing."""
    decoder = msgspec.json.Decoder(DocumentUse)
    with _opened(out_dir, DOCUMENTS) as lines:
        for line in lines:
            use = decoder.decode(line)
            if use.document_id >= document_id:
                return use.chunks if use.document_id == document_id else 0
    return 0


def _opened(out_dir: str, name: str) -> IO[bytes]:
    filesystem, folder = fsspec.core.url_to_fs(out_dir)
    path = folder.rstrip("/")
    if not filesystem.exists(f"{path}/{MANIFEST}"):
        raise DatasetMissing(f"no whole data set under {out_dir}")
    opened: Any = filesystem.open(f"{path}/{name}", "rb")
    file: IO[bytes] = opened
    return file
