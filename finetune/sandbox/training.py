"""What really happens to a job's files: they are read, checked and trained on, once, in a thread.

Two plain functions that read files and return values; when and where they run is jobs.py's business.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from finetune.sandbox import curve, ngram, validation
from finetune.sandbox.values import Auto, Hyperparameters, Point, Problem

CSV_COLUMNS = (
    "step",
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "validation_mean_token_accuracy",
    "full_valid_loss",
)
_CHECKPOINTS = 3
_BLOCK = 4 * 1024 * 1024
"""Bytes a read. Every read lets go of the interpreter lock and takes it straight back, which keeps a waiting
event loop from ever getting it; so reads are few."""


class Plan(Struct, frozen=True):
    """Hyperparameters with every `auto` decided."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    steps: int


def plan(wished: Hyperparameters, examples: int) -> Plan:
    epochs = _decided(wished.n_epochs, 3)
    batch = _decided(wished.batch_size, max(1, min(256, examples // 500)))
    rate = wished.learning_rate_multiplier
    steps = max(1, epochs * math.ceil(examples / batch))
    return Plan(epochs, batch, 1.8 if rate == "auto" else rate, steps)


def _decided(wished: Auto | int, otherwise: int) -> int:
    return otherwise if wished == "auto" else wished


def check_files(training: Path, held_out: Path | None) -> tuple[validation.Report, Problem | None]:
    """The training file's report, and the problem that fails the job if there is one."""
    report = validation.check(_lines(training))
    if report.reason:
        return report, _problem("training", report.reason)
    if held_out is not None:
        other = validation.check(_lines(held_out))
        if other.reason:
            return report, _problem("validation", other.reason)
    return report, None


def _problem(which: str, reason: str) -> Problem:
    message = f"The job failed due to an invalid {which} file. {reason}"
    return Problem(f"invalid_{which}_file", message, f"{which}_file")


def train(training: Path, held_out: Path | None, steps: int) -> tuple[ngram.NgramModel, tuple[Point, ...]]:
    model = ngram.train(validation.assistant_texts(_lines(training)))
    seen = curve.measure(model, curve.training_sample(model)) or [(0.0, 1.0)] * curve.POINTS
    unseen = None
    if held_out is not None:
        unseen = curve.measure(model, curve.sample_of(model, validation.assistant_texts(_lines(held_out))))
    points = {
        (step := max(1, round(steps * (at + 1) / curve.POINTS))): Point(
            step=step,
            train_loss=round(seen[at][0], 5),
            train_accuracy=round(seen[at][1], 5),
            valid_loss=round(unseen[at][0], 5) if unseen else None,
            valid_accuracy=round(unseen[at][1], 5) if unseen else None,
        )
        for at in range(curve.POINTS)
    }
    return model, tuple(points.values())


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=_BLOCK) as file:
        while line := file.readline(validation.LONGEST_LINE + 2):
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def checkpoints(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points at which checkpoints are kept: up to three, the last one the finished model."""
    places = {math.ceil(len(points) * part / _CHECKPOINTS) - 1 for part in range(1, _CHECKPOINTS + 1)}
    return tuple(points[place] for place in sorted(places))


def result_csv(points: tuple[Point, ...]) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for point in points:
        last = point is points[-1]
        rows.writerow(
            [
                point.step,
                point.train_loss,
                point.train_accuracy,
                point.valid_loss,
                point.valid_accuracy,
                point.valid_loss if last else None,
            ]
        )
    return out.getvalue().encode()
