from __future__ import annotations

from pathlib import Path

import msgspec

from finetune.sandbox.store import Account, Store, checkpoint_names
from finetune.sandbox.values import Checked, Job, JobOrder, Problem, SandboxSettings, StoredFile

FILE, JOB = "file-1", "ftjob-1"


def _account(directory: Path) -> Account:
    (directory / FILE).write_bytes(b"{}")
    account = Account(SandboxSettings(step_seconds=10))
    account.files[FILE] = StoredFile(
        id=FILE,
        filename="firm.jsonl",
        purpose="fine-tune",
        size=2,
        created_at=0,
        expires_at=100,
        path=directory / FILE,
    )
    return account


def _job() -> Job:
    return Job(
        id=JOB,
        account_hint="0001",
        base_model="base",
        fine_tuned_model="ft:base:sandbox::x",
        result_file="file-r",
        order=JobOrder(model="base", training_file=FILE),
        seed=7,
        created_at=95,
    )


def test_a_file_expires(tmp_path: Path) -> None:
    account = _account(tmp_path)
    account.settle(99, tmp_path)
    assert (tmp_path / FILE).exists()
    account.settle(100, tmp_path)
    assert not account.files
    assert not (tmp_path / FILE).exists()


def test_a_live_jobs_file_outlasts_its_time(tmp_path: Path) -> None:
    account = _account(tmp_path)
    account.put_job(_job())
    account.settle(101, tmp_path)
    assert FILE in account.files
    failed = Checked(at=101, problem=Problem("invalid_training_file", "m", "training_file"))
    account.put_job(msgspec.structs.replace(_job(), checked=failed))
    account.settle(105, tmp_path)
    assert not account.files
    assert not account.models


def test_a_job_not_trained_names_its_model_alone() -> None:
    assert checkpoint_names(_job()) == ("ft:base:sandbox::x",)


def test_aliases_share_their_shutdown_date() -> None:
    store = Store(SandboxSettings())
    store.set_shutdown_date("gpt-4o-mini", "2030-01-01")
    assert store.shutdown_date("gpt-4o-mini-2024-07-18") == "2030-01-01"
    assert store.shutdown_date("ft:x", "gpt-4o-mini-2024-07-18") == "2030-01-01"
    assert store.shutdown_date("sandbox-small") is None
