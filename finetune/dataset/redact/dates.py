"""Calendar dates: a day and a month at least, or a whole date in figures. No years alone, no months alone."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.numerals import ORDINALS, WORDS, to_number
from finetune.dataset.redact.placeholders import Found

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|JANUARY|FEBRUARY|MARCH|APRIL|MAY|JUNE|JULY|AUGUST|SEPTEMBER|OCTOBER|NOVEMBER|DECEMBER"
    r"|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|janvier|février|mars|avril|mai|juin|juillet|août|septembre"
    r"|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?![a-z])\.?)"
)
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)} | {
    "mär": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "jui": 6, "aoû": 8, "déc": 12, "ene": 1, "abr": 4,
    "ago": 8, "dic": 12,
}  # fmt: skip
_HINTS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    "Mär", "Mai", "Okt", "Dez", "anvier", "évrier", "mars", "avril", "mai ", "jui", "août", "bre ", "nero", "ebrero", "arzo",
    "abril", "mayo", "junio", "julio", "agosto",
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_YEAR = r"(?:(?:19|20)\d\d(?!\d)|['’]\d\d(?!\d))"
_YEAR_IN_WORDS = rf"(?i:(?:nineteen|two thousand|twenty)(?:[ -](?:and )?{WORDS})?)(?: \({_YEAR}\))?"
_IN_YEAR = rf"(?:,? (?:in the year )?(?:of )?(?:our Lord )?(?:{_YEAR}|{_YEAR_IN_WORDS}))"
_ORDINAL = rf"(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True)).replace('-', '[- ]')})"
_YEAR_WORDS = re.compile(_YEAR_IN_WORDS)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"

_ST = "(?:st|nd|rd|th|ST|ND|RD|TH)"

_NAMED = re.compile(
    r"(?<![\w/.$£€-])(?:"
    rf"{_DAY}(?:{_ST}|\.)? {{0,2}}(?:of )?{_MONTH}(?!\w)(?:{_IN_YEAR})?"  # 15 March 2024, 15th of March
    rf"|(?:{_DAY}{_ST}?|(?i:{_ORDINAL})(?: \({_DAY}{_ST}?\))?) (?i:day)(?i: of)? {_MONTH}{_IN_YEAR}"
    rf"|(?i:{_ORDINAL}) of {_MONTH}{_IN_YEAR}"
    rf"|{_MONTH} {{1,2}}{_DAY}{_ST}?(?!\d|[.,:/]\d|%)(?:,? {{0,2}}{_YEAR})?"  # March 15, 2024
    rf"|{_MONTH},? (?:of )?{_YEAR}"  # March 2024
    rf"|{_DAY}([-/]){_MONTH}\1(?:\d{{4}}|\d\d)"  # 15-Mar-24
    r")(?!\w)"
)
_FIGURES = re.compile(
    r"(?<![\w/.$£€-])(?:"
    r"(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|\d{1,2}([-.])\d{1,2}\2(?:19|20)\d\d"
    r"|\d{1,2}/\d{1,2}/(?:(?:19|20)\d\d|\d\d)"
    r")(?![\w/-]|\.\d)"
)
_NUMBER = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+(?:-[a-z]+)?")


def find_dates(text: str) -> Iterator[Found]:
    found = []
    if any(hint in text for hint in _HINTS):
        found = [Found(*match.span(), "DATE", _key(match[0])) for match in _NAMED.finditer(text)]
    for match in _FIGURES.finditer(text):
        key = _key_of_figures([int(number) for number in _NUMBER.findall(match[0])])
        if key:
            found.append(Found(*match.span(), "DATE", key))
    return iter(sorted(found))


def _key(date: str) -> str:
    """Year, month and day, so that "15 March 2024" is "the fifteenth day of March, 2024"."""
    words = [word.lower() for word in _LETTERS.findall(date)]
    month = next(_MONTH_NUMBERS[word[:3]] for word in words if word[:3] in _MONTH_NUMBERS)
    numbers = [int(number) for number in _NUMBER.findall(date)]
    day = next((number for number in numbers if number < 32), 0) or next(
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


def _key_of_figures(numbers: list[int]) -> str:
    """Empty if it can be no date. Which of two small numbers is the month is told by neither: they stay in order."""
    first, second, third = numbers
    if first > 31:
        return _written(first, second, third)
    if not (0 < first < 32 and 0 < second < 32 and min(first, second) < 13):
        return ""
    if first > 12:
        return _written(third, second, first)
    return _written(third, first, second) if second > 12 else f"{first}/{second}/{_century(third)}"


def _written(year: int, month: int, day: int) -> str:
    return f"{_century(year) if year else '-'}-{month}-{day}"


def _century(year: int) -> int:
    return year if year > 99 else year + (2000 if year < 50 else 1900)
