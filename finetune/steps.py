"""What a job's state asks for next: the decisions of the manager, as plain functions over values. No I/O."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from finetune import states
from finetune.backends.base import ProviderEvent, ProviderJob, TryAgain
from finetune.dataset.values import DatasetSummary
from finetune.values import Job, Notice

MIN_CHUNKS = 10
MIN_EXAMPLES = 10  # the provider's own limit
SMALL_VAULT = 300
MAX_POLL_SECONDS = 60.0
TIDY_SECONDS = 24 * 3600.0  # how long a provider is asked to delete what was uploaded
ENDING_SECONDS = 24 * 3600.0  # how long it is asked to end a job that is to end
EXTRA_TRIES = 3  # for what is good to have of a job that is done: checkpoints, result files

Ending = Literal["cancelled", "deadline_exceeded"]

# How long a set-out create may still take effect: longer than the time after which it is given up.
SETTLE_SECONDS = 60.0
# The same once the provider has answered (an error): only its listing may lag.
ANSWERED_SETTLE_SECONDS = 5.0


class Step(Struct, frozen=True):
    """What a tick did: the job after it, lines for its timeline, seconds until the next tick (None: over)."""

    job: Job
    events: tuple[tuple[str, str], ...] = ()
    again: float | None = 0.0


def ended(job: Job) -> Step:
    """The step of a job that is over, with the line that says so."""
    words = job.error.message if job.error else f"The job is {job.status}."
    return Step(job, ((job.status, words),), None)


def overdue(job: Job, clock: float) -> float:
    """Seconds since the job should have left its state; 0 while it may stay."""
    allowed = states.deadline(job)
    return max(0.0, seconds_since(job.since or job.updated_at, clock) - allowed) if allowed is not None else 0.0


def end(job: Job, ending: Ending, now: str) -> Step:
    """The job is over before it was done: somebody wanted its end, or it took too long."""
    if ending == "cancelled":
        return ended(states.move(job, "cancelled", now))
    days = (states.deadline(job) or 0.0) / 86400
    return ended(states.fail(job, ending, f"The job was {job.status} for more than {days:g} days.", now))


def seconds_since(rfc3339: str, clock: float) -> float:
    """Seconds from a time of a record to `clock` (seconds since the epoch)."""
    return clock - datetime.fromisoformat(rfc3339).timestamp()


def judged(chunks: int, examples: int) -> Notice | None:
    """What is to be said of so many ready chunks and training examples: `vault_too_small` ends a job, `small_vault`
    warns."""
    if chunks < MIN_CHUNKS:
        return Notice("vault_too_small", f"The Vault has {chunks} ready chunks; at least {MIN_CHUNKS} are needed.")
    if examples < MIN_EXAMPLES:
        words = (
            f"The Vault's {chunks} ready chunks gave {examples} training examples; at least {MIN_EXAMPLES} are needed."
        )
        return Notice("vault_too_small", words)
    if chunks < SMALL_VAULT:
        words = (
            f"The Vault has {chunks} ready chunks; under {SMALL_VAULT} a model learns phrases rather than style. "
            "Compare its answers with the stock model's before you rely on it."
        )
        return Notice("small_vault", words)
    return None


def after_snapshot(job: Job, dataset: DatasetSummary, now: str) -> Step:
    """A Vault was read: too little of it ends the job before anything leaves the house."""
    found = judged(dataset.chunks, dataset.examples)
    if found is not None and found.code == "vault_too_small":
        return ended(states.fail(replace(job, dataset=dataset), found.code, found.message, now))
    if found is not None:
        job = states.warn(job, found.code, found.message)
    words = f"{dataset.examples} examples were made of {dataset.chunks} chunks."
    if dataset.validation_examples:
        words += f" {dataset.validation_examples} more are kept for validation."
    return Step(states.move(replace(job, dataset=dataset), "uploading", now), (("snapshot", words),))


def settling(job: Job, clock: float) -> float:
    """Seconds for which a create that somebody set out to make may still take effect; 0: none may."""
    return max(0.0, job.claimed_at + SETTLE_SECONDS - clock) if job.claimed_at else 0.0


def after_failed_create(job: Job, failure: TryAgain, clock: float) -> Job:
    """The claim after a create that did not work: given back, shortened, or left, by what may have happened."""
    if not failure.effect_possible:
        return replace(job, claimed_at=0.0)
    if failure.answered:
        return replace(job, claimed_at=clock - SETTLE_SECONDS + ANSWERED_SETTLE_SECONDS)
    return job


def adopted(job: Job, made: ProviderJob, now: str) -> Step:
    """The provider has the job: it is training, or further."""
    moved = states.move(job, "training", now)
    after = replace(moved, provider_job_id=made.id, provider_status=made.status)
    return Step(after, (("training", f"The provider's job is {made.id}."),))


def with_news(step: Step, news: Sequence[ProviderEvent]) -> Step:
    """The step with what the provider wrote meanwhile. What it measured goes into the curve, not the timeline."""
    if not news:
        return step
    lines = tuple((f"provider_{one.level}", one.message) for one in news if one.point is None)
    return Step(replace(step.job, seen_event=news[-1].id), (*lines, *step.events), step.again)


def after_poll(
    job: Job, told: ProviderJob, *, usable: bool, poll_seconds: float, now: str, ending: Ending | None = None
) -> Step:
    """The provider told of its job. A model is `ready` only once calls can name it."""
    seen = replace(job, provider_status=told.status, trained_tokens=told.trained_tokens)
    events: tuple[tuple[str, str], ...] = ()
    if told.status != job.provider_status:
        events = (("provider", f"The provider says: {told.status}."),)
    if told.phase == "failed":
        words = f"{told.error_code}: {told.error_message}" if told.error_message else "The provider gave no reason."
        code = "training_file_rejected" if _about_the_file(told) else "training_failed"
        return _with(events, ended(states.fail(seen, code, words, now)))
    if told.phase == "cancelled":
        return _with(events, end(seen, ending or "cancelled", now))
    if told.phase == "succeeded" and told.fine_tuned_model and usable:
        done = replace(states.move(seen, "ready", now), fine_tuned_model=told.fine_tuned_model)
        return Step(done, (*events, ("ready", f"The model is {told.fine_tuned_model}.")), None)
    if told.phase == "succeeded":
        seen = replace(seen, polls=0)  # nearly there: look often
    return Step(replace(seen, polls=seen.polls + 1), events, poll_delay(seen.polls, poll_seconds))


def after_failure(job: Job, failure: TryAgain, now: str) -> Step:
    """Something did not work; the timeline says what, once for each run of failures, and it is tried again.

    A provider without a free place is no failure: the job waits for one, in turn with the others.
    """
    after = max(1.0, failure.after) if failure.after is not None else 2.0 ** min(job.failures, 6)
    tried = replace(job, failures=job.failures + 1, updated_at=now)
    if failure.busy and job.status == "uploading":
        events = () if job.waiting else (("waiting", failure.message),)
        return Step(replace(tried, waiting=True), events, min(after, max(MAX_POLL_SECONDS, failure.after or 0.0)))
    events = (("retry", failure.message),) if job.failures == 0 else ()
    return Step(tried, events, after)


def untidy(before: Job, step: Step) -> Step:
    """The step, and where it ends a job whose files lie at the provider still: the tick that deletes them."""
    job = step.job
    ends = states.is_final(job) and not states.is_final(before)
    if not ends or job.options.get("keep_files") is True or not uploaded(job):
        return step
    return Step(replace(job, untidy=True), step.events, 0.0)


def uploaded(job: Job) -> tuple[str, ...]:
    """The files that were uploaded for the job."""
    return tuple(name for name in (job.training_file_id, job.validation_file_id) if name)


def tidied(job: Job, failure: str | None = None) -> Step:
    """The uploaded files are deleted at the provider, or, for a reason, are not."""
    over = replace(job, untidy=False, failures=0)
    if failure is None:
        return Step(over, (("files_deleted", "The uploaded files are deleted at the provider."),), None)
    words = f"The uploaded files could not be deleted at the provider: {failure}"
    return Step(states.warn(over, "files_not_deleted", words), (("warning", words),), None)


def poll_delay(polls: int, poll_seconds: float) -> float:
    """Backs off by a fifth each time to at most a minute, with a tenth of jitter either way."""
    delay = min(max(MAX_POLL_SECONDS, poll_seconds), poll_seconds * 1.2 ** min(polls, 40))
    return delay * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, not a secret


def seed_of(options: dict[str, Any]) -> int | None:
    """The seed that the admin asked for."""
    seed = options.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def _about_the_file(told: ProviderJob) -> bool:
    return "file" in (told.error_code or "")


def _with(events: tuple[tuple[str, str], ...], step: Step) -> Step:
    return Step(step.job, (*events, *step.events), step.again)
