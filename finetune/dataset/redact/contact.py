"""E-mail addresses and telephone numbers. No postal addresses."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Found, Words, stretch

_EMAIL = re.compile(r"[\w.+'\u2019&-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_PHONE_FORM = re.compile(
    r"(?<![\w.,/$£€-])(?<!\d )(?:"
    r"\+\d{1,3}(?:[\s.-]?\(0?\d{0,4}\))?[\s.-]?\d{1,5}(?:[\s.-]?\d{2,5}){1,5}"  # +44 (0)20 7946 0958
    r"|00\d{2}[\s-]\d{1,4}(?:[\s-]\d{2,5}){1,4}"
    r"|(?:1[\s.-])?\(\d{3}\)\s?\d{3}[\s.-]\d{4}"  # (212) 555-0123
    r"|(?:1[.-])?\d{3}([.-])\d{3}\1\d{4}|\d{3}/\d{3}-\d{4}"
    r"|1[\s-]?[38]00[\s-]\d{3}[\s-]\d{3,4}"  # 1800 555 012
    r"|\(?0[1-9]\d{0,3}\)?[\s-]\d{3,4}[\s-]?\d{3,4}"  # 020 7946 0958
    r"|0[1-9]\d{0,3}(?:[\s-]\d{2,4}){2,4}"
    r"|[6-9]\d{4} \d{5}"  # a mobile in India
    r")(?:\s?(?:x|ext\.?|[Ee]xtension)\s?\d{1,6})?(?![\w-]| \d)"
)
_PHONE_WORD = re.compile(
    r"\b(?:(?i:tel(?:ephone|efax)?|phone|fax|facsimile|mobile|telecop(?:y|ier))|[Cc]ell|[Ee]xt)\b\.?"
    r"(?:[ -]?(?:[Nn]umber|[Nn]o\.?|line))?(?: \([\w ]+\))?[\s:.#]{1,3}(?P<value>[+(]?\d[\d ().-]{4,20}\d)(?![\w-])"
    r"|\b(?:[Tt]elephone|[Rr]ing|[Cc]all(?:ing)?|[Tt]ext|[Pp]hone|[Dd]ial|[Cc]ontact"
    r"|WhatsApp)\b[^.;\n]{0,40}? (?:on|at) "
    r"(?P<number>[+(]?\d[\d ().-]{5,18}\d)(?![\w-])"
)
_OTHER_NUMBER = re.compile(
    r"(?i:\b(?:nos?|numbers?|ref|refs|reference|tag|code|id|file|case|order|title|docket|serial|item|duns|isin|imo"
    r"|passport|certificate)\b|#)"
    r"[.:]?\s?\(?$"
)
_REACH = 20
_DATE = re.compile(r"\d\d?([-. /])\d\d?\1(?:19|20)\d\d|(?:19|20)\d\d([-. ])\d\d?\2\d\d?")
_DIGITS = range(6, 17)


def find_emails(text: str, _: Words) -> Iterator[Found]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            start = match.start() + len(match[0]) - len(match[0].lstrip(".'\u2019&-"))
            yield Found(start, match.end(), "EMAIL", match[0].lower())


def phones_in(text: str, low: int, high: int) -> Iterator[Found]:
    """In no order; the same one may be found twice."""
    for match in _PHONE_FORM.finditer(text, low, high):
        if _is_phone(match[0]) and not _OTHER_NUMBER.search(text, max(0, match.start() - _REACH), match.start()):
            yield stretch(match, "PHONE")
    for match in _PHONE_WORD.finditer(text, low, high):
        group = "value" if match["value"] else "number"
        if _is_phone(match[group]):
            yield stretch(match, "PHONE", group)


def _is_phone(text: str) -> bool:
    return sum(map(str.isdigit, text)) in _DIGITS and _DATE.fullmatch(text) is None
