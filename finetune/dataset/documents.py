"""The documents of a data set with the number of their chunks in it, sorted, in bounded memory.

Sorted so that one can be looked for without reading on to the end. Sorting alone; where the list is kept is
artifacts.py's matter.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from finetune.dataset.values import DocumentUse

MAX_HELD = 50_000

_encoder = msgspec.json.Encoder()
_document_id = attrgetter("document_id")


class Documents:
    """Counts in memory up to a limit, then in sorted runs on disk. `folder` is the caller's, who removes it."""

    def __init__(self, folder: Path, max_held: int = MAX_HELD) -> None:
        self._folder = folder
        self._max_held = max_held
        self._held: Counter[str] = Counter()
        self._runs: list[Path] = []

    def add(self, document_id: str) -> None:
        """One chunk more of it."""
        self._held[document_id] += 1
        if len(self._held) >= self._max_held:
            self._flush()

    def __iter__(self) -> Iterator[DocumentUse]:
        """Each document once, by its id."""
        self._flush()
        for document_id, uses in groupby(heapq.merge(*map(_read, self._runs), key=_document_id), key=_document_id):
            yield DocumentUse(document_id, sum(use.chunks for use in uses))

    def _flush(self) -> None:
        if not self._held:
            return
        run = self._folder / f"documents-{len(self._runs)}"
        with run.open("wb") as file:
            file.writelines(_encoder.encode(DocumentUse(*held)) + b"\n" for held in sorted(self._held.items()))
        self._runs.append(run)
        self._held.clear()


def _read(run: Path) -> Iterator[DocumentUse]:
    decoder = msgspec.json.Decoder(DocumentUse)
    with run.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)
