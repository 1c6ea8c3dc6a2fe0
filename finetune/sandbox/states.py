"""The states of a fine-tuning job: a table, and the one function that reads it.

A job's status follows from its values and the time now; nothing has to run for a job to move. Each
working state lasts one step, and longer only where real work (reading the file, training) takes longer.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from finetune.sandbox.values import Job

Status = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
Work = Literal["checked", "trained"]


class Phase(Struct, frozen=True):
    """A working state, the work that has to be over before it ends, and what comes next."""

    status: Status
    waits_for: Work | None
    then: Status


PHASES = (
    Phase("validating_files", "checked", "queued"),
    Phase("queued", None, "running"),
    Phase("running", "trained", "succeeded"),
)
LIVE: frozenset[str] = frozenset(phase.status for phase in PHASES)


class Entered(Struct, frozen=True):
    status: Status
    at: float


def timeline(job: Job, step: float) -> tuple[Entered, ...]:
    """Every state the job has entered or is sure to enter, with the time of it, in order."""
    entered = [Entered(PHASES[0].status, job.created_at)]
    for phase in PHASES:
        work = {"checked": job.checked, "trained": job.trained}[phase.waits_for] if phase.waits_for else None
        if phase.waits_for and work is None:
            break
        end = max(entered[-1].at + step, work.at if work else 0.0)
        if phase.waits_for == "checked" and job.checked and job.checked.problem:
            entered.append(Entered("failed", end))
            break
        entered.append(Entered(phase.then, end))
    if job.cancelled_at is not None:
        cancelled_at = job.cancelled_at
        entered = [state for state in entered if state.at <= cancelled_at]
        entered.append(Entered("cancelled", cancelled_at))
    return tuple(entered)


def history(job: Job, step: float, now: float) -> tuple[Entered, ...]:
    """The part of the timeline that has happened; the last one is the state the job is in."""
    entered = timeline(job, step)
    return tuple(state for state in entered if state.at <= now) or entered[:1]


def status(job: Job, step: float, now: float) -> Status:
    return history(job, step, now)[-1].status


def is_live(job: Job, step: float, now: float) -> bool:
    return status(job, step, now) in LIVE
