"""The job manager's values: a job as it is stored and what it is made of, and what a preview tells. Frozen; no I/O."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from finetune.dataset.values import BuildSettings, DatasetSummary, Example

Status = Literal["queued", "snapshotting", "uploading", "training", "ready", "failed", "cancelled"]

Backend = Literal["openai", "azure_openai", "anthropic", "bedrock", "vertex", "together", "fireworks"]


class Notice(Struct, frozen=True):
    """An error or a warning: a code for programs, words for people."""

    code: str
    message: str


class Checkpoint(Struct, frozen=True):
    """A model that the provider kept on the way. `metrics` by the provider's own names."""

    id: str
    step: int
    model: str
    metrics: dict[str, float] = {}


class Consent(Struct, frozen=True):
    """Who agreed that a teacher model may see the firm's documents, and when: a key's id, RFC 3339 UTC."""

    by: str
    at: str


class Job(Struct, frozen=True, omit_defaults=True):
    """A job as it is stored. Times are RFC 3339 UTC.

    `uid` is the intent: unique at the provider, written before anything is made there. `claimed_at` (seconds
    since the epoch) says when somebody last set out to make the provider's job, so that nobody else does at the
    same time. `checked_at` is when a tick last looked; `since` when the job came into its status. `waiting`: the
    provider has no place for it now. `untidy`: it is over, and its uploaded files are still to be deleted there.
    `source_job`: trained on that job's data set, not read from the Vault anew. `seen_event` is the provider's
    last event in the timeline.
    """

    id: str
    tenant: str
    uid: str
    label: str
    backend: str
    provider: str
    base_model: str
    status: Status
    created_by: str
    created_at: str
    updated_at: str
    hyperparameters: dict[str, Any] = {}
    options: dict[str, Any] = {}
    fine_tuned_model: str | None = None
    provider_job_id: str | None = None
    training_file_id: str | None = None
    validation_file_id: str | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    source_job: str | None = None
    imported: bool = False
    consent: Consent | None = None
    error: Notice | None = None
    warnings: tuple[Notice, ...] = ()
    dataset: DatasetSummary | None = None
    trained_tokens: int | None = None
    estimated_cost_usd: float | None = None
    retires_at: str | None = None
    finished_at: str | None = None
    cancel_requested: bool = False
    claimed_at: float = 0.0
    checked_at: float = 0.0
    polls: int = 0
    failures: int = 0
    provider_status: str | None = None
    since: str | None = None
    waiting: bool = False
    untidy: bool = False
    seen_event: str | None = None
    artifact_ended: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do for it, at the provider neither."""
        return self.finished_at is not None and not self.untidy


class Preview(Struct, frozen=True):
    """What a job would be trained on and about what it would cost.

    `ready_chunks` and `other_chunks` are of the whole Vault where `counted_all`, else as far as there was time. It was
    made of `sampled_chunks`. Where those are not all, `is_estimate`: then `examples`, `validation_examples`, `tokens`,
    and what was replaced (`redactions`) and left out (`skipped`), stand for the whole. `samples` are examples as they
    are. `counted_by`: the vocabulary that tokens were counted with, or `estimate`; then `count_error` says how far off
    they may be. `estimated_cost_usd` is null where the price is not known; `cost_words` say what it is made of.
    """

    ready_chunks: int
    other_chunks: int
    counted_all: bool
    sampled_chunks: int
    is_estimate: bool
    examples: int
    examples_per_kind: dict[str, int]
    validation_examples: int
    redactions: dict[str, int]
    skipped: dict[str, int]
    tokens: int
    counted_by: str
    count_error: str | None
    epochs: int
    estimated_cost_usd: float | None
    cost_words: str | None
    warnings: tuple[Notice, ...]
    samples: tuple[Example, ...]


_JOB = msgspec.json.Decoder(Job)


def decode(body: bytes) -> Job:
    """The job in a row's body."""
    return _JOB.decode(body)


def encode(job: Job) -> bytes:
    """The job as a row's body."""
    return msgspec.json.encode(job)


def settings_of(job: Job) -> BuildSettings:
    """How the job's data set is to be made."""
    options = job.options
    return BuildSettings(
        redact=options.get("redact", "rules"),
        writer=options.get("writer", "rules"),
        validation_share=options.get("validation_share", 0.1),
    )
