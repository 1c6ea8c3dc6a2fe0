"""Measures a redactor on texts whose entities are marked by hand. No rule of any redactor goes in here, and it prints
nothing of the held-out texts.

`python -m tests.finetune.dataset.redaction.score [sample|held_out]`

Only the redacted text is needed. Put back beside the original, what stands between two placeholders says which
stretch of the original each of them took the place of. From that:

- an entity is *found* when none of its letters and digits is left, whatever the placeholders are called. A title that
  leads a name ("Dr", "Mrs") may stay;
- a placeholder is *right* when at least half of the letters and digits that it took belong to entities; any other is a
  false alarm. Of those that are right, *named* counts those that an entity of the same kind lies under.

Recall is by the kind that was marked, precision by the kind of the placeholder.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tests.finetune.dataset.redaction.alignment import KINDS, WORD, Marked, Stretch, align

FILES: Final = ("sample", "held_out")

_MARK = re.compile(rf"\{{\{{({'|'.join(KINDS)})\|([^{{}}|]+)\}}\}}")
_TITLES = re.compile(
    r"(?:(?:Mrs?|Ms|Miss|Dr|Prof(?:essor)?|Sir|Dame|Herr|Frau|Shri|Sri|Father|Sheikh|Capt|Eng|Mag)\b\.?\s+)+",
    re.IGNORECASE,
)


class Line(Struct, frozen=True):
    """One line of a file."""

    document_id: str
    text: str


class Judged(Struct, frozen=True):
    """One text's result. `missed` are entities, `false` are stretches; `named` is a part of `right`."""

    found: tuple[Stretch, ...]
    missed: tuple[Stretch, ...]
    right: tuple[Stretch, ...]
    named: tuple[Stretch, ...]
    false: tuple[Stretch, ...]


class Tally(Struct, frozen=True):
    """Counts of one kind, or of all. A ratio of nothing is 1."""

    entities: int = 0
    found: int = 0
    placeholders: int = 0
    right: int = 0
    named: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.entities if self.entities else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.placeholders if self.placeholders else 1.0


class MarkError(ValueError):
    """A mark that is not well formed."""


def parse(line: Line) -> Marked:
    """Takes the marks out. Raises MarkError where braces are left over."""
    text = ""
    entities = []
    end = 0
    for mark in _MARK.finditer(line.text):
        text += line.text[end : mark.start()]
        entities.append(Stretch(kind=mark[1], start=len(text), end=len(text) + len(mark[2])))
        text += mark[2]
        end = mark.end()
    text += line.text[end:]
    if "{{" in text or "}}" in text:
        raise MarkError(f"{line.document_id}: a mark is not closed, or of no kind: {text[:60]!r}")
    return Marked(document_id=line.document_id, text=text, entities=tuple(entities))


def read(name: str) -> tuple[Marked, ...]:
    """The texts of `sample` or `held_out`, in the file's order."""
    lines = Path(__file__).with_name(f"{name}.jsonl").read_bytes().splitlines()
    return tuple(parse(msgspec.json.decode(line, type=Line)) for line in lines)


def judge(marked: Marked, stretches: Sequence[Stretch]) -> Judged:
    """Which entities were found and which stretches are right."""
    gone = {at for stretch in stretches for at in _word_places(marked.text, stretch.start, stretch.end)}
    secret = {at for entity in marked.entities for at in _word_places(marked.text, entity.start, entity.end)}
    found = tuple(entity for entity in marked.entities if _needed(marked.text, entity) <= gone)
    right = tuple(stretch for stretch in stretches if _is_right(marked.text, stretch, secret))
    return Judged(
        found=found,
        missed=tuple(entity for entity in marked.entities if entity not in found),
        right=right,
        named=tuple(stretch for stretch in right if _has_its_kind(stretch, marked.entities)),
        false=tuple(stretch for stretch in stretches if stretch not in right),
    )


def score(texts: Iterable[Marked], redact: Callable[[str, str], str]) -> dict[str, Tally]:
    """Tallies by kind, and `all`. `redact` takes a text and its document's id and gives the text with placeholders."""
    return tally([judge(text, align(text, redact(text.text, text.document_id))) for text in texts])


def tally(judged: Sequence[Judged]) -> dict[str, Tally]:
    return {kind: _tally_of(judged, (kind,)) for kind in KINDS} | {"all": _tally_of(judged, KINDS)}


def table(tallies: dict[str, Tally]) -> str:
    """The tallies for a terminal."""
    head = ("kind", "entities", "found", "recall", "placeholders", "right", "precision", "named")
    rows = [
        (kind, t.entities, t.found, f"{t.recall:.3f}", t.placeholders, t.right, f"{t.precision:.3f}", t.named)
        for kind, t in tallies.items()
    ]
    return "\n".join(
        "  ".join([f"{row[0]:<8}", *(f"{cell:>{len(title)}}" for cell, title in zip(row[1:], head[1:], strict=True))])
        for row in (head, *rows)
    )


def _needed(text: str, entity: Stretch) -> set[int]:
    titles = _TITLES.match(text, entity.start, entity.end) if entity.kind == "PERSON" else None
    return _word_places(text, titles.end() if titles else entity.start, entity.end)


def _is_right(text: str, stretch: Stretch, secret: set[int]) -> bool:
    taken = _word_places(text, stretch.start, stretch.end)
    return bool(taken) and 2 * len(taken & secret) >= len(taken)


def _has_its_kind(stretch: Stretch, entities: Iterable[Stretch]) -> bool:
    return any(
        entity.kind == stretch.kind and entity.start < stretch.end and stretch.start < entity.end for entity in entities
    )


def _word_places(text: str, start: int, end: int) -> set[int]:
    return {at for at in range(start, end) if WORD.match(text[at])}


def _tally_of(judged: Sequence[Judged], kinds: Sequence[str]) -> Tally:
    def count(part: Callable[[Judged], tuple[Stretch, ...]]) -> int:
        return sum(stretch.kind in kinds for one in judged for stretch in part(one))

    found, right = count(lambda one: one.found), count(lambda one: one.right)
    return Tally(
        entities=found + count(lambda one: one.missed),
        found=found,
        placeholders=right + count(lambda one: one.false),
        right=right,
        named=count(lambda one: one.named),
    )


def _errors(texts: Sequence[Marked], judged: Sequence[Judged]) -> Iterator[str]:
    for text, one in zip(texts, judged, strict=True):
        for word, stretches in (("missed", one.missed), ("false", one.false)):
            for stretch in stretches:
                yield f"{word:<6} {stretch.kind:<8} {text.document_id:<15} {text.text[stretch.start : stretch.end]!r}"


def main(name: str) -> None:
    from finetune.dataset.redact import open_redactor

    redactor = open_redactor("rules")
    texts = read(name)
    judged = [judge(text, align(text, redactor.redact(text.text, text.document_id).text)) for text in texts]
    lines = [table(tally(judged))]
    if name == "sample":  # whoever writes rules reads this, and must not read the other
        lines += _errors(texts, judged)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "sample"
    if chosen not in FILES:
        sys.exit(f"usage: python -m tests.finetune.dataset.redaction.score [{'|'.join(FILES)}]")
    main(chosen)
