"""The sandbox's facts: what was set, uploaded, ordered and made. Frozen values, checked when made.

No clock, no I/O and no HTTP here; what a job is *doing* follows from these values in states.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from finetune.sandbox.ngram import NgramModel

MEGABYTE = 1024 * 1024

Auto = Literal["auto"]
Key = Annotated[str, Meta(max_length=64)]
Value = Annotated[str, Meta(max_length=512)]
Metadata = Annotated[dict[Key, Value], Meta(max_length=16)]


class SandboxSettings(Struct, frozen=True, kw_only=True):
    """How the sandbox behaves. Times in seconds, sizes in bytes."""

    step_seconds: float = 1.0
    """How long a job stays in each of its three working states."""
    seed: int = 7
    """Part of what decides a reply; the same seed, request and model give the same text."""
    usable_after_seconds: float | None = None
    """From `succeeded` until the fine-tuned model answers; None is one step."""
    chunk_seconds: float = 0.0
    """Pause between two chunks of a streamed reply."""
    max_live_jobs: int = 3
    """Jobs of one account that may be under way at once."""
    max_body_bytes: int = 32 * MEGABYTE
    max_file_bytes: int = 512 * MEGABYTE

    def __post_init__(self) -> None:
        pauses = (self.step_seconds, self.usable_after_seconds or 0.0, self.chunk_seconds)
        if min(pauses) < 0 or min(self.max_live_jobs, self.max_body_bytes, self.max_file_bytes) < 1:
            raise ValueError("sandbox settings: seconds must not be negative, limits must be at least 1")

    @property
    def usable_after(self) -> float:
        return self.step_seconds if self.usable_after_seconds is None else self.usable_after_seconds


class StoredFile(Struct, frozen=True, kw_only=True):
    id: str
    filename: str
    purpose: str
    size: int
    created_at: float
    expires_at: float | None
    path: Path


class Hyperparameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    n_epochs: Auto | Annotated[int, Meta(ge=1, le=50)] = "auto"
    batch_size: Auto | Annotated[int, Meta(ge=1, le=256)] = "auto"
    learning_rate_multiplier: Auto | Annotated[float, Meta(gt=0)] = "auto"


class Supervised(Struct, frozen=True, forbid_unknown_fields=True):
    hyperparameters: Hyperparameters | None = None


class Method(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str
    supervised: Supervised | None = None
    dpo: dict[str, object] | None = None
    reinforcement: dict[str, object] | None = None


class JobOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a create call, as it arrives."""

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    metadata: Metadata | None = None
    method: Method | None = None
    hyperparameters: Hyperparameters | None = None
    integrations: list[object] | None = None

    def wished(self) -> Hyperparameters:
        """The hyperparameters asked for; the deprecated top-level ones only where `method` has none."""
        supervised = self.method.supervised if self.method else None
        inner = supervised.hyperparameters if supervised else None
        return inner or self.hyperparameters or Hyperparameters()


class Problem(Struct, frozen=True):
    """Why a job failed, as the job reports it."""

    code: str
    message: str
    param: str | None


class Checked(Struct, frozen=True, kw_only=True):
    """What reading the training file found, and when the reading was over."""

    at: float
    examples: int = 0
    tokens: int = 0
    problem: Problem | None = None


class Point(Struct, frozen=True, kw_only=True):
    """One measured point of the training curve."""

    step: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None


class Trained(Struct, frozen=True, kw_only=True):
    """What training made, and when it was done."""

    at: float
    model: NgramModel
    curve: tuple[Point, ...]


class Job(Struct, frozen=True, kw_only=True):
    id: str
    account_hint: str
    base_model: str
    fine_tuned_model: str
    result_file: str
    order: JobOrder
    seed: int
    created_at: float
    checked: Checked | None = None
    trained: Trained | None = None
    cancelled_at: float | None = None


class FineTune(Struct, frozen=True, kw_only=True):
    """A model that an account made; a checkpoint is one too, under an id of its own."""

    id: str
    base_model: str
    created_at: float
    usable_at: float
    model: NgramModel
    listed: bool


class StockModel(Struct, frozen=True, kw_only=True):
    """A row of models.json."""

    id: str
    created: int
    owned_by: str
    alias_of: str | None
    tunable: bool
    shutdown_date: str | None
