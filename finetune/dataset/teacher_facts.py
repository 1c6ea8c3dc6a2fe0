"""What a text says that no other wording of it may lose or add: numbers, dates, placeholders, defined terms.

Text in, sets out. Finds too much rather than too little: what is asked for in vain costs one pair, what is lost
teaches a model to make facts up. Which of two texts is at fault is teacher_checks.py's matter.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from finetune.dataset.redact import PLACEHOLDER
from finetune.dataset.sentences import SMALL_WORDS

MAX_KEPT = 80

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: value for value, word in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}

_HINTS = {"one": 1, "once": 1, "single": 1, "twice": 2, "both": 2, "either": 2, "neither": 2, "pair": 2, "dozen": 12}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_HINTS |= {word: value for value, word in enumerate(_ORDINALS.split(), start=1)}

_WORDS = "|".join(sorted([*_VALUES, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(rf"\b(?:{_WORDS})(?:(?:[ -]| and )(?:{_WORDS}))*\b")
_FIGURE = re.compile(rf"(\d+(?:[.,]\d+)*)(?: ({'|'.join(_SCALES)})\b)?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MAX_SPELLED = 16
_HINT = re.compile(rf"\b(?:{'|'.join(_HINTS)})\b")
_LIST_NUMBER = re.compile(r"^[^\S\n]*\(?\d{1,3}[.)](?=\s)", re.MULTILINE)

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATED = re.compile(rf"(?:\d(?:st|nd|rd|th)?,? |\bof )({_MONTH})\b|\b({_MONTH})(?=,? \d)")
_ANY_MONTH = re.compile(rf"\b(?:{_MONTH})\b")

_QUOTED = re.compile(r"[\"“]([^\W\d_][^\"“”\n]{1,60}?)[,.]?[\"”]")
_NAME = r"[A-ZÀ-ÖØ-Þ][\w&'\u2019-]*"
_CAPITALISED = re.compile(rf"(?<=[a-z,;)\]\"”] ){_NAME}(?: (?:(?:of|for|the|de|&) )?{_NAME})*")
_SHOUTED = re.compile(r"\b[A-Z]{2,}(?:,? [A-Z]{2,})+\b")
_MAX_ACRONYM = 6
_PRONOUNS = frozenset(["i", "we", "us", "our", "ours", "you", "your", "yours"])
_NO_TERMS = SMALL_WORDS | _PRONOUNS

_POSSESSIVE = re.compile(r"['\u2019]s\b|['\u2019](?!\w)")
_WORD = re.compile(r"\w+")


def numbers(text: str) -> frozenset[str]:
    """Each in one form, however it is written: `5 million`, `5,000,000` and `five million` are `5000000`.

    Without the word `one`, which is seldom a number, and without those that stand in placeholders.
    """
    bare = PLACEHOLDER.sub("", text)
    figures = (_figure(match[1], match[2]) for match in _FIGURE.finditer(bare))
    return frozenset(figures) | frozenset(_spelled(bare.lower()))


def hinted_numbers(text: str) -> frozenset[str]:
    """What numbers another wording might have instead: `first`, `both`, `one`."""
    return frozenset(str(_HINTS[match[0]]) for match in _HINT.finditer(text.lower()))


def without_list_numbers(text: str) -> str:
    """Its lines without `1.` and `(2)` before them, which somebody who makes a list adds."""
    return _LIST_NUMBER.sub("", text)


def months(text: str) -> frozenset[str]:
    """Those that stand in a date: `may` seldom does."""
    return frozenset(match[1] or match[2] for match in _DATED.finditer(text))


def named_months(text: str) -> frozenset[str]:
    """Those that are named at all."""
    return frozenset(_ANY_MONTH.findall(text))


def terms(text: str) -> list[str]:
    """What is quoted, or has a capital where no sentence begins, in the order in which it stands."""
    found = [term for term in _QUOTED.findall(text) if term.lower() not in _PRONOUNS]
    for line in text.split("\n"):
        if not line.isupper():
            found.extend(_capitalised(_SHOUTED.sub(lambda match: match[0].lower(), line)))
    return list(dict.fromkeys(found))


def missing_terms(wanted: list[str], text: str) -> list[str]:
    """Those that `text` does not have: case, plural and possessive aside."""
    folded = _folded(text)
    return [term for term in wanted if _folded(term) not in folded]


def kept(text: str) -> list[str]:
    """As it is written, what is to be written so again: for somebody who is asked to."""
    found = [match[0] for match in PLACEHOLDER.finditer(text)] + terms(text)
    bare = PLACEHOLDER.sub("", text)
    found += [match[0] for match in _FIGURE.finditer(bare)]
    found += [match[0] for match in _SPELLED.finditer(bare.lower()) if match[0] != "one"]
    return list(dict.fromkeys(found))[:MAX_KEPT]


def _figure(digits: str, scale: str | None) -> str:
    if _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    if scale is not None and digits.count(".") <= 1 and "," not in digits:
        return _plain(Decimal(digits) * _SCALES[scale])
    return digits.lstrip("0") or "0"


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _spelled(text: str) -> Iterator[str]:
    for match in _SPELLED.finditer(text):
        total = part = 0
        for word in _WORD.findall(match[0])[:_MAX_SPELLED]:
            if word == "hundred":
                part *= 100
            elif word in _SCALES:
                total, part = total + part * _SCALES[word], 0
            else:
                part += _VALUES.get(word, 0)
        if total + part and match[0] != "one":
            yield str(total + part)


def _capitalised(line: str) -> Iterator[str]:
    for match in _CAPITALISED.finditer(line):
        words = match[0].split(" ")
        while words and words[0].lower() in _NO_TERMS:
            del words[0]
        while words and words[-1].lower() in _NO_TERMS:
            del words[-1]
        term = " ".join(words)
        if term and not (term.isupper() and len(term) > _MAX_ACRONYM):
            yield _POSSESSIVE.sub("", term)


def _folded(text: str) -> str:
    return f" {' '.join(map(_singular, _WORD.findall(_POSSESSIVE.sub('', text.lower()))))} "


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
