"""Memory that all calls of a process share for looking into answers. Counting only; what is held is the holder's."""


class Budget:
    """So many bytes, for all who hold any. One for a process, used on its event loop alone.

    Who takes gives back as much: there is no other account of it.
    """

    __slots__ = ("_free",)

    def __init__(self, total: int) -> None:
        self._free = total

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        return self._free

    def take(self, n: int) -> bool:
        """Whether `n` bytes may be held from now on; all of them or none."""
        if n > self._free:
            return False
        self._free -= n
        return True

    def give(self, n: int) -> None:
        """`n` bytes are held no longer."""
        self._free += n
