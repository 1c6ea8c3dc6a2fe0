"""A child process: started again when it dies by itself, ended with its block. What it is, is its owner's."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Self

import structlog

log = structlog.get_logger(__name__)

_RESTART_SECONDS = 1.0


class Child:
    """A context manager. `start` gives a process in a session of its own whose standard input is a pipe; the pipe's end
    is what it takes as the word to leave, and what it gets when this process is killed."""

    def __init__(
        self,
        name: str,
        start: Callable[[], "subprocess.Popen[bytes]"],
        grace_seconds: float = 10.0,
    ) -> None:
        self._name = name
        self._grace = grace_seconds
        self._start = start
        self._stopping = threading.Event()
        self.process = start()
        self._keeper = threading.Thread(target=self._keep, name=f"{name}-keeper", daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self) -> None:
        """Asks it to leave, and does not wait."""
        self._stopping.set()
        assert self.process.stdin is not None  # noqa: S101 - a pipe, by agreement
        self.process.stdin.close()

    def stop(self) -> None:
        """Asks it to leave; ends it where it does not within its grace."""
        self.ask()
        try:
            self.process.wait(self._grace)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self._keeper.is_alive():
            self._keeper.join()

    def _keep(self) -> None:
        while True:
            code = self.process.wait()
            if self._stopping.wait(_RESTART_SECONDS):
                return
            log.error("child_died", child=self._name, code=code)
            dead = self.process
            self.process = self._start()
            if self._stopping.is_set() and self.process.stdin is not None:
                self.process.stdin.close()  # it was asked while it started
            log.info("child_started_again", child=self._name)
            if dead.stdin is not None:
                dead.stdin.close()


def when_parent_is_gone(stop: Callable[[], object]) -> None:
    """In a child: calls `stop`, in a thread of its own, when standard input ends, which it does with the parent."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        stop()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
