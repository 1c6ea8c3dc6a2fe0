"""What is in a Vault, counted while it is read. No opening and no limits of time: those are the caller's."""

from collections import Counter

from finetune.vaults.base import BadRecord, Chunk, Vault, VaultCount

_MOST_STATUSES = 10
_STATUS_LENGTH = 60
_OTHERS = "…"


class Tally:
    """What was counted until now: one thread counts, others may look at any time."""

    def __init__(self) -> None:
        self.ready = 0
        self.bad = 0
        self.first_bad: BadRecord | None = None
        self._statuses: Counter[str] = Counter()

    def add(self, record: Chunk | BadRecord) -> None:
        """Counts a record."""
        if isinstance(record, BadRecord):
            self.first_bad = self.first_bad or record
            self.bad += 1
        elif record.ready:
            self.ready += 1
        else:
            self._statuses[self._word(record.status)] += 1

    @property
    def statuses(self) -> dict[str, int]:
        """How many chunks that are not ready have which status, the most common first. Of many, the rest is `…`."""
        return dict(self._statuses.copy().most_common())

    @property
    def count(self) -> VaultCount:
        """The figures that are kept of a Vault."""
        return VaultCount(ready_chunks=self.ready, other_chunks=sum(self.statuses.values()) + self.bad)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing yet."""
        return not (self.ready or self.bad or self._statuses)

    def _word(self, status: str) -> str:
        """The status, in few words of few letters: a field that is none of it may hold anything."""
        word = status[:_STATUS_LENGTH]
        return word if word in self._statuses or len(self._statuses) < _MOST_STATUSES else _OTHERS


def count(vault: Vault, tally: Tally | None = None) -> VaultCount:
    """Reads the whole Vault once, and counts into `tally`. Raises VaultUnreadable, VaultNotAllowed."""
    tally = tally or Tally()
    for record in vault.chunks():
        tally.add(record)
    return tally.count
