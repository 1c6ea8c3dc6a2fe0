"""The training curve of a job: points from the provider's events and result files, merged and kept short. Pure.

Source of the names: OpenAI API reference, "Fine-tuning: list events" and "list checkpoints"; the result file calls
one of them otherwise.
"""

import base64
import binascii
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

MAX_POINTS = 1000
_STEP = re.compile(r"Step (\d{1,9})/(\d{1,9})\b")
_OTHER_NAMES = {"validation_mean_token_accuracy": "valid_mean_token_accuracy"}


class Point(Struct, frozen=True, omit_defaults=True):
    """What was measured at a step. Losses in nats a token, accuracies from 0 to 1."""

    step: int
    train_loss: float | None = None
    train_mean_token_accuracy: float | None = None
    valid_loss: float | None = None
    valid_mean_token_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_mean_token_accuracy: float | None = None


MEASURES = tuple(name for name in Point.__struct_fields__ if name != "step")


def point(measured: Mapping[str, Any]) -> Point | None:
    """The point that a provider's words make; None where they name no step or measure nothing."""
    step = _number(measured.get("step"))
    found = {_OTHER_NAMES.get(name, name): _number(value) for name, value in measured.items()}
    values = {name: value for name in MEASURES if (value := found.get(name)) is not None}
    return Point(int(step), **values) if step is not None and step >= 0 and values else None


def merged(*curves: Iterable[Point]) -> list[Point]:
    """One curve by step; where two tell of one step, the later curve's word counts. At most MAX_POINTS are kept."""
    steps: dict[int, dict[str, Any]] = {}
    for curve in curves:
        for one in curve:
            told = {name: value for name, value in asdict(one).items() if value is not None}
            steps.setdefault(one.step, {}).update(told)
    return thinned([Point(**steps[step]) for step in sorted(steps)])


def thinned(curve: list[Point]) -> list[Point]:
    """The same curve in at most MAX_POINTS points: its ends, and in between those with a full validation first."""
    if len(curve) <= MAX_POINTS:
        return curve
    full = {index for index, one in enumerate(curve) if one.full_valid_loss is not None}
    kept = {0, len(curve) - 1, *sorted(full)[-MAX_POINTS // 4 :]}
    room = MAX_POINTS - len(kept)
    kept |= {round(at * (len(curve) - 1) / room) for at in range(room)}
    return [curve[index] for index in sorted(kept)]


def parse_results(content: bytes) -> list[Point]:
    """A result file: CSV, which OpenAI hands out in base64. What cannot be read is left out."""
    if not content.lstrip().startswith(b"step"):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            return []
    rows = csv.DictReader(io.StringIO(content.decode("utf-8", "replace")))
    try:
        return [found for row in rows if (found := point({name: value for name, value in row.items() if name}))]
    except csv.Error:
        return []


def steps_told(message: str) -> tuple[int, int] | None:
    """The step and how many there are, where an event's words say so ("Step 41/100: …")."""
    found = _STEP.match(message)
    return (int(found[1]), int(found[2])) if found else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
