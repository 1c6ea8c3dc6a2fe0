"""The states of a job, the only ways between them, and how long each may last: one table, no I/O."""

from msgspec import Struct
from msgspec.structs import replace

from finetune.values import Job, Notice, Status

_HOUR = 3600.0
_DAY = 24 * _HOUR


class Rule(Struct, frozen=True):
    """A row: what may follow, and after how many seconds the job fails with `deadline_exceeded` (None: never).

    `what` says what happens in the state, for its readers.
    """

    what: str
    following: tuple[Status, ...] = ()
    deadline: float | None = None


TABLE: dict[Status, Rule] = {
    "queued": Rule("waits for a worker", ("snapshotting", "failed", "cancelled"), 7 * _DAY),
    "snapshotting": Rule(
        "the Vault is read and the training file written", ("uploading", "failed", "cancelled"), 2 * _DAY
    ),
    "uploading": Rule(
        "the files go to the provider, then the provider's job is made",
        ("training", "snapshotting", "failed", "cancelled"),
        _DAY,
    ),
    "training": Rule("the provider trains; it is polled", ("ready", "failed", "cancelled"), 7 * _DAY),
    "ready": Rule("calls can name the model"),
    "failed": Rule("it ended with an error"),
    "cancelled": Rule("an admin, or the provider, ended it"),
}

FINAL = frozenset(status for status, rule in TABLE.items() if not rule.following)
# Waiting for a place at the provider is not this job's fault, so it may take longer.
WAITING_DEADLINE = 7 * _DAY


class ImpossibleTransition(Exception):
    """The table has no such way. A bug, never an input."""


def is_final(job: Job) -> bool:
    """Whether the job's status changes no more."""
    return job.status in FINAL


def move(job: Job, status: Status, now: str) -> Job:
    """The job in `status`. Raises ImpossibleTransition."""
    if status not in TABLE[job.status].following:
        raise ImpossibleTransition(f"{job.status} → {status}")
    finished = now if status in FINAL else None
    return replace(
        job, status=status, updated_at=now, since=now, finished_at=finished, polls=0, failures=0, waiting=False
    )


def fail(job: Job, code: str, message: str, now: str) -> Job:
    """The job, failed for a reason that its admin reads."""
    return replace(move(job, "failed", now), error=Notice(code, message))


def warn(job: Job, code: str, message: str) -> Job:
    """The job with one more warning; the same code is not given twice."""
    if any(warning.code == code for warning in job.warnings):
        return job
    return replace(job, warnings=(*job.warnings, Notice(code, message)))


def deadline(job: Job) -> float | None:
    """Seconds that the job may stay in its state."""
    allowed = TABLE[job.status].deadline
    return WAITING_DEADLINE if allowed is not None and job.waiting else allowed


def described() -> str:
    """The table in Markdown, for the docs."""
    lines = ["| state | what happens | then | at most |", "|---|---|---|---|"]
    for status, rule in TABLE.items():
        then = ", ".join(f"`{after}`" for after in rule.following) or "the end"
        most = f"{rule.deadline / _DAY:g} d" if rule.deadline is not None else "for ever"
        lines.append(f"| `{status}` | {rule.what} | {then} | {most} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(described())  # noqa: T201 - for docs/jobs.md
