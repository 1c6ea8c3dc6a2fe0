"""The processes of a gateway: how they start, what they say when they cannot, and how they end together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, children, gateway_environ, gone, running, wait_until
from tests.support.vaults import write_vault


def housestyle(arguments: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command that is expected to end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def hardy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway whose children may be killed."""
    folder = tmp_path_factory.mktemp("hardy")
    write_vault(folder / "data" / "vaults" / "orchard.jsonl", 12)
    with running(["serve", "--port", "0"], gateway_environ(folder / "data"), folder / "log") as program:
        yield program


def test_however_it_ends_its_children_end_with_it_and_its_data_and_secrets_stay(tmp_path: Path) -> None:
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_ADMIN_KEY="")
    key_file = tmp_path / "data" / "admin-key"
    made: list[str] = []
    keys: set[str] = set()
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway:
            keys.add(key_file.read_text())
            with Admin(gateway.url, key_file.read_text()) as admin:
                assert [tenant["id"] for tenant in admin.get("/tenants")["items"]] == sorted(made)
                made.append(how.name.lower())
                admin.put(f"/tenants/{made[-1]}", {})
            below = children(gateway.process.pid)
            assert any("redis-server" in command for command in below.values())
            assert any("worker" in command for command in below.values())
            gateway.process.send_signal(how)
            gateway.process.wait(30)
            gateway.stop()  # closes what is open of it
            wait_until(lambda: gone(list(below)), 20, f"the end of its children after {how.name}")  # noqa: B023
            assert gateway.process.returncode == (-9 if how == signal.SIGKILL else 0)
    assert len(keys) == 1
    for name in ("admin-key", "encryption-key"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


def test_a_redis_that_dies_is_started_again_and_the_gateway_goes_on(hardy: Program, sandbox: Program) -> None:
    with Admin(hardy.url) as admin:
        firm = Firm(admin, sandbox.url)
        [redis] = [pid for pid, line in children(hardy.process.pid).items() if "/redis-server" in line.split(" ")[0]]
        os.kill(redis, signal.SIGKILL)
        assert firm.say().status_code == 200
        wait_until(lambda: admin.ask("PUT", firm.path, {"name": "After"}).status_code == 200, 15, "the next one")
        assert admin.get(firm.path)["default_provider"] == "main"
        assert firm.say().status_code == 200


def test_a_worker_that_dies_is_started_again(hardy: Program, sandbox: Program) -> None:
    vault = hardy.log.parent / "data" / "vaults" / "orchard.jsonl"
    [worker] = [pid for pid, command in children(hardy.process.pid).items() if "gateway worker" in command]
    os.kill(worker, signal.SIGKILL)
    with Admin(hardy.url) as admin:
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
    ended = housestyle(["serve", "--port", "0"], gateway_environ(tmp_path, HOUSESTYLE_POLL_SECONDS="often"))
    assert ended.returncode == 2
    assert "HOUSESTYLE_POLL_SECONDS must be a number" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gateway_says_that_it_lives_and_is_ready(gateway: Program) -> None:
    assert httpx2.get(f"{gateway.url}/healthz", verify=NO_TLS).status_code == 200
    assert httpx2.head(f"{gateway.url}/", verify=NO_TLS).status_code == 200
    answer = httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS)
    assert answer.status_code == 200
    assert answer.json().items() >= {"ready": True, "draining": False, "store": "connected"}.items()


def test_a_browser_at_the_root_is_told_where_things_are(gateway: Program) -> None:
    with httpx2.Client(base_url=gateway.url, verify=NO_TLS) as http:
        answer = http.get("/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert "/v1" in answer.json()["error"]["message"]
        assert http.head("/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["serve", "--port", "99999"], {}, "65535"),
        (["sandbox", "--step-seconds", "-1"], {}, "--step-seconds"),
        (["serve"], {"HOUSESTYLE_DATA_DIR": "/proc/nowhere"}, "The data directory /proc/nowhere cannot be"),
        (["serve"], {"HOUSESTYLE_DATA_DIR": "/etc/passwd"}, "The data directory /etc/passwd cannot be"),
        (["worker"], {}, "A worker needs HOUSESTYLE_REDIS_URL"),
        (["demo", "--vault", "/"], {}, "/ is a directory"),
    ],
)
def test_what_a_person_can_mend_is_said_without_a_traceback(
    arguments: list[str],
    environ: dict[str, str],
    words: str,
) -> None:
    ended = housestyle(arguments, environ)
    assert ended.returncode in (1, 2)
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_says_which_one_it_is() -> None:
    assert housestyle(["--version"], {}).stdout.startswith("housestyle ")
