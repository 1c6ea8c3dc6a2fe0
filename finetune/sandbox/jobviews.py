"""What a fine-tuning job looks like from outside: the job, its events, its checkpoints.

Pure: job, settings and time in, JSON values out. The endpoints are in jobs.py.
"""

from __future__ import annotations

import hashlib

from finetune.sandbox import states, training
from finetune.sandbox.store import checkpoint_names
from finetune.sandbox.values import Job, Point

Shown = dict[str, object]


def job_shown(job: Job, step: float, now: float, reported: str | None = None) -> Shown:
    last = states.history(job, step, now)[-1]
    succeeded, over = last.status == "succeeded", last.status not in states.LIVE
    problem = job.checked.problem if job.checked and last.status == "failed" else None
    hyperparameters = _hyperparameters(job, last.status)
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created_at),
        "model": job.base_model,
        "status": reported or last.status,
        "fine_tuned_model": job.fine_tuned_model if succeeded else None,
        "finished_at": int(last.at) if over else None,
        "estimated_finish": int(last.at + step) if last.status == "running" else None,
        "error": ({"code": problem.code, "message": problem.message, "param": problem.param} if problem else None),
        "hyperparameters": hyperparameters,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        "integrations": [],
        "metadata": job.order.metadata,
        "organization_id": "org-sandbox",
        "result_files": [job.result_file] if succeeded else [],
        "seed": job.seed,
        "trained_tokens": _trained_tokens(job) if succeeded else None,
        "training_file": job.order.training_file,
        "validation_file": job.order.validation_file,
        "user_provided_suffix": job.order.suffix,
    }


def _hyperparameters(job: Job, status: states.Status) -> Shown:
    """As ordered while the file is being read, decided from then on."""
    wished = job.order.wished()
    if job.checked is None or job.checked.problem or status == "validating_files":
        return {
            "n_epochs": wished.n_epochs,
            "batch_size": wished.batch_size,
            "learning_rate_multiplier": wished.learning_rate_multiplier,
        }
    plan = training.plan(wished, job.checked.examples)
    return {
        "n_epochs": plan.n_epochs,
        "batch_size": plan.batch_size,
        "learning_rate_multiplier": plan.learning_rate_multiplier,
    }


def _trained_tokens(job: Job) -> int | None:
    if job.checked is None:
        return None
    return job.checked.tokens * training.plan(job.order.wished(), job.checked.examples).n_epochs


def checkpoints_shown(job: Job, step: float, now: float) -> list[Shown]:
    """Newest first; none before the job has succeeded."""
    last = states.history(job, step, now)[-1]
    if job.trained is None or last.status != "succeeded":
        return []
    points = training.checkpoints(job.trained.curve)
    rows: list[Shown] = [
        {
            "id": _derived_id("ftckpt_", job.id, str(point.step)),
            "object": "fine_tuning.job.checkpoint",
            "created_at": int(last.at),
            "fine_tuned_model_checkpoint": name,
            "fine_tuning_job_id": job.id,
            "metrics": _metrics(point, full=True),
            "step_number": point.step,
        }
        for point, name in zip(points, checkpoint_names(job), strict=True)
    ]
    return rows[::-1]


def _metrics(point: Point, *, full: bool) -> Shown:
    known: Shown = {
        "step": point.step,
        "train_loss": point.train_loss,
        "train_mean_token_accuracy": point.train_accuracy,
        "valid_loss": point.valid_loss,
        "valid_mean_token_accuracy": point.valid_accuracy,
        "full_valid_loss": point.valid_loss if full else None,
        "full_valid_mean_token_accuracy": point.valid_accuracy if full else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def events_shown(job: Job, step: float, now: float) -> list[Shown]:
    """Newest first. An event's id depends on what it says alone, so pages hold while events are added."""
    said: list[tuple[float, str, str, Shown]] = []
    for state in states.history(job, step, now):
        said.extend((state.at, level, message, {}) for level, message in _announcements(job, state.status))
        if state.status == "running":
            said.extend(_steps(job, state.at, step, now))
    rows: list[Shown] = [
        {
            "id": _derived_id("ftevent-", job.id, message),
            "object": "fine_tuning.job.event",
            "created_at": int(at),
            "level": level,
            "message": message,
            "type": "metrics" if data else "message",
            "data": data,
        }
        for at, level, message, data in said
    ]
    return rows[::-1]


def _announcements(job: Job, status: states.Status) -> list[tuple[str, str]]:
    match status:
        case "validating_files":
            started = ("info", f"Validating training file: {job.order.training_file}")
            return [("info", f"Created fine-tuning job: {job.id}"), started]
        case "queued":
            return [("info", "Files validated, moving job to queued state")]
        case "running":
            return [("info", "Fine-tuning job started")]
        case "succeeded":
            made = [("info", f"Checkpoint created: {name}") for name in checkpoint_names(job)[:-1]]
            done = ("info", "The job has successfully completed")
            return [*made, ("info", f"New fine-tuned model created: {job.fine_tuned_model}"), done]
        case "failed":
            problem = job.checked.problem if job.checked else None
            return [("error", problem.message if problem else "The job failed")]
        case "cancelled":
            return [("info", "The job was cancelled")]


def _steps(job: Job, began: float, step: float, now: float) -> list[tuple[float, str, str, Shown]]:
    """The measured points, spread over the time the job runs."""
    points = job.trained.curve if job.trained else ()
    rows: list[tuple[float, str, str, Shown]] = []
    for number, point in enumerate(points, 1):
        at = began + step * number / len(points)
        if at > (now if job.cancelled_at is None else job.cancelled_at):
            break
        message = f"Step {point.step}/{points[-1].step}: training loss={point.train_loss:.2f}"
        if point.valid_loss is not None:
            message += f", validation loss={point.valid_loss:.2f}"
        rows.append((at, "info", message, _metrics(point, full=number == len(points))))
    return rows


def _derived_id(prefix: str, *parts: str) -> str:
    return prefix + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
