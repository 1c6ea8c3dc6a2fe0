"""How much of a text is written in a firm's own words. Counting only.

A word is the firm's own if the firm uses it at least `_RATIO` times as often as the reference does, and more than
once in a while. Smoothed relative frequencies; names and numbers count like other words.
"""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")  # noqa: RUF001 - the apostrophe that printed text has
_RATIO = 4.0
_LEAST = 4


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return _WORD.findall(text.lower())


def distinctive(firm: Iterable[str], reference: Iterable[str]) -> frozenset[str]:
    """The words that set the firm's texts apart from the reference's."""
    own = Counter(word for text in firm for word in words(text))
    other = Counter(word for text in reference for word in words(text))
    own_total, other_total = sum(own.values()) + len(own), sum(other.values()) + len(other)
    return frozenset(
        word
        for word, count in own.items()
        if count >= _LEAST and (count / own_total) / ((other[word] + 1) / max(other_total, 1)) >= _RATIO
    )


def share(text: str, vocabulary: frozenset[str]) -> float:
    """The part of a text's words, 0 to 1, that are in the vocabulary."""
    found = words(text)
    return sum(word in vocabulary for word in found) / len(found) if found else 0.0
