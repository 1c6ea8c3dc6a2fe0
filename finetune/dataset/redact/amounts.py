"""Sums of money, in figures, in words or in both at once. No percentages and no bare numbers."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.numerals import WORDS, to_number
from finetune.dataset.redact.placeholders import Found, Words, parted
from finetune.dataset.redact.scanning import around, by_letter

_CODES = "USD|GBP|EUR|AUD|CAD|CHF|JPY|SGD|HKD|NZD|AED|SEK|NOK|DKK|ZAR|PLN|CNY|RMB|INR|NGN|KES"
_SYMBOL = rf"(?:(?:(?:{_CODES}|US|U\.S\.|AU|A|CA|C|NZ|HK|S|R) ?)?[$£€₹¥₦]|Rs\.?|(?:{_CODES})(?![A-Za-z]))"
_SCALE = r"(?:[ -]?(?:hundred|thousand|million|billion|trillion|lakhs?|crores?|mn|bn|Mio|[mMkK]|MM)\b)"
_FIGURE = (
    rf"(?:\d{{1,3}}(?:[., '\u00a0]\d{{2,3}}(?!\d))+(?:[.,]\d{{1,4}}(?!\d))?|\d+(?:[.,]\d+)?"
    rf"|\.\d+)(?:[.,][-\u2013—]{{1,2}}(?![\w-]))?(?:{_SCALE}){{0,2}}"
)
_UNIT = (
    r"(?:(?:US|U\.S\.|U\. S\.|United States|Australian|Canadian|Hong Kong|Singapore|New Zealand|Indian|Swiss) )?"
    r"(?:[Dd]ollars?|DOLLARS?|[Ee]uros?|EUROS?|EURO?|[Pp]ounds?(?! (?:per|of|weight|pressure|each))|POUNDS?"
    r"|[Rr]upees?|RUPEES?"
    r"|[Ff]rancs?|[Yy]en|[Cc]ents?(?! in )|CENTS?|[Pp]ence|[Pp]aise|[Kk]ronor|[Kk]roner|[Nn]aira|[Rr]and"
    r"|[Dd]irhams?)\b(?: [Ss]terling\b| STERLING\b)?"
)
_SIGN = re.compile("[$£€₹¥₦]")
_CODE = by_letter([*_CODES.split("|"), "Rs"])
_UNIT_NAMES = """
    dollar dollars euro euros pound pounds rupee rupees cent cents pence franc francs yen
    krona kronor krone kroner naira rand dirham dirhams paise
"""
_UNIT_WORDS = frozenset(form for name in _UNIT_NAMES.split() for form in (name, name.capitalize(), name.upper()))
_MONEY_CODES = frozenset((*_CODES.split("|"), "Rs"))
_SIGN_IN_BRACKETS = re.compile(rf"\({_SYMBOL}")
_WRITTEN_REACH = 150, 90
_FIGURES_REACH = 40, 60

_MONEY = rf"(?:{_SYMBOL} ?{_FIGURE}(?: (?:{_CODES})\b)?|{_FIGURE} ?(?:{_UNIT}|(?:{_CODES})\b|[$£€₹](?! ?\d)))"
_CENTS = r"(?:,? and (?:\w{1,3}/100(?:ths)?|(?i:WORDS) (?:[Cc]ents?|CENTS?|[Pp]ence|[Pp]aise)))".replace("WORDS", WORDS)
_IN_BRACKETS = rf"(?: ?\((?:{_MONEY}|{_FIGURE})(?:/-)?\))"
_FIGURES = re.compile(
    rf"(?<![\w.,$£€₹¥])(?:{_MONEY})(?:/-)?(?: ?\((?:[Rr]upees |RUPEES "
    rf"|[Uu][Ss] )?(?i:{WORDS})(?:{_CENTS})?(?: {_UNIT})?(?:{_CENTS})?(?: [Oo]nly)?\))?(?![\w%])"
)
_WRITTEN = re.compile(
    rf"(?<![\w-])(?:(?:[Rr]upees|RUPEES) (?i:{WORDS})(?:{_CENTS})?(?: [Oo]nly\b| ONLY\b)?{_IN_BRACKETS}?"
    rf"|(?i:{WORDS})(?:{_CENTS})?(?: {_UNIT}(?:{_CENTS})?(?: [Oo]nly\b| ONLY\b)?{_IN_BRACKETS}?"
    rf"| ?\({_SYMBOL} ?{_FIGURE}(?:/-)?\)(?: {_UNIT})?))(?!\w)"
)

_NUMERAL = re.compile(r"\d[\d., '\u00a0]*|\.\d+")
_FACTORS = {
    "k": 3, "thousand": 3, "m": 6, "mm": 6, "mn": 6, "mio": 6, "million": 6, "b": 9, "bn": 9, "billion": 9,
    "trillion": 12, "hundred": 2, "lakh": 5, "lakhs": 5, "crore": 7, "crores": 7,
}  # fmt: skip
_FACTOR = re.compile(
    r"[ -]?(hundred|thousand|million|billion|trillion|lakhs?|crores?|mn|bn|mio|mm|m|k)\b", re.IGNORECASE
)
_CURRENCIES = (
    ("£", re.compile(r"£|GBP|[Pp]ound|POUND")),
    ("€", re.compile(r"€|EUR|[Ee]uro")),
    ("₹", re.compile(r"₹|INR|Rs|[Rr]upee|RUPEE|[Pp]aise")),
    ("AUD", re.compile(r"AU?\$|AUD|Austral")),
    ("CAD", re.compile(r"CA?\$|CAD|Canad")),
    ("$", re.compile(r"\$|USD|[Dd]ollar|DOLLAR")),
    ("cent", re.compile(r"[Cc]ent|CENT")),
)


def find_amounts(text: str, words: Words) -> Iterator[Found]:
    """In order; words and figures for the same sum are one."""
    units = [match.span() for word in _UNIT_WORDS & words for match in re.finditer(word, text)]
    yield from parted([*_written(text, units), *_in_figures(text, words, units)])


def _written(text: str, units: list[tuple[int, int]]) -> Iterator[Found]:
    """Around a currency's name, or a sign in brackets: "two hundred thousand ($200,000)"."""
    spans = sorted([*units, *(match.span() for match in _SIGN_IN_BRACKETS.finditer(text))])
    for low, high in around(spans, *_WRITTEN_REACH):
        for match in _WRITTEN.finditer(text, low, high):
            yield Found(*match.span(), "AMOUNT", _key(match[0]))


def _in_figures(text: str, words: Words, units: list[tuple[int, int]]) -> Iterator[Found]:
    spans = [*units, *(match.span() for match in _SIGN.finditer(text))]
    if not _MONEY_CODES.isdisjoint(words):
        spans += [match.span() for match in _CODE.finditer(text)]
    for low, high in around(sorted(spans), *_FIGURES_REACH):
        for match in _FIGURES.finditer(text, low, high):
            yield Found(*match.span(), "AMOUNT", _key(match[0]))


def _key(amount: str) -> str:
    """Currency and value, so that "$200,000.00" is "two hundred thousand dollars"."""
    currency = next((name for name, pattern in _CURRENCIES if pattern.search(amount)), "")
    numeral = _NUMERAL.search(amount)
    if numeral is None or "/100" in amount[numeral.end() : numeral.end() + 4]:
        return f"{currency}{to_number(amount)}"
    value = _plain(numeral[0].strip(" ,'\u00a0").rstrip("."))
    factor = _FACTOR.match(amount, numeral.end() - (len(numeral[0]) - len(numeral[0].rstrip())))
    power = _FACTORS[factor[1].lower()] if factor else 0
    return f"{currency}{_shifted(value, power)}"


def _plain(numeral: str) -> str:
    """1.234,50 and 1,234.50 → 1234.50"""
    cut = max(numeral.rfind("."), numeral.rfind(","))
    grouped = cut > 0 and len(numeral) - cut == 4
    whole, part = (numeral[:cut], numeral[cut + 1 :]) if cut >= 0 and not grouped else (numeral, "")
    digits = "".join(filter(str.isdigit, whole)) or "0"
    return f"{digits}.{part}".rstrip("0").rstrip(".") if part else digits


def _shifted(value: str, power: int) -> str:
    whole, _, part = value.partition(".")
    part = part.ljust(power, "0")
    return f"{whole}{part[:power]}.{part[power:]}".lstrip("0").rstrip("0" if part[power:] else "").rstrip(".")
