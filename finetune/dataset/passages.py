"""Blocks → one passage that can stand alone: prose and its headings, with no half statement at its ends.

A chunk is cut wherever its chunker found it convenient, so both ends are trimmed; and what lies between two
tables is never joined. Makes no examples.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from msgspec import Struct

from finetune.dataset.blocks import Block, BlockKind, classify, is_ended, join, parse
from finetune.dataset.sentences import (
    BULLETS,
    heading_title,
    is_whole,
    run_in_title,
    unmarked,
    without_first,
    without_last,
)

MAX_HEADINGS_IN_A_ROW = 3
MIN_OPENING_CHARS = 60
"""A shorter item of a list does not open a passage: it is as likely a cell of a table."""

_OPENERS = "\"“\u2018'(*_[> "
_GOES_ON = re.compile(r"(?:[,;:]|\b(?:and|or))[*_]*$")
_REASONS: dict[BlockKind, str] = {
    "contents": "table_of_contents",
    "signature": "signature_block",
    "table": "table",
    "markup": "markup",
}


class Clause(Struct, frozen=True):
    """`title` is the heading's words without number and marks; empty where there is none."""

    title: str
    text: str


class Passage(Struct, frozen=True):
    blocks: tuple[Block, ...]
    text: str


class Matter(Struct, frozen=True):
    """What examples are made of: a chunk's passage, redacted, and where it is from.

    `sha256` is of the chunk's text as it stands in the Vault.
    """

    chunk_id: str
    document_id: str
    sha256: str
    passage: Passage


def find_passage(text: str, min_chars: int, max_chars: int) -> Passage | str:
    """The longest stretch of clean text that is worth learning, or the reason why there is none."""
    blocks = parse(text)
    best = max((_trim(run) for run in _runs(list(_mended(blocks)))), key=_length, default=[])
    if _length(best) > max_chars:
        best = _trim(_fit(best, max_chars))
    if _length(best) >= min_chars:
        return Passage(tuple(best), join(best))
    return _why_not(blocks, len(text), min_chars)


def clauses(passage: Passage) -> list[Clause]:
    """The passage segmented at its headings, run-in ones too."""
    found: list[tuple[str, list[Block]]] = []
    under_bare_heading = False
    for block in passage.blocks:
        title = heading_title(block.text) if block.kind == "heading" else run_in_title(block.text)
        if not found or (title and not under_bare_heading):
            found.append((title, []))
        elif title:
            found[-1] = (title, found[-1][1])
        found[-1][1].append(block)
        under_bare_heading = block.kind == "heading"
    return [Clause(title, join(blocks)) for title, blocks in found]


def units(passage: Passage, min_chars: int) -> list[str]:
    """The passage in pieces that can stand alone: a paragraph with its headings before and its list after."""
    pieces: list[list[Block]] = []
    before: Block | None = None
    for block in passage.blocks:
        opens = block.kind != "item" or run_in_title(block.text) != ""
        parted = before is None or (before.kind != "heading" and is_whole(before.text))
        if not pieces or (opens and parted and _length(pieces[-1]) >= min_chars):
            pieces.append([])
        pieces[-1].append(block)
        before = block
    return [join(piece) for piece in pieces]


def goes_on(text: str) -> bool:
    """Ends in a way that promises more."""
    return _GOES_ON.search(text) is not None


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Stretches with no table, contents line or signature in them; a heading needs something below it."""
    run: list[Block] = []
    for index, block in enumerate(blocks):
        if _belongs(blocks, index, after_text=bool(run)):
            run.append(block)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _belongs(blocks: Sequence[Block], index: int, after_text: bool) -> bool:
    block = blocks[index]
    if block.kind == "heading":
        return _leads_on(blocks, index)
    return block.kind == "prose" or (block.kind == "item" and (after_text or len(block.text) >= MIN_OPENING_CHARS))


def _mended(blocks: Sequence[Block]) -> Iterator[Block]:
    """A paragraph that breaks off halfway down loses its last, unfinished sentence."""
    for block, after in zip_longest(blocks, blocks[1:]):
        if block.kind != "prose" or after is None or after.kind == "item" or is_ended(block.text):
            yield block
        elif cut := without_last(block.text):
            yield Block(classify(cut), cut, block.tight)
        else:
            yield Block("broken", block.text, block.tight)


def _leads_on(blocks: Sequence[Block], index: int) -> bool:
    for block in blocks[index + 1 : index + 1 + MAX_HEADINGS_IN_A_ROW]:
        if block.kind != "heading":
            return block.kind in ("prose", "item")
    return False


def _trim(run: list[Block]) -> list[Block]:
    return _trim_end(_trim_start(run))


def _trim_start(run: list[Block]) -> list[Block]:
    for index, block in enumerate(run):
        if not _starts_midway(block.text):
            return run[index:]
        rest = without_first(block.text)
        if rest:
            return [Block("prose", rest), *run[index + 1 :]]
    return []


def _starts_midway(text: str) -> bool:
    first = unmarked(text).lstrip(_OPENERS)[:1]
    return not first or first.islower() or first in ".,;:)]”"


def _trim_end(run: list[Block]) -> list[Block]:
    run = list(run)
    while run:
        last = run.pop()
        if last.kind == "heading":
            continue
        if is_whole(last.text) or _is_bare_item(last, run):
            return [*run, last]
        cut = without_last(last.text)
        if cut and classify(cut) in ("prose", "item"):
            return [*run, Block(last.kind, cut, last.tight)]
    return []


def _is_bare_item(last: Block, before: list[Block]) -> bool:
    """An item of a list whose items have no full stop."""
    lone = not before or before[-1].kind != "item" or is_whole(before[-1].text)
    return last.kind == "item" and last.text[0] in BULLETS and not lone and not goes_on(last.text)


def _fit(run: list[Block], max_chars: int) -> list[Block]:
    fitted: list[Block] = []
    room = max_chars
    for block in run:
        room -= len(block.text) + 2
        if room < 0:
            break
        fitted.append(block)
    return fitted


def _length(run: list[Block]) -> int:
    return sum(len(block.text) + 2 for block in run)


def _why_not(blocks: Sequence[Block], chars: int, min_chars: int) -> str:
    if chars < min_chars:
        return "too_short"
    weights: Counter[str] = Counter()
    for block in blocks:
        weights[_REASONS.get(block.kind, "fragment")] += len(block.text)
    return max(weights, key=lambda reason: (weights[reason], reason), default="too_short")
