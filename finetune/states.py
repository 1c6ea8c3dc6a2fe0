"""The states of a job and the only ways between them: one table, no I/O."""

from msgspec.structs import replace

from finetune.values import Job, Notice, Status

TRANSITIONS: dict[Status, frozenset[Status]] = {
    "queued": frozenset({"snapshotting", "failed", "cancelled"}),
    "snapshotting": frozenset({"uploading", "failed", "cancelled"}),
    "uploading": frozenset({"training", "snapshotting", "failed", "cancelled"}),
    "training": frozenset({"ready", "failed", "cancelled"}),
    "ready": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class ImpossibleTransition(Exception):
    """The table has no such way. A bug, never an input."""


def is_final(job: Job) -> bool:
    """Whether nothing will happen to the job any more."""
    return job.status in FINAL


def move(job: Job, status: Status, now: str) -> Job:
    """The job in `status`. Raises ImpossibleTransition."""
    if status not in TRANSITIONS[job.status]:
        raise ImpossibleTransition(f"{job.status} → {status}")
    finished = now if status in FINAL else None
    return replace(job, status=status, updated_at=now, finished_at=finished, polls=0, failures=0)


def fail(job: Job, code: str, message: str, now: str) -> Job:
    """The job, failed for a reason that its admin reads."""
    return replace(move(job, "failed", now), error=Notice(code, message))


def warn(job: Job, code: str, message: str) -> Job:
    """The job with one more warning; the same code is not given twice."""
    if any(warning.code == code for warning in job.warnings):
        return job
    return replace(job, warnings=(*job.warnings, Notice(code, message)))
