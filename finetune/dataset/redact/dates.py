"""Calendar dates: a day and a month, a month and a year, or a whole date in figures. No years or months alone.

"The first day of October" without a year is no date: it comes round.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.numerals import ORDINALS, WORDS, to_number
from finetune.dataset.redact.placeholders import Found, Words
from finetune.dataset.redact.scanning import by_letter

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)} | {
    "mär": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "jui": 6, "aoû": 8, "déc": 12, "ene": 1, "abr": 4,
    "ago": 8, "dic": 12,
}  # fmt: skip
_LONG = "January February March April May June July August September October November December"
_OTHERS = "Januar Februar März Mai Juni Juli Oktober Dezember"
_FOREIGN = """
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
"""
_LOW = _FOREIGN.split()
_SHORT = r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?![a-z])\.?"
_LARGE = (
    f"{'|'.join(f'{name}(?![a-z])' for name in [*_LONG.split(), *_LONG.upper().split(), *_OTHERS.split()])}|{_SHORT}"
)
_MONTH = f"(?:{_LARGE}|{'|'.join(_LOW)})"
_LARGE_MONTH = re.compile(_LARGE)
_MONTH_START = by_letter([*(name[:3] for name in _LONG.split()), *_LONG.upper().split(), "Mär", "Mai", "Okt", "Dez"])
_LOW_WORDS = frozenset(_LOW)
_LOW_MONTH = re.compile("|".join(_LOW))
_YEAR = r"(?:(?:19|20)\d\d(?!\d)|['\u2019]\d\d(?!\d))"
_YEAR_IN_WORDS = rf"(?i:(?:nineteen|two thousand|twenty)(?:[ -](?:and )?{WORDS})?)(?: \({_YEAR}\))?"
_YEAR_WORDS = re.compile(_YEAR_IN_WORDS)
_IN_YEAR = rf"(?:,? (?:in the year )?(?:of |de )?(?:our Lord |A\.D\. )?(?:{_YEAR}|{_YEAR_IN_WORDS}))"
_ORDINAL = rf"(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True)).replace('-', '[- ]')})"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_ST = "(?:st|nd|rd|th|ST|ND|RD|TH)"
_RANGE = r"(?: ?[-\u2013] ?| to | and | or |/)"
_NAMED = re.compile(
    r"(?:(?<![\w/.$£€-])|(?<=[Mm]id-))(?:"
    rf"(?:{_DAY}{_ST}?{_RANGE})?{_DAY}(?:{_ST}|er|\.)? {{0,2}}(?:of |de )?{_MONTH}(?!\w)(?:{_IN_YEAR})?"
    rf"|(?:{_DAY}{_ST}?|(?i:{_ORDINAL})(?: \({_DAY}{_ST}?\))?) (?i:day)(?i: of)? {_MONTH}{_IN_YEAR}"
    rf"|(?i:{_ORDINAL}) of {_MONTH}{_IN_YEAR}"
    rf"|{_MONTH} {{1,2}}{_DAY}{_ST}?(?:{_RANGE}{_DAY}{_ST}?)?(?!\d|[.,:/]\d|%)(?:,? {{0,2}}{_YEAR})?"  # March 15, 2024
    rf"|{_MONTH},? (?:of )?{_YEAR}"  # March 2024
    rf"|{_DAY}([-/ ]){_MONTH}\1(?:\d{{4}}|\d\d)"  # 15-Mar-24
    r")(?!\w)"
)
_BEFORE_MONTH = 30
_AFTER_MONTH = 75

_FIGURES = re.compile(
    r"\d(?<![\w/.$£€-]\d)(?:"
    r"(?:(?<=1)9|(?<=2)0)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|\d?([-.])\d{1,2}\2(?:19|20)\d\d"
    r"|\d(-)\d\d-\d\d"  # 14-06-23, where it can be no sort code
    r"|\d?/\d{1,2}/(?:(?:19|20)\d\d|\d\d)"
    r")(?![\w/-]|\.\d)"
)
_NUMBER = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+(?:-[a-z]+)?")


def find_dates(text: str, words: Words) -> Iterator[Found]:
    """In order. The months are looked for first: most texts name none, and a month says where to look."""
    found = []
    end = 0
    for at, stop in _months(text, words):
        if at < end:
            continue
        match = _NAMED.search(text, max(end, at - _BEFORE_MONTH), min(len(text), stop + _AFTER_MONTH))
        if match is not None and match.start() <= at < match.end():
            end = match.end()
            found.append(Found(match.start(), end, "DATE", _key(match[0])))
    for match in _FIGURES.finditer(text):
        key = _key_of_figures([int(number) for number in _NUMBER.findall(match[0])], dashed=match[3] is not None)
        if key:
            found.append(Found(*match.span(), "DATE", key))
    return iter(sorted(found))


def _months(text: str, words: Words) -> list[tuple[int, int]]:
    starts = [match.start() for match in _MONTH_START.finditer(text)]
    months = [match.span() for at in starts if (match := _LARGE_MONTH.match(text, at))]
    if not _LOW_WORDS.isdisjoint(words):
        months = sorted(months + [match.span() for match in _LOW_MONTH.finditer(text)])
    return months


def _key(date: str) -> str:
    """Year, month and day, so that "15 March 2024" is "the fifteenth day of March, 2024"."""
    words = [word.lower() for word in _LETTERS.findall(date)]
    month = next(_MONTH_NUMBERS[word[:3]] for word in words if word[:3] in _MONTH_NUMBERS)
    numbers = [int(number) for number in _NUMBER.findall(date)]
    day = next((number for number in numbers[:1] if number < 32), 0) or next(
        (ORDINALS[word] for word in words if word in ORDINALS), 0
    )
    year = next((number for number in numbers[1 if day in numbers else 0 :]), 0) or _year_in_words(date)
    return _written(year, month, day)


def _year_in_words(date: str) -> int:
    match = _YEAR_WORDS.search(date)
    if match is None:
        return 0
    first, _, rest = match[0].lower().replace("-", " ").partition(" ")
    if first == "nineteen":
        return 1900 + to_number(rest.replace("hundred", ""))
    return to_number(match[0]) if "thousand" in rest else 2000 + to_number(rest)


def _key_of_figures(numbers: list[int], dashed: bool) -> str:
    """Empty if it can be no date. Which of two small numbers is the month is told by neither: they stay in order."""
    first, second, third = numbers
    if first > 31:
        return _written(first, second, third)
    if not (0 < first < 32 and 0 < second < 32 and min(first, second) < 13) or (dashed and not 0 < third < 50):
        return ""
    if first > 12:
        return _written(third, second, first)
    return _written(third, first, second) if second > 12 else f"{first}/{second}/{_century(third)}"


def _written(year: int, month: int, day: int) -> str:
    return f"{_century(year) if year else '-'}-{month}-{day}"


def _century(year: int) -> int:
    return year if year > 99 else year + (2000 if year < 50 else 1900)
