"""A text → its MinHash signature: two texts' signatures agree in about the part of places that their Jaccard
similarity is. No comparing, and nothing that is kept; see clusters.py.

Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.3; that 16 bits of each minimum do is b-bit
MinHash (Li, König, CACM 54(8), 2011).
"""

import re
from hashlib import shake_256
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Signature = NDArray[np.uint16]

PLACES = 126
"""Of a signature. The standard error of a similarity of 0.8 is then 0.036; see clusters.py for the number."""

WORDS_PER_SHINGLE = 3

_NUMBERED = re.compile(r"(\[[A-Z_]{2,20})_\d{1,9}\]")
_NOT_WORD = re.compile(r"\W+")
_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d\u2013\u2014\u2022\u2026§"
_ASCII_WORDS = bytes(byte if byte == ord("_") or chr(byte).isalnum() else ord(" ") for byte in range(128)) + bytes(128)

# Fixed for good, on every machine and with every numpy: what is written hangs on them.
_RANDOM = np.frombuffer(shake_256(b"housestyle").digest(4 * (2 * PLACES + WORDS_PER_SHINGLE + 2)), "<u4")
_ODD, _ANY = (_RANDOM | 1).astype(np.uint32), _RANDOM.astype(np.uint32)
_FACTORS, _SHIFTS = _ODD[:PLACES, None], _ANY[PLACES : 2 * PLACES, None]
_POSITIONS = _ODD[2 * PLACES : 2 * PLACES + WORDS_PER_SHINGLE]
_MIX, _FOLD = _ODD[-2:]


def bare_words(text: str) -> str:
    """The words alone, in lower case, with placeholders that do not tell which: `[PERSON_3]` → `person`."""
    text = (_NUMBERED.sub(r"\1", text) if "_" in text else text).lower()
    if not text.isascii():
        for mark in _TYPOGRAPHIC:
            text = text.replace(mark, " ")
    if text.isascii():  # the same, twenty times as fast
        return b" ".join(text.encode().translate(_ASCII_WORDS).split()).decode()
    return _NOT_WORD.sub(" ", text).strip()


def signature(words: str) -> Signature:
    """Of a text's `bare_words`."""
    shingles = _shingles(np.fromiter(map(crc32, words.encode().split() or [b""]), np.uint32))
    hashes: NDArray[np.uint32] = shingles * _FACTORS + _SHIFTS
    minima: NDArray[np.uint32] = hashes.min(axis=1) * _FOLD
    return (minima >> np.uint32(16)).astype(np.uint16)  # the high bits hang on all bits of the minimum


def _shingles(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Runs of neighbouring words as well-mixed numbers; a text shorter than a run is one."""
    number = max(1, len(words) - WORDS_PER_SHINGLE + 1)
    mixed = np.zeros(number, np.uint32)
    for factor, part in zip(_POSITIONS, (words[place : place + number] for place in range(len(words))), strict=False):
        mixed += part * factor
        mixed ^= mixed >> np.uint32(15)
    mixed *= _MIX
    return mixed ^ (mixed >> np.uint32(13))
