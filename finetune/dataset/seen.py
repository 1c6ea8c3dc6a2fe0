"""A set of 64-bit hashes in 16 bytes each at most: what has been seen, of millions of texts. Knows no text."""

from array import array

_SMALLEST = 1 << 10


class Seen:
    """Open addressing, linear probing, at most half full. 0 marks an empty place."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _SMALLEST))
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def __contains__(self, key: int) -> bool:
        key = key or 1
        return self._slots[self._place(key)] == key

    def add(self, key: int) -> bool:
        """False where it was there before. `key` has 64 bits, well mixed."""
        key = key or 1
        place = self._place(key)
        if self._slots[place] == key:
            return False
        self._slots[place] = key
        self._number += 1
        if self._number * 2 > len(self._slots):
            self._grow()
        return True

    def _place(self, key: int) -> int:
        """Where the key is, or would be."""
        slots, mask = self._slots, len(self._slots) - 1
        place = key & mask
        while slots[place] not in (0, key):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        before = self._slots
        self._slots = array("Q", bytes(8 * len(before) * 2))
        for key in before:
            if key:
                self._slots[self._place(key)] = key
