"""A master, its replicas and three Sentinels, as processes: a failover as it happens."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import wait_until
from tests.support.redis import Server

SERVICE = "orchard"
SENTINELS = 3
DOWN_AFTER_MS = 500


class Group:
    """Redis servers that the Sentinels watch. `url` is for gateways; `servers[0]` is the first master."""

    def __init__(self, directory: Path, replicas: int) -> None:
        self.servers: list[Server] = []
        self.sentinels: list[Server] = []
        self._directory = directory
        try:
            self._start(replicas)
        except BaseException:
            self.stop()
            raise

    def _start(self, replicas: int) -> None:
        durable = ("appendonly yes", "appendfsync everysec", "repl-diskless-sync yes", "repl-diskless-sync-delay 0")
        self.servers.append(Server(self._directory / "0", *durable))
        for number in range(1, replicas + 1):
            following = f"replicaof 127.0.0.1 {self.servers[0].port}"
            self.servers.append(Server(self._directory / str(number), *durable, following))
        for number in range(SENTINELS):
            self.sentinels.append(Server(self._directory / f"s{number}", *self._watching(), sentinel=True))
        self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in self.sentinels)}/{SERVICE}"
        wait_until(lambda: all(self._settled(one, replicas) for one in self.sentinels), 20, "the Sentinels' agreement")

    def _watching(self) -> list[str]:
        return [
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} 2000",
        ]

    def _settled(self, sentinel: Server, replicas: int) -> bool:
        """Whether it has found the others and every replica, and these have what the master has."""
        state = sentinel.ask("SENTINEL MASTER", SERVICE)
        known = len(sentinel.ask("SENTINEL", "REPLICAS", SERVICE)) == replicas
        up = self.servers[0].ask("INFO", "replication")["connected_slaves"] == replicas
        return bool(known and up and state["num-other-sentinels"] == SENTINELS - 1)

    @property
    def master(self) -> Server:
        """The server that most Sentinels call the master now."""
        told = [int(one.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1]) for one in self.sentinels]
        port = max(told, key=told.count)
        return next(server for server in self.servers if server.port == port)

    def wait_for_failover(self, old: Server, seconds: float = 20) -> None:
        """Returns once another than `old` is the master, and says so itself."""

        def over() -> bool:
            return self.master is not old and self.master.ask("ROLE")[0] == b"master"

        wait_until(over, seconds, "the failover")

    @contextlib.contextmanager
    def frozen(self, server: Server) -> Iterator[None]:
        """It takes connections and answers nothing."""
        os.kill(server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            server.thaw()

    def stop(self) -> None:
        """Ends them all."""
        for one in (*self.sentinels, *self.servers):
            one.stop()


@contextlib.contextmanager
def group(directory: Path, replicas: int = 2) -> Iterator[Group]:
    """One of one's own."""
    made = Group(directory, replicas)
    try:
        yield made
    finally:
        made.stop()
