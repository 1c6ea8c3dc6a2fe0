"""What a worker answers a kubelet: a table, its socket, and a real worker whose Redis goes away and comes back."""

import asyncio
import base64
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from gateway.listening import bound
from gateway.worker_probes import Pulse, answer, answering
from tests.support.admin import NO_TLS
from tests.support.processes import running, wait_until
from tests.support.redis import stoppable


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


def pulse_of(beat_seconds_ago: float | None) -> Pulse:
    clock = Clock()
    pulse = Pulse(clock)
    if beat_seconds_ago is not None:
        pulse.beat()
        clock.seconds += beat_seconds_ago
    return pulse


@pytest.mark.parametrize(
    ("request_line", "beat_seconds_ago", "status"),
    [
        (b"GET /healthz", None, b"200 OK"),
        (b"GET /healthz", 1000.0, b"200 OK"),
        (b"HEAD /healthz", None, b"200 OK"),
        (b"GET /readyz", None, b"503 Service Unavailable"),
        (b"GET /readyz", 0.0, b"200 OK"),
        (b"GET /readyz", 4.9, b"200 OK"),
        (b"GET /readyz", 5.0, b"503 Service Unavailable"),
        (b"GET /metrics", 0.0, b"404 Not Found"),
        (b"POST /readyz", 0.0, b"404 Not Found"),
        (b"GET", 0.0, b"404 Not Found"),
    ],
)
def test_what_is_answered(request_line: bytes, beat_seconds_ago: float | None, status: bytes) -> None:
    said = answer(request_line + b" HTTP/1.1\r\n\r\n", pulse_of(beat_seconds_ago))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert f"content-length: {len(body)}".encode() in head


async def test_who_says_nothing_or_too_much_is_dropped() -> None:
    with bound("127.0.0.1", 0, None) as listeners:
        port = listeners.data.getsockname()[1]
        async with answering(listeners.data, Pulse(), patience=0.05):
            for said in (b"", b"GET /healthz HTTP/1.1\r\n", b"x" * 100_000):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(said)
                try:
                    assert await reader.read() == b""
                except ConnectionResetError:
                    assert len(said) > 8192
                writer.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A worker's, but for Redis."""
    return {
        "HOUSESTYLE_DATA_DIR": str(tmp_path / "data"),
        "HOUSESTYLE_ENCRYPTION_KEYS": base64.b64encode(b"k" * 32).decode(),
        "HOUSESTYLE_ARTIFACTS_URL": (tmp_path / "artifacts").as_uri(),
        "OTEL_TRACES_EXPORTER": "none",
    }


def status(url: str, path: str) -> int:
    return httpx2.get(url + path, verify=NO_TLS).status_code


def test_a_worker_is_ready_while_its_redis_answers_and_alive_without(environ: dict[str, str], tmp_path: Path) -> None:
    with stoppable(tmp_path) as redis:
        environ["HOUSESTYLE_REDIS_URL"] = redis.url
        with running(["worker", "--port", "0"], environ, tmp_path / "log") as worker:
            wait_until(lambda: status(worker.url, "/readyz") == 200, 30, "a ready worker")
            redis.stop()
            wait_until(lambda: status(worker.url, "/readyz") == 503, 30, "a worker that is not ready")
            assert status(worker.url, "/healthz") == 200
            redis.start()
            wait_until(lambda: status(worker.url, "/readyz") == 200, 30, "a worker that is ready again")
            worker.stop()
            assert worker.process.returncode == 0


def test_a_busy_port_is_said_in_a_line(environ: dict[str, str]) -> None:
    with bound("127.0.0.1", 0, None) as listeners:
        listeners.listen(1)
        port = listeners.data.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "worker", "--port", str(port)],
            env={"PYTHONPATH": ":".join(sys.path), "HOUSESTYLE_REDIS_URL": "redis://127.0.0.1:1", **environ},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"housestyle: Cannot listen on 127.0.0.1:{port}")
