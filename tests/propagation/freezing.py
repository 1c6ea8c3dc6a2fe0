"""Replicas that stand still: for as long as a test says, or for moments."""

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Iterator, Sequence

from tests.support.processes import Program

_MOMENT_SECONDS = 0.03


@contextlib.contextmanager
def frozen(program: Program) -> Iterator[None]:
    """The process stands still, as one does on a machine that hangs."""
    os.kill(program.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def stuttering(programs: Sequence[Program]) -> Iterator[None]:
    """One after the other stands still for a moment, all the time."""
    over = threading.Event()

    def stutter() -> None:
        for program in itertools.cycle(programs):
            with frozen(program):
                over.wait(_MOMENT_SECONDS)
            if over.wait(_MOMENT_SECONDS / 3):
                return

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
