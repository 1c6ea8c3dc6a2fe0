"""Who makes examples of a passage: the rules here; a teacher model elsewhere. Nothing is counted or dropped here."""

from collections.abc import Callable, Iterator
from typing import Protocol

from finetune.dataset.pairs import make_pairs
from finetune.dataset.passages import Matter
from finetune.dataset.values import BuildSettings, Example

__all__ = ["Matter", "RulesWriter", "Writer"]


class Writer(Protocol):
    """The same matter makes the same pairs each time it is asked for them."""

    def prepare(self, matters: Callable[[], Iterator[Matter]], total: int, progress: Callable[[int], None]) -> None:
        """Whatever takes long, before the first pair is wanted. Each call of `matters` streams all `total` of them."""
        ...

    def pairs(self, matter: Matter) -> Iterator[Example | str]:
        """Its examples, and the reasons of those that were tried and dropped."""
        ...


class RulesWriter:
    """Deterministic and offline."""

    def __init__(self, settings: BuildSettings) -> None:
        self._settings = settings

    def prepare(self, matters: Callable[[], Iterator[Matter]], total: int, progress: Callable[[int], None]) -> None:
        """There is nothing to prepare."""

    def pairs(self, matter: Matter) -> Iterator[Example | str]:
        return make_pairs(matter, self._settings)
