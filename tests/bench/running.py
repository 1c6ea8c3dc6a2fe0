"""What every gateway under measure is to the bench, and how its programs are started and ended."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.kernel import pin

GATEWAY_CORES = frozenset({0})
LOAD_CORES = frozenset({1})
BOTH = GATEWAY_CORES | LOAD_CORES
_START_SECONDS = 90.0


class Running(NamedTuple):
    """A gateway that serves. `keys` are callers' keys, of which a call takes one; `model` is what a caller asks for;
    `store` is the process of its store, at `store_url`, whose CPU time is told apart; `sink` is where its spans go;
    `headers` are what its callers send beside their key."""

    name: str
    url: str
    pid: int
    keys: tuple[str, ...] = ("bench",)
    model: str = "gpt-4o-mini"
    store: int | None = None
    sink: str | None = None
    store_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def control(url: str) -> Any:
    """What the upstream or the sink has seen."""
    with urllib.request.urlopen(f"{url}/control", timeout=30) as answer:  # noqa: S310 - our own process
        return json.loads(answer.read())


@contextlib.contextmanager
def module(name: str, *arguments: str) -> Iterator[tuple[int, list[int]]]:
    """One of the bench's own servers: its process and ports."""
    command = [sys.executable, "-m", name, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.pid, json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(30)


@contextlib.contextmanager
def started(command: list[str], environ: dict[str, str], log: Path, port: int) -> Iterator[int]:
    """A peer's program on the gateway's core, once it listens on `port`: its process."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=log.parent
        )
        try:
            _await_port(process, log, port)
            pin(process.pid, GATEWAY_CORES)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_port(process: "subprocess.Popen[bytes]", log: Path, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it does not serve: {log.read_text(errors='replace')[-1500:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
