"""One passage → its training pairs, of three kinds. The firm's own text is always the assistant's turn.

Made by rules, without a teacher model. Keeps no state: duplicates, shares and totals are build.py's matter.
"""

import re
from collections.abc import Iterator

from finetune.dataset.clean import neutralise_tokens
from finetune.dataset.neutral import Restated, similarity
from finetune.dataset.outline import outline
from finetune.dataset.passages import Clause, Passage, clauses, goes_on, units
from finetune.dataset.phrasings import DRAFT, EXTRACT, REPHRASE, SUMMARIZE, phrase, stable_hash
from finetune.dataset.sentences import is_whole
from finetune.dataset.values import BuildSettings, Example, Kind
from finetune.vaults.base import Chunk

TOO_SIMILAR = 0.9
"""Of two texts' neighbouring word pairs: above it a model would learn to repeat, not to write."""

_SUMMARY_LEAD = re.compile(
    r"\W*(?:short version|in short|in brief|(?:in |executive )?summary|overview|at a glance|key points?"
    r"|in plain english|what this means|tl;?dr|the gist)\b",
    re.IGNORECASE,
)
_RECITAL = re.compile(
    r"\W*(?:(?:\(?[A-Z]\)?[.)] )?whereas\b|(?:recitals|background|preliminary statement)\W*$)", re.IGNORECASE
)
_RECITALS_END = re.compile(
    r"\W*(?:now,? therefore|the parties (?:hereby )?agree|it is (?:hereby )?agreed)", re.IGNORECASE
)


def make_pairs(chunk: Chunk, passage: Passage, settings: BuildSettings) -> Iterator[Example | str]:
    """Examples, and the reasons of those that were tried and dropped."""
    parts = clauses(passage)
    restated = Restated(passage.text)
    yield from _rephrase(chunk, passage, restated, settings)
    yield _summarize(chunk, passage, parts, restated)
    yield from _extract(chunk, passage, parts, settings)


def _rephrase(chunk: Chunk, passage: Passage, restated: Restated, settings: BuildSettings) -> Iterator[Example | str]:
    whole = [unit for unit in units(passage, settings.min_chars * 2) if is_whole(unit)]
    fit = [unit for unit in whole if len(unit) >= settings.min_chars]
    fit.sort(key=lambda unit: stable_hash(chunk.chunk_id + unit))
    for unit in fit[: settings.rephrase_per_chunk]:
        neutral = restated[unit]
        if similarity(neutral, unit) > TOO_SIMILAR:
            yield "too_similar"
        else:
            user = phrase(REPHRASE, f"{chunk.chunk_id} {unit}", neutral)
            yield _example("rephrase-as", chunk, user, unit)


def _summarize(chunk: Chunk, passage: Passage, parts: list[Clause], restated: Restated) -> Example | str:
    """The firm's own summary of a body, where both are there; else the passage drafted from an outline."""
    summary, body = own_summary(passage)
    if summary:
        user = phrase(SUMMARIZE, chunk.chunk_id, body)
        return _example("summarize-this", chunk, user, summary)
    notes = outline(parts, restated)
    return _example("summarize-this", chunk, phrase(DRAFT, chunk.chunk_id, notes), passage.text)


def _extract(chunk: Chunk, passage: Passage, parts: list[Clause], settings: BuildSettings) -> Iterator[Example]:
    """A clause by its heading, out of a passage that holds more than it; nothing where none is headed."""
    titles = [part.title.lower() for part in parts]
    wanted = [
        part
        for part in parts
        if part.title
        and titles.count(part.title.lower()) == 1
        and settings.min_chars // 2 <= len(part.text) - len(part.title)
        and len(part.text) * 4 <= len(passage.text) * 3
        and not _SUMMARY_LEAD.match(part.title)
        and not goes_on(part.text)
    ]
    if not wanted:
        return
    clause = wanted[stable_hash(f"{chunk.chunk_id} extract") % len(wanted)]
    user = phrase(EXTRACT, chunk.chunk_id, passage.text, clause.title)
    yield _example("extract-clauses", chunk, user, clause.text)


def own_summary(passage: Passage) -> tuple[str, str]:
    """A summary that the firm wrote and the longer body that it stands for; else two empty texts."""
    texts = [block.text for block in passage.blocks]
    for index, text in enumerate(texts):
        if _SUMMARY_LEAD.match(text) and is_whole(text) and len(text) > 80:
            return _with_body(text, _section(passage, index + 1))
    recitals = [index for index, text in enumerate(texts) if _RECITAL.match(text)]
    operative = next((index for index, text in enumerate(texts) if _RECITALS_END.match(text)), len(texts))
    if recitals and recitals[0] < operative:
        return _with_body("\n\n".join(texts[recitals[0] : operative]), "\n\n".join(texts[operative:]))
    return "", ""


def _with_body(summary: str, body: str) -> tuple[str, str]:
    return (summary, body) if len(body) >= 1.5 * len(summary) else ("", "")


def _section(passage: Passage, start: int) -> str:
    texts: list[str] = []
    for block in passage.blocks[start:]:
        if block.kind == "heading" and texts:
            break
        texts.append(block.text)
    return "\n\n".join(texts)


def _example(kind: Kind, chunk: Chunk, user: str, assistant: str) -> Example:
    return Example(
        kind,
        chunk.chunk_id,
        chunk.document_id,
        neutralise_tokens(user),
        neutralise_tokens(assistant),
    )
