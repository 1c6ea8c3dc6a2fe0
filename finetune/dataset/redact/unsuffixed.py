"""Companies that are known without a suffix: Bank of X, X & Y, trading as X. Those with one are companies.py's."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Words
from finetune.dataset.redact.places import PLACES
from finetune.dataset.redact.terms import GENERIC

_BANK_OF = re.compile(
    r"(?:Bank of|BANK OF|University of|UNIVERSITY OF|College of) (?:the )?"
    r"(?P<first>[A-Z][\w'\u2019-]*)(?: [A-Z][\w'\u2019-]*(?! (?:Inc|plc)))?"
)
_BANK_WORDS = frozenset({"Bank", "BANK", "University", "UNIVERSITY", "College"})
_AUTHORITY = re.compile(r"(?:Central|Reserve|Federal|National|European|CENTRAL|RESERVE) $")
_AUTHORITY_REACH = 10

_PAIR = re.compile(
    r"(?P<names>[A-Z][\w'\u2019-]+(?:, [A-Z][\w'\u2019-]+)*) & (?P<last>[A-Z][\w'\u2019-]+)(?![\w'\u2019-]| &)"
)
_PAIRED_WORDS = """
    acquisitions answers arts bath beauty beverage body breakfast conditioning cooling crafts development doors
    engineering exploited fitness floor food furniture garden gas heating home machinery missing oil plumbing
    questions recreation roof safety sanitation science sciences tear technology tourism travel ventilation wear
    windows
"""
_PAIRED = frozenset(_PAIRED_WORDS.split())

_TRADING = re.compile(
    r"(?:[Tt]rading (?:as|under the (?:name|style)(?: of)?)|\bt/a|\bd/b/a|\bf/k/a|[Dd]oing business as"
    r"|[Ff]ormerly known as),? [\"“]?"
    r"(?P<name>(?:The |the (?=[A-Z]))?[A-Z][\w'\u2019&-]*(?: (?:[A-Z&][\w'\u2019&-]*|of|and|the))*)"
)
_TRADING_WORDS = frozenset({"Trading", "trading", "Doing", "doing", "Formerly", "formerly"})
_TRADING_SIGNS = ("t/a", "d/b/a", "f/k/a")

_KIND_AFTER = re.compile(
    r"(?P<name>[A-Z][\w'\u2019&-]*(?: (?:[A-Z&][\w'\u2019&-]*|of|and)){1,5})"
    r"(?=,? \(?an? (?:[A-Z]\w+ ){0,2}(?:limited |general |public |private |non-?profit |statutory |professional "
    r"|closed |national )*"
    r"(?:partnership|corporation|company|liability company|association|cooperative|banking)\b(?! director| secretary))"
)
_KIND_WORDS = frozenset({"partnership", "corporation", "company", "association", "cooperative", "banking"})


def unsuffixed(text: str, words: Words) -> Iterator[tuple[int, int]]:
    """Starts and ends, in no order."""
    if not _BANK_WORDS.isdisjoint(words):
        yield from (match.span() for match in _BANK_OF.finditer(text) if _is_bank(text, match))
    if " & " in text:
        yield from (match.span() for match in _PAIR.finditer(text) if _is_pair(match))
    if not _KIND_WORDS.isdisjoint(words):
        yield from (match.span("name") for match in _KIND_AFTER.finditer(text) if _is_name(match["name"]))
    if not _TRADING_WORDS.isdisjoint(words) or any(map(text.__contains__, _TRADING_SIGNS)):
        yield from (match.span("name") for match in _TRADING.finditer(text))


def _is_bank(text: str, match: re.Match[str]) -> bool:
    """The Central Bank of Ireland is an authority."""
    start = match.start()
    if match["first"].lower() in GENERIC:
        return False
    return _AUTHORITY.search(text, max(0, start - _AUTHORITY_REACH), start) is None


def _is_name(words: str) -> bool:
    """Wozniak Farms; not Operating Partnership, and no name that a role or an article leads."""
    first, *_ = known = [word.lower() for word in words.split(" ")]
    return first not in GENERIC and any(word not in GENERIC and word not in PLACES for word in known)


def _is_pair(match: re.Match[str]) -> bool:
    """Foley & Rossi; not Floor & Roof, which are no names."""
    names = [*match["names"].split(", "), match["last"]]
    return not any(name.isupper() or name.lower() in GENERIC or name.lower() in _PAIRED for name in names)
