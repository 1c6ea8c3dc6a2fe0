"""A job followed on the command line, and a Vault's training files made there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import watching
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program
from tests.support.vaults import DEMO_VAULTS


def housestyle(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "120", **environ},
    )


@pytest.mark.parametrize(
    ("job", "words", "done"),
    [
        ({"status": "queued", "progress": None}, "queued", 0),
        (
            {"status": "snapshotting", "progress": {"stage": "reading", "done": 1200, "total": None}},
            "snapshotting: reading, 1,200",
            100,
        ),
        (
            {"status": "training", "progress": {"stage": "training", "done": 50, "total": 100}},
            "training: training, 50 of 100",
            348,
        ),
        ({"status": "training", "progress": {"stage": "x", "done": 5, "total": 0}}, "training: x, 5 of 0", 300),
        ({"status": "ready", "progress": None}, "ready", 400),
        ({"status": "failed", "progress": None}, "failed", 0),
        ({"status": "ready"}, "ready", 400),
    ],
)
def test_how_far_a_job_is(job: dict[str, Any], words: str, done: int) -> None:
    assert (watching.described(job), watching.completed(job)) == (words, done)


def test_a_job_is_watched_to_its_end(gateway: Program, admin: Admin, sandbox: Program, vault: Path) -> None:
    firm = Firm(admin, sandbox.url, vault=vault)
    job = firm.start_job()
    ready = housestyle("watch", firm.name, "--url", gateway.url, HOUSESTYLE_ADMIN_KEY=ADMIN_KEY)
    assert (ready.returncode, ready.stdout.splitlines()[-1]) == (0, firm.job(job)["fine_tuned_model"])
    failed = firm.start_job(backend="anthropic")
    told = housestyle("watch", firm.name, failed["id"], "--url", gateway.url, "--key", ADMIN_KEY)
    assert told.returncode == 1
    assert "backend_not_supported_yet" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "--key", ADMIN_KEY), "There is no tenant 'nobody'"),
        (
            ("nobody", "--key", "hs_wrong"),
            "The API key is missing, unknown, expired or revoked. A platform admin's key",
        ),
        (("nobody",), "An admin's key is needed, by HOUSESTYLE_ADMIN_KEY or --key. A platform admin's key does"),
    ],
)
def test_what_cannot_be_watched_is_said_in_a_line(gateway: Program, arguments: tuple[str, ...], words: str) -> None:
    told = housestyle("watch", *arguments, "--url", gateway.url)
    assert told.returncode == 2
    assert words in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "cannot be reached: [Errno 111] Connection refused. Does it run"),
        ("127.0.0.1:8080", "--url must be like http://127.0.0.1:8080, not '127.0.0.1:8080'"),
        ("http://127.0.0.1:9/v1", "leave out /v1"),
    ],
)
def test_a_gateway_that_is_not_there(url: str, words: str) -> None:
    told = housestyle("watch", "acme", "--url", url, "--key", "x")
    assert told.returncode == 2
    assert words in told.stderr


def test_a_tenant_without_jobs(gateway: Program, admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    told = housestyle("watch", firm.name, "--url", gateway.url, "--key", ADMIN_KEY)
    assert told.returncode == 2
    assert f"POST /admin/api/tenants/{firm.name}/jobs makes one" in told.stderr


def test_what_a_vault_lacks_for_a_job_is_said(tmp_path: Path) -> None:
    vault = tmp_path / "vault.jsonl"
    vault.write_text("no record\n")
    told = housestyle("dataset", str(vault), str(tmp_path / "out"))
    assert told.returncode == 0
    assert "The Vault has 0 ready chunks; at least 10 are needed." in told.stdout
    assert 'A bad_record is a line that is not like {"chunk_id": "…"' in told.stdout
    (tmp_path / "file").touch()
    told = housestyle("dataset", str(vault), str(tmp_path / "file"))
    assert (told.returncode, told.stderr) == (
        2,
        f"housestyle: {tmp_path / 'file'} is a file; name a folder to write to.\n",
    )


def test_a_busy_port_of_the_sandbox_is_said_in_a_line(gateway: Program) -> None:
    port = gateway.url.rpartition(":")[2]
    told = housestyle("sandbox", "--port", port)
    assert told.returncode == 2
    words = "Address already in use. Name another port, or end the program that has this one."
    assert told.stderr == f"housestyle: Cannot listen on 127.0.0.1:{port}: {words}\n"


def test_training_files_are_made_without_a_gateway(tmp_path: Path) -> None:
    made = housestyle("dataset", str(DEMO_VAULTS / "brightwater.jsonl"), str(tmp_path / "out"))
    assert made.returncode == 0, made.stderr
    for words in ("ready chunks", "training examples", "rephrase-as", "o200k_base", "replaced by placeholders"):
        assert words in made.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"train.jsonl", "validation.jsonl", "manifest.json"}
    wrong = housestyle("dataset", str(DEMO_VAULTS / "brightwater.jsonl"), str(tmp_path / "out"), "--redact", "all")
    assert wrong.returncode == 2
    assert "--redact is one of rules, presidio, off" in wrong.stderr
