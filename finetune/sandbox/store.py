"""Everything the sandbox holds, account by account, in memory; file contents lie in a directory.

One event loop owns it: no method waits, so none needs a lock. What comes true by the clock alone (a
job's result file, its model, an expired file) is brought up to date by `settle`, first thing in a request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import msgspec

from finetune.sandbox import ngram, states, training
from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.ngram import NgramModel
from finetune.sandbox.values import FineTune, Job, SandboxSettings, StockModel, StoredFile

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


class Account:
    """What belongs to one API key."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self.files: dict[str, StoredFile] = {}
        self.jobs: dict[str, Job] = {}
        self.models: dict[str, FineTune] = {}
        self._unsettled: set[str] = set()

    def file(self, file_id: str) -> StoredFile:
        if file_id not in self.files:
            raise ApiError(Refusal.NO_FILE, id=file_id)
        return self.files[file_id]

    def job(self, job_id: str) -> Job:
        if job_id not in self.jobs:
            raise ApiError(Refusal.NO_JOB, id=job_id)
        return self.jobs[job_id]

    def put_job(self, job: Job) -> None:
        if job.id not in self.jobs:
            self._unsettled.add(job.id)
        self.jobs[job.id] = job

    def live_jobs(self, now: float) -> list[Job]:
        step = self._settings.step_seconds
        return [job for job in self._unsettled_jobs() if states.is_live(job, step, now)]

    def remove_file(self, file_id: str) -> None:
        self.files.pop(file_id).path.unlink(missing_ok=True)

    def settle(self, now: float, directory: Path) -> None:
        for job in self._unsettled_jobs():
            last = states.history(job, self._settings.step_seconds, now)[-1]
            if last.status in states.LIVE:
                continue
            self._unsettled.discard(job.id)
            if last.status == "succeeded":
                self._deliver(job, last.at, directory)
        used = {file_id for job in self.live_jobs(now) for file_id in files_of(job)}
        expired = [file.id for file in self.files.values() if file.expires_at is not None and file.expires_at <= now]
        for file_id in expired:
            if file_id not in used:
                self.remove_file(file_id)

    def _unsettled_jobs(self) -> list[Job]:
        return [self.jobs[job_id] for job_id in self._unsettled]

    def _deliver(self, job: Job, at: float, directory: Path) -> None:
        """The result file, the model and its checkpoints of a job that has succeeded.

        A checkpoint is the end of an epoch; every epoch shows a counting model the same text, so all of
        them share the one model and differ by name.
        """
        assert job.trained is not None  # noqa: S101 - the state table lets nothing untrained succeed
        content = training.result_csv(job.trained.curve)
        path = directory / job.result_file
        path.write_bytes(content)
        self.files[job.result_file] = StoredFile(
            id=job.result_file,
            filename="step_metrics.csv",
            purpose="fine-tune-results",
            size=len(content),
            created_at=at,
            expires_at=None,
            path=path,
        )
        usable_at = at + self._settings.usable_after
        for name in (job.fine_tuned_model, *checkpoint_names(job)):
            self.models[name] = FineTune(
                id=name,
                base_model=job.base_model,
                created_at=at,
                usable_at=usable_at,
                model=job.trained.model,
                listed=name == job.fine_tuned_model,
            )


class Store:
    """All accounts, and the stock models they share."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._accounts: dict[str, Account] = {}
        package = resources.files("finetune.sandbox")
        rows = msgspec.json.decode(package.joinpath("models.json").read_bytes(), type=list[StockModel])
        self.stock = {row.id: row for row in rows}
        self.stock_model: NgramModel = ngram.train(_passages(package.joinpath("corpus.txt").read_text("utf-8")))
        self._shutdown_dates: dict[str, str | None] = {}

    def account(self, account_id: str) -> Account:
        if account_id not in self._accounts:
            self._accounts[account_id] = Account(self._settings)
        return self._accounts[account_id]

    def accounts(self) -> Iterable[Account]:
        return self._accounts.values()

    def dated(self, model: str) -> str:
        """The dated name of a stock model; any other name as it is."""
        row = self.stock.get(model)
        return row.alias_of if row and row.alias_of else model

    def knows(self, model: str) -> bool:
        return model in self.stock or any(model in account.models for account in self.accounts())

    def set_shutdown_date(self, model: str, date: str | None) -> None:
        self._shutdown_dates[self.dated(model)] = date

    def shutdown_date(self, model: str, base_model: str | None = None) -> str | None:
        """YYYY-MM-DD or None. A fine-tuned model goes when its base goes, unless it has a date of its own."""
        for name in (self.dated(model), base_model):
            if name is not None and name in self._shutdown_dates:
                return self._shutdown_dates[name]
        row = self.stock.get(self.dated(base_model or model))
        return row.shutdown_date if row else None

    def refuse_retired(self, model: str, base_model: str | None, now: float) -> None:
        date = self.shutdown_date(model, base_model)
        if date is not None and date <= datetime.fromtimestamp(now, UTC).date().isoformat():
            raise ApiError(Refusal.MODEL_RETIRED, model=model, date=date)


def files_of(job: Job) -> tuple[str, ...]:
    """The files a job needs while it is live."""
    return tuple(file_id for file_id in (job.order.training_file, job.order.validation_file) if file_id)


def checkpoint_names(job: Job) -> tuple[str, ...]:
    """The checkpoints' model names, in training order; the last is the finished model itself."""
    points = training.checkpoints(job.trained.curve) if job.trained else ()
    return (
        *(f"{job.fine_tuned_model}:ckpt-step-{point.step}" for point in points[:-1]),
        job.fine_tuned_model,
    )


def _passages(text: str) -> Iterator[str]:
    return (passage for passage in text.split("\n\n") if passage.strip())
