"""One passage → its training pairs, of three kinds. The firm's own text is always the assistant's turn.

Made by rules, without a teacher model. Keeps no state: duplicates, shares and totals are build.py's matter.
"""

import re
from collections.abc import Iterator

from finetune.dataset.clean import neutralise_tokens
from finetune.dataset.neutral import Restated, similarity
from finetune.dataset.outline import outline
from finetune.dataset.passages import Clause, Matter, Passage, clauses, goes_on, units
from finetune.dataset.phrasings import DRAFT, EXTRACT, REPHRASE, SUMMARIZE, phrase, stable_hash
from finetune.dataset.redact import placeholders
from finetune.dataset.sentences import is_whole
from finetune.dataset.values import BuildSettings, Example, Kind

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


def make_pairs(matter: Matter, settings: BuildSettings) -> Iterator[Example | str]:
    """Examples, and the reasons of those that were tried and dropped."""
    parts = clauses(matter.passage)
    restated = Restated(matter.passage.text)
    yield from _rephrase(matter, restated, settings)
    yield _summarize(matter, parts, restated)
    yield from _extract(matter, parts, settings)


def _rephrase(matter: Matter, restated: Restated, settings: BuildSettings) -> Iterator[Example | str]:
    whole = [unit for unit in units(matter.passage, settings.min_chars * 2) if is_whole(unit)]
    fit = [unit for unit in whole if len(unit) >= settings.min_chars]
    fit.sort(key=lambda unit: stable_hash(matter.chunk_id + unit))
    for unit in fit[: settings.rephrase_per_chunk]:
        neutral = restated[unit]
        if similarity(neutral, unit) > TOO_SIMILAR:
            yield "too_similar"
        else:
            user = phrase(REPHRASE, f"{matter.chunk_id} {unit}", neutral)
            yield _example("rephrase-as", matter, user, unit)


def _summarize(matter: Matter, parts: list[Clause], restated: Restated) -> Example | str:
    """The firm's own summary of a body, where both are there; else the passage drafted from an outline."""
    passage = matter.passage
    summary, body = own_summary(passage)
    if summary and placeholders(summary) <= placeholders(body):
        user = phrase(SUMMARIZE, matter.chunk_id, body)
        return _example("summarize-this", matter, user, summary)
    notes = outline(parts, restated)
    return _example("summarize-this", matter, phrase(DRAFT, matter.chunk_id, notes), passage.text)


def _extract(matter: Matter, parts: list[Clause], settings: BuildSettings) -> Iterator[Example]:
    """A clause by its heading, out of a passage that holds more than it; nothing where none is headed."""
    titles = [part.title.lower() for part in parts]
    wanted = [
        part
        for part in parts
        if part.title
        and titles.count(part.title.lower()) == 1
        and settings.min_chars // 2 <= len(part.text) - len(part.title)
        and len(part.text) * 4 <= len(matter.passage.text) * 3
        and not _SUMMARY_LEAD.match(part.title)
        and not goes_on(part.text)
    ]
    if not wanted:
        return
    clause = wanted[stable_hash(f"{matter.chunk_id} extract") % len(wanted)]
    user = phrase(EXTRACT, matter.chunk_id, matter.passage.text, clause.title)
    yield _example("extract-clauses", matter, user, clause.text)


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


def _example(kind: Kind, matter: Matter, user: str, assistant: str) -> Example:
    return Example(
        kind,
        matter.chunk_id,
        matter.document_id,
        neutralise_tokens(user),
        neutralise_tokens(assistant),
    )
