"""A fair sample of bounded size: the examples whose hashes are lowest, in the order in which they came."""

import heapq
from collections import Counter
from collections.abc import Iterator

from msgspec.structs import replace

from finetune.dataset.phrasings import stable_hash
from finetune.dataset.redact import PLACEHOLDER
from finetune.dataset.values import Example, Side


class Sample:
    def __init__(self, size: int) -> None:
        self._size = size
        self._offered = 0
        self._kept: list[tuple[int, int, Side, Example]] = []

    def offer(self, example: Example, side: Side) -> None:
        self._offered += 1
        key = stable_hash(f"{example.chunk_id} {example.kind} {self._offered}")
        kept = (-key, self._offered, side, example)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, kept)
        elif self._size:
            heapq.heappushpop(self._kept, kept)

    def __iter__(self) -> Iterator[Example]:
        """Each with its side and what was redacted in it."""
        for _, _, side, example in sorted(self._kept, key=lambda kept: kept[1]):
            yield replace(example, side=side, redacted=_redacted(example))


def _redacted(example: Example) -> dict[str, int]:
    things = {match[0]: match[1] for turn in (example.user, example.assistant) for match in PLACEHOLDER.finditer(turn)}
    return dict(sorted(Counter(things.values()).items()))
