"""What processes cost, by the kernel's accounting in /proc (Linux), and which cores they may use. Nothing of HTTP."""

import os
from pathlib import Path

from tests.support.processes import children

_PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *children(pid)]


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keeps a process, all below it and all of their threads, now and to come, on `cores`."""
    for member in tree(pid):
        for thread in _threads(member):
            os.sched_setaffinity(thread, cores)


class Meter:
    """Reads what processes have used since it was made. Threads that begin meanwhile count; one that ends is lost, so
    that servers which start a thread for each request cannot be measured with this."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._before = _used(pids)

    def nanoseconds(self) -> int:
        """CPU time of all threads of all of the processes, user and system."""
        return sum(used - self._before.get(thread, 0) for thread, used in _used(self._pids).items())


def resident_kb(pid: int, field: str = "Rss") -> int:
    """`Rss` or `Pss` (shared pages divided among those who share them) of a process: proc(5), smaps_rollup."""
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


class Cores:
    """How busy some cores were since this was made, whoever kept them so: proc(5), /proc/stat."""

    def __init__(self, cores: frozenset[int]) -> None:
        self._names = {f"cpu{core}" for core in cores}
        self._before = self._read()

    def busy(self) -> tuple[float, float]:
        """Seconds that they worked, and all of their seconds."""
        tick = os.sysconf("SC_CLK_TCK")
        busy, every = (now - before for now, before in zip(self._read(), self._before, strict=True))
        return busy / tick, every / tick

    def _read(self) -> tuple[int, int]:
        lines = [line.split() for line in (_PROC / "stat").read_text().splitlines()]
        ticks = [[int(word) for word in line[1:9]] for line in lines if line[0] in self._names]
        idle, every = sum(line[3] + line[4] for line in ticks), sum(sum(line) for line in ticks)
        return every - idle, every


def _used(pids: list[int]) -> dict[int, int]:
    return {thread: _thread_ns(pid, thread) for pid in pids for thread in _threads(pid)}


def _threads(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in (_PROC / str(pid) / "task").iterdir()]
    except FileNotFoundError:  # it ended
        return []


def _thread_ns(pid: int, thread: int) -> int:
    """schedstat's first figure is nanoseconds on a CPU; where the kernel has none, utime and stime are ticks."""
    task = _PROC / str(pid) / "task" / str(thread)
    try:
        return int((task / "schedstat").read_text().split()[0])
    except FileNotFoundError:
        pass
    try:
        fields = (task / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it ended between the two
        return 0
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
