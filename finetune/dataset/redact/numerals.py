"""Numbers in words: a pattern for them, and what they come to. Knows of no currency and no calendar."""

import re

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth
    twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first
"""
_VALUES = {word: value for value, word in enumerate(_UNITS.split())} | {
    word: 20 + 10 * value for value, word in enumerate(_TENS.split())
}
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "lakh": 100_000,
    "million": 1_000_000,
    "crore": 10_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}

WORD = rf"(?:{'|'.join(sorted([*_VALUES, *(scale + 's?' for scale in _SCALES)], key=len, reverse=True))})"
WORDS = rf"{WORD}(?:(?:[ ,]{{1,2}}|-)(?:and )?{WORD}){{0,14}}"
"""To be compiled with IGNORECASE."""

ORDINALS = {word: value for value, word in enumerate(_ORDINALS.split(), start=1)}
_PARTS = re.compile(r"[a-z]+")


def to_number(words: str) -> int:
    """Two hundred and fifty thousand → 250000. What is no number counts for nothing."""
    total = part = 0
    for word in _PARTS.findall(words.lower()):
        if word in _VALUES:
            part += _VALUES[word]
            continue
        scale = _SCALES.get(word.removesuffix("s"))
        if scale == 100:
            part = (part or 1) * 100
        elif scale is not None:
            total += (part or 1) * scale
            part = 0
    return total + part
