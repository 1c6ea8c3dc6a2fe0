"""Which stretch of a text each placeholder of its redaction took the place of. What is made of that stands in score.py.

Each literal between two placeholders is placed in the original, in order; the cheapest of all ways is found layer by
layer, so that a long text with many placeholders takes no longer than literals times places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

KINDS: Final = ("PERSON", "COMPANY", "EMAIL", "PHONE", "ACCOUNT", "TAX_ID", "AMOUNT", "DATE", "ADDRESS")
WORD: Final = re.compile(r"\w")

_PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})_[0-9]+\]")


class Stretch(Struct, frozen=True):
    """A part of a text: what was marked, or what a placeholder took the place of."""

    kind: str
    start: int
    end: int


class Marked(Struct, frozen=True):
    """A text without its marks, and where they were."""

    document_id: str
    text: str
    entities: tuple[Stretch, ...]


class AlignmentError(ValueError):
    """The redacted text is not the original with stretches replaced."""


def align(marked: Marked, redacted: str) -> tuple[Stretch, ...]:
    """The stretch of the original under each placeholder. Raises AlignmentError.

    Where several readings give the same redacted text ("[A] and [B]" for "X and Y and Z"), the one that leaves least
    of the entities standing counts, then the earliest: whoever reads the redacted text cannot tell them apart either.
    """
    placeholders = list(_PLACEHOLDER.finditer(redacted))
    kept = [part.span() for part in placeholders]
    starts, ends = [0, *(end for _, end in kept)], [*(start for start, _ in kept), len(redacted)]
    literals = [redacted[start:end] for start, end in zip(starts, ends, strict=True)]
    spans = _place(marked.text, literals, _standing(marked))
    if spans is None:
        raise AlignmentError(f"{marked.document_id}: more was changed than replaced")
    return tuple(
        Stretch(kind=placeholder[1], start=before[1], end=after[0])
        for placeholder, before, after in zip(placeholders, spans, spans[1:], strict=False)
    )


def _place(text: str, literals: Sequence[str], standing: Sequence[int]) -> list[tuple[int, int]] | None:
    """Where each literal stands in the text: in order, at least one character between, the ends at the ends."""
    if len(literals) == 1:
        return [(0, len(text))] if literals[0] == text else None
    if not text.startswith(literals[0]):
        return None
    # One layer a literal: end → (what it leaves standing so far, its start, the end of the one before).
    layers = [{len(literals[0]): (standing[len(literals[0])], 0, 0)}]
    for literal in literals[1:-1]:
        layers.append(_layer(layers[-1], literal, _occurrences(text, literal), standing))
    last = len(text) - len(literals[-1])
    if last >= 0 and text.endswith(literals[-1]):
        layers.append(_layer(layers[-1], literals[-1], [last], standing))
    if len(layers) < len(literals) or not layers[-1]:
        return None
    spans = []
    end = len(text)
    for layer in reversed(layers):
        _, start, before = layer[end]
        spans.append((start, end))
        end = before
    return spans[::-1]


def _layer(
    before: dict[int, tuple[int, int, int]], literal: str, places: Iterable[int], standing: Sequence[int]
) -> dict[int, tuple[int, int, int]]:
    """Every way to go on with this literal, each from the cheapest way to get there."""
    layer = {}
    ends = sorted(before, reverse=True)
    best: tuple[int, int] | None = None
    for start in places:
        while ends and ends[-1] < start:
            way = (before[ends[-1]][0], ends.pop())
            best = way if best is None else min(best, way)
        if best is not None:
            end = start + len(literal)
            layer[end] = (best[0] + standing[end] - standing[start], start, best[1])
    return layer


def _occurrences(text: str, literal: str) -> Iterator[int]:
    at = text.find(literal)
    while at >= 0:
        yield at
        at = text.find(literal, at + 1)


def _standing(marked: Marked) -> list[int]:
    """Running sums of what each character costs if it is left standing: a letter of an entity more than all commas."""
    costs = [0] * len(marked.text)
    for entity in marked.entities:
        for at in range(entity.start, entity.end):
            costs[at] = len(costs) if WORD.match(marked.text[at]) else 1
    sums = [0]
    for cost in costs:
        sums.append(sums[-1] + cost)
    return sums
