"""The processes of a gateway: how they start, what they say when they cannot, and how they end together."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program, gateway_environ, running, wait_until
from tests.support.vaults import write_vault


def children(pid: int) -> dict[int, str]:
    """Every process below `pid`, with its command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found[int(entry.name)] = command
            found |= children(int(entry.name))
    return found


def gone(pids: list[int]) -> bool:
    """Whether none of the processes runs."""
    return not any(
        Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text() for pid in pids
    )


def housestyle(arguments: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command that is expected to end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_everything_ends_with_the_gateway_and_the_data_stay(tmp_path: Path, how: str) -> None:
    environ = gateway_environ(tmp_path / "data")
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway:
        with Admin(gateway.url) as admin:
            admin.put("/tenants/acme", {"name": "Kept"})
        below = children(gateway.process.pid)
        assert any("redis-server" in command for command in below.values())
        assert any("worker" in command for command in below.values())
        gateway.process.send_signal(getattr(signal, how))
        gateway.process.wait(30)
        gateway.stop()  # closes what is open of it
        wait_until(lambda: gone(list(below)), 20, "the end of its children")
        assert gateway.process.returncode == (-9 if how == "SIGKILL" else 0)
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        assert admin.get("/tenants/acme")["name"] == "Kept"


def test_a_worker_that_dies_is_started_again(tmp_path: Path, sandbox: Program) -> None:
    vault = write_vault(tmp_path / "data" / "vaults" / "orchard.jsonl", 12)
    with (
        running(["serve", "--port", "0"], gateway_environ(tmp_path / "data"), tmp_path / "log") as gateway,
        Admin(gateway.url) as admin,
    ):
        [worker] = [pid for pid, command in children(gateway.process.pid).items() if "gateway worker" in command]
        os.kill(worker, signal.SIGKILL)
        assert Firm(admin, sandbox.url, vault=vault).ready_job()


def test_a_second_gateway_on_the_same_data_is_refused_in_a_line(gateway: Program, data_dir: Path) -> None:
    ended = housestyle(["serve", "--port", "0"], gateway_environ(data_dir))
    assert ended.returncode == 2
    assert f"in use by another Housestyle (process {gateway.process.pid})" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS).status_code == 200


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = housestyle(["serve", "--port", port], gateway_environ(tmp_path / "data"))
    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    for change, words in (
        ({"HOUSESTYLE_POLL_SECONDS": "often"}, "HOUSESTYLE_POLL_SECONDS must be a number"),
        ({"HOUSESTYLE_REDIS_URL": "redis://localhost:1"}, "HOUSESTYLE_ENCRYPTION_KEYS and HOUSESTYLE_ARTIFACTS_URL"),
    ):
        ended = housestyle(["serve", "--port", "0"], gateway_environ(tmp_path / "data", **change))
        assert ended.returncode == 2
        assert words in ended.stderr
        assert "Traceback" not in ended.stderr


def test_generated_secrets_are_kept_for_the_owner_and_said_once(tmp_path: Path) -> None:
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_ADMIN_KEY="")
    said: list[str] = []
    for _ in range(2):
        with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway:
            said.append((tmp_path / "data" / "admin-key").read_text())
            with Admin(gateway.url, said[-1]) as admin:
                assert admin.get("/tenants")["items"] == []
            with Admin(gateway.url, ADMIN_KEY) as admin:
                assert admin.ask("GET", "/tenants").status_code == 401
    assert said[0] == said[1]
    for name in ("admin-key", "encryption-key"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


def test_a_gateway_says_that_it_lives_and_is_ready(gateway: Program) -> None:
    assert httpx2.get(f"{gateway.url}/healthz", verify=NO_TLS).status_code == 200
    assert httpx2.head(f"{gateway.url}/", verify=NO_TLS).status_code == 200
    answer = httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS)
    assert answer.status_code == 200
    assert answer.json().items() >= {"ready": True, "draining": False, "store": "connected"}.items()
