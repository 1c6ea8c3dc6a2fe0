"""Workers that need not be loaded: a process that has loaded all that a worker comes to load forks one off when asked.

For a test that wants fifty: each would spend three seconds of a core on imports and the vocabulary. What runs is the
program's own `work`.
"""

import contextlib
import importlib
import os
import random
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.processes import gone, wait_until


class Nursery:
    """Where workers of one environment come from."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @contextlib.contextmanager
    def worker(self) -> Iterator[int]:
        """A worker's process, ended at the end if nobody killed it before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("another\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: gone([pid]), what=f"the end of {pid}")


@contextlib.contextmanager
def nursery(environ: Mapping[str, str], log: Path) -> Iterator[Nursery]:
    """One, of workers with these settings, which say to `log` what they say on standard error."""
    with (
        log.open("ab") as said,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        yield Nursery(process)


def _main() -> None:
    for module in ("finetune.backends.asking", "finetune.dataset.build", "gateway.worker_root"):
        importlib.import_module(module)
    from finetune.dataset.count import open_counter
    from gateway import working
    from gateway.masked import SecretEnviron
    from tests.support.admin import BASE_MODEL

    open_counter(BASE_MODEL)  # its vocabulary

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is gone at once
    for _ in sys.stdin:
        pid = os.fork()
        if pid:
            print(pid, flush=True)  # noqa: T201 - its output
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random.seed()
        try:
            working.work(SecretEnviron(os.environ), "127.0.0.1", None)
        except BaseException:  # noqa: BLE001 - nothing of the parent's is to be gone through
            traceback.print_exc()
        os._exit(0)


if __name__ == "__main__":
    _main()
