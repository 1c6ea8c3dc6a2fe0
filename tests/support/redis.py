"""A Redis of a test's own that can be ended and started again at the same address."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import redis

from gateway.store.embedded import EmbeddedRedis


class Stoppable:
    """A Redis that comes and goes. `url` stays."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: EmbeddedRedis | None = None
        self.start()
        self.url = self._server.url

    @property
    def _server(self) -> EmbeddedRedis:
        assert self._running is not None
        return self._running

    @property
    def pid(self) -> int:
        """The server's process."""
        with redis.Redis.from_url(self._server.url, protocol=2) as client:
            return int(client.info("server")["process_id"])

    def start(self) -> None:
        """Starts it, with what it knew."""
        self._running = EmbeddedRedis(self._directory, os.environ).__enter__()

    def stop(self) -> None:
        """Ends it."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def set(self, name: str, value: str) -> None:
        """Sets one of the server's settings."""
        with redis.Redis.from_url(self._server.url, protocol=2) as client:
            client.config_set(name, value)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[int]:
        """It takes connections and answers nothing, as a machine that hangs. Gives its process, which may be killed."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def stoppable(directory: Path) -> Iterator[Stoppable]:
    """A Redis of one's own."""
    server = Stoppable(directory)
    try:
        yield server
    finally:
        server.stop()
