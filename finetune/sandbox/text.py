"""Words and back: text to tokens that carry their own spacing, and tokens to readable text.

A token keeps the blank before it (" party", ","), so joining tokens is exact and nothing has to be
guessed about punctuation. No model and no randomness here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(
    r" ?(?:"
    r"\[[^\[\]\s]{1,40}\]"  # a placeholder, [AMOUNT_1]
    r"|\d+(?:[.,:/-]\d+)*"
    r"|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
    r"|\S)"
)
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "no", "nos", "art", "sec", "cf", "st", "vs", "inc", "ltd", "co"})
_CLOSES = {")": "(", "]": "[", "}": "{", "”": "“"}
_OPENERS = frozenset(_CLOSES.values())
_HEADING_WORDS = 8


def tokenise(text: str) -> list[str]:
    """The tokens of a text whose white space counts as single blanks; the first one has a blank too."""
    return _TOKEN.findall(" " + " ".join(text.split())) if text.strip() else []


def join(tokens: Iterable[str]) -> str:
    return "".join(tokens).lstrip(" ")


def prose(text: str) -> str:
    """A text without its headings: a heading has no full stop, so a sentence would run on into it."""
    lines = [line for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not _is_heading(line)]
    return " ".join(kept or lines)


def _is_heading(line: str) -> bool:
    stripped = line.strip()
    return stripped[-1] not in ".,;:!?”\"')" and len(stripped.split()) <= _HEADING_WORDS


def is_terminator(token: str) -> bool:
    return token in {".", "!", "?"}


def opens_sentence(token: str) -> bool:
    """Whether this token may follow a full stop as a new sentence's first."""
    return len(token) > 1 and token[0] == " " and (token[1].isupper() or token[1] in '“"([')


def is_enumerator(token: str) -> bool:
    """Whether a full stop after this token belongs to it ("12.", "a.", "No.") and ends no sentence."""
    bare = token.strip().casefold()
    return len(bare) == 1 or bare[:1].isdigit() or bare in _ABBREVIATIONS


def tidy(text: str) -> str:
    """Readable text: unpaired quotes and brackets gone, no stray blanks, a capital in front."""
    drop = _unpaired(text)
    kept = "".join(char for at, char in enumerate(text) if at not in drop)
    spaced = re.sub(r" +([,.;:!?)\]}”])", r"\1", re.sub(r"\s+", " ", kept)).strip()
    return spaced[:1].upper() + spaced[1:]


def _unpaired(text: str) -> set[int]:
    """Where brackets and double quotes without a partner stand."""
    waiting: list[int] = []
    lost: set[int] = set()
    for at, char in enumerate(text):
        if char in _OPENERS:
            waiting.append(at)
        elif char in _CLOSES:
            if waiting and text[waiting[-1]] == _CLOSES[char]:
                waiting.pop()
            else:
                lost.add(at)
    lost.update(waiting)
    straight = [at for at, char in enumerate(text) if char == '"']
    if len(straight) % 2:
        lost.add(straight[-1])
    return lost
