"""How much memory a process holds, and the kernel for its connections, from /proc (Linux). Kilobytes throughout."""

import os
from pathlib import Path


def of_tcp() -> int:
    """What the kernel holds for all TCP connections of the machine (proc(5), sockstat: in pages)."""
    line = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    return int(line.split()[-1]) * os.sysconf("SC_PAGE_SIZE") // 1024


class Memory:
    """Of one process. `growth` is the most that it held since this was made, beyond what it held then."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")
        (self._process / "clear_refs").write_text("5")  # the peak starts anew: proc(5)
        self._before = self.now

    @property
    def now(self) -> int:
        """Its resident set (VmRSS)."""
        return self._read("VmRSS")

    @property
    def growth(self) -> int:
        """See above: VmHWM less VmRSS at the beginning."""
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))
