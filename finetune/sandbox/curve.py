"""Measuring training: loss and next-token accuracy as more and more of the training text is seen.

The numbers are the model's own, on a sample of tokens: nothing here is drawn to look good. No files
and no HTTP; training.py turns the points into steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from finetune.sandbox import text as text_rules
from finetune.sandbox.ngram import BOUNDARY, NgramModel

POINTS = 10
_SAMPLE = 120
_PLACES = 4_000

Triple = tuple[int, int, int]


def training_sample(model: NgramModel) -> list[Triple]:
    return _thin(_triples(model.stream))


def sample_of(model: NgramModel, texts: Iterable[str]) -> list[Triple]:
    """Triples of texts the model was not trained on, in the model's numbers."""
    found: list[Triple] = []
    for one in texts:
        tokens = text_rules.tokenise(text_rules.prose(one))
        found.extend(_triples([model.id_of(token) for token in tokens]))
        if len(found) > 50 * _SAMPLE:
            break
    return _thin(found)


def measure(model: NgramModel, sample: Sequence[Triple]) -> list[tuple[float, float]] | None:
    """(loss in nats, accuracy) after each tenth of the training text; None without a sample."""
    if not sample:
        return None
    losses, hits = [0.0] * POINTS, [0] * POINTS
    for triple in sample:
        for at, (probability, hit) in enumerate(_grades(model, triple)):
            losses[at] -= math.log(probability)
            hits[at] += hit
    return [(loss / len(sample), hit / len(sample)) for loss, hit in zip(losses, hits, strict=True)]


def _triples(tokens: Sequence[int]) -> Iterator[Triple]:
    rows = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return (row for row in rows if BOUNDARY not in row)


def _thin(rows: Iterable[Triple]) -> list[Triple]:
    everything = list(rows)
    stride = max(1, len(everything) // _SAMPLE)
    return everything[::stride][:_SAMPLE]


def _grades(model: NgramModel, triple: Triple) -> Iterator[tuple[float, bool]]:
    """The probability of the third token after the first two, and whether it was the best guess."""
    first, second, third = triple
    alone = _growth(model, model.after(third))
    single = _growth(model, model.after(second))
    double = _growth(model, model.after_pair(second, third))
    followers = _followers(model, model.after_pair(first, second))
    size = len(model.words) + 1
    for at in range(POINTS):
        seen = len(model.stream) * (at + 1) / POINTS
        unigram = (alone[at] + 1) / (seen + size)
        bigram = (double[at] + 2 * unigram) / (single[at] + 2)
        counts = followers[at]
        trigram = (counts[third] + bigram) / (counts.total() + 1)
        yield min(trigram, 1.0), bool(counts) and counts.most_common(1)[0][0] == third


def _growth(model: NgramModel, places: range) -> list[float]:
    """How many of these places lie in the first tenth, the first two tenths, …"""
    looked_at = places[:: max(1, len(places) // _PLACES)]
    counts = [0.0] * POINTS
    for at in looked_at:
        counts[_tenth(model, model.index[at])] += len(places) / len(looked_at)
    for at in range(1, POINTS):
        counts[at] += counts[at - 1]
    return counts


def _followers(model: NgramModel, places: range) -> list[Counter[int]]:
    counts: list[Counter[int]] = [Counter() for _ in range(POINTS)]
    for at in places[:_PLACES]:
        place = model.index[at]
        counts[_tenth(model, place)][model.stream[place + 2]] += 1
    for at in range(1, POINTS):
        counts[at] += counts[at - 1]
    return counts


def _tenth(model: NgramModel, place: int) -> int:
    return place * POINTS // len(model.stream)
