"""What has been read of a Vault, on local disk until it is written out: passages, their keys and signatures.

A row for each passage, in the Vault's order. Decides nothing; nothing of it outlives the build.
"""

import mmap
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
from numpy.typing import NDArray

from finetune.dataset.blocks import Block, join
from finetune.dataset.passages import Matter, Passage
from finetune.dataset.signatures import PLACES, Signature

_LENGTH_BYTES = 4
_BUFFER = 1 << 20

_Line = tuple[str, str, str, tuple[Block, ...]]


class Spool:
    """Written once, then read as often as wanted. `folder` is the caller's, who removes it."""

    def __init__(self, folder: Path) -> None:
        self._matters = folder / "matters"
        self._signatures = folder / "signatures"
        self._keys = array("Q")
        self._encoder = msgspec.msgpack.Encoder()
        self._files: tuple[IO[bytes], IO[bytes]] | None = (
            self._matters.open("wb", _BUFFER),
            self._signatures.open("wb", _BUFFER),
        )

    def __len__(self) -> int:
        return len(self._keys)

    def append(self, matter: Matter, key: int, signature: Signature) -> None:
        """`key`: 64 bits that hang on the passage's words."""
        if self._files is None:
            raise ValueError("the spool is being read")
        matters, signatures = self._files
        fields = (matter.chunk_id, matter.document_id, matter.sha256, matter.passage.blocks)
        line = self._encoder.encode(fields)
        matters.write(len(line).to_bytes(_LENGTH_BYTES) + line)
        signatures.write(signature.tobytes())
        self._keys.append(key)

    def close(self) -> None:
        """No more is appended."""
        if self._files is not None:
            for file in self._files:
                file.close()
            self._files = None

    @property
    def keys(self) -> NDArray[np.uint64]:
        return np.frombuffer(self._keys, np.uint64)

    def signatures(self) -> Signature:
        """As an array on disk."""
        self.close()
        if not len(self):
            return np.empty((0, PLACES), np.uint16)
        with self._signatures.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, np.uint16).reshape(-1, PLACES)

    def matters(self, wanted: Iterable[bool]) -> Iterator[Matter]:
        """Those rows that are `wanted`, streamed."""
        self.close()
        decoder = msgspec.msgpack.Decoder(_Line)
        with self._matters.open("rb", _BUFFER) as file:
            for want in wanted:
                size = int.from_bytes(file.read(_LENGTH_BYTES))
                if not want:
                    file.seek(size, 1)
                    continue
                chunk_id, document_id, digest, blocks = decoder.decode(file.read(size))
                yield Matter(chunk_id, document_id, digest, Passage(blocks, join(list(blocks))))
