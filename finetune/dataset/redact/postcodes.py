"""What postal addresses end in, in the countries that we know. What stands before is addresses.py's matter."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from finetune.dataset.redact.places import OLD_STATE_CODES, STATE_CODES, STATES, TWO_WORD_STATES

_TOWN = r"[A-ZÀ-ÖØ-Þ\u0100-\u017f][\w'\u2019&-]*"
WORD = rf"{_TOWN}\.?"
_ABBREVIATED = [*(rf"{code}\." for code in OLD_STATE_CODES), r"D\.C\.", r"N\.[YJCM]\."]
_IN_FULL = [*TWO_WORD_STATES, *STATES]
STATE = rf"(?:{'|'.join([*_IN_FULL, *STATE_CODES, *_ABBREVIATED])}|{'|'.join(_IN_FULL).upper()})"

_NUMBERS = re.compile(r"\d(?<![\w/.$£€-]\d)(?:\d\d \d{3}|\d{3,5}(?:-\d{4})?)(?![\w-]|[.,]\d| \d)")
_STATE_BEFORE = re.compile(rf"(?<!\w){STATE}(?:,\s|\s){{1,3}}$")
_AUSTRALIA_BEFORE = re.compile(
    r"(?<!\w)(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT|New South Wales|Victoria|Queensland|Western Australia"
    r"|South Australia|Tasmania|Australian Capital Territory|Northern Territory),?\s$"
)
_TOWN_BEFORE = re.compile(rf"{WORD},?\s*[\u2013-]?\s?$")
_TOWN_AFTER = re.compile(rf"(?: [A-Z][A-Z](?!\w))? {_TOWN}(?:[ -](?:am|an der|a\.d\.|{_TOWN}))?(?: \d\d?(?![\d/]))?")
_COUNTRY_CODE = re.compile(r"(?<!\w)[A-Z]{1,2}-$")
_STREET_BEFORE = re.compile(
    r"(?:\d ?[a-zA-Z]?(?:[-\u2013/]\d+)?"
    r"|\d(?: bis| ter)?,? (?:rue|avenue|boulevard|place|quai|cours|allée|chemin|impasse|[Vv]ia|[Cc]alle) [^,\n]{2,40})"
    r",?\s{1,2}$"
)
_LETTERED = re.compile(
    r"\d(?:[A-Z][A-Z]|[\dW] ?(?=\d{0,3}[A-Z])[\dAC-FHKNPRTV-Y]{4}|[A-Z] \d[A-Z]\d)(?!\w)"  # British, Irish, Canadian
)
_BRITISH_BEFORE = re.compile(r"(?<!\w)[A-Z][A-Z]?\d[A-Z\d]? $")
_LETTER_BEFORE = re.compile(r"(?<!\w)[A-Z]$")
_STATE_REACH = 24
_TOWN_REACH = 40
_STREET_REACH = 60


class Ending(NamedTuple):
    """`certain`: it shows by itself that an address ends here."""

    start: int
    end: int
    certain: bool


def find_endings(text: str) -> Iterator[Ending]:
    """Postcodes, with the state before them or the town after them, in no order."""
    for match in _NUMBERS.finditer(text):
        ending = _with_state(text, *match.span()) or _with_town(text, *match.span())
        if ending is not None:
            yield ending
    for match in _LETTERED.finditer(text):
        start, end = match.span()
        if end - start == 3:
            outward = _BRITISH_BEFORE.search(text, max(0, start - 5), start)
            if outward is not None:
                yield Ending(outward.start(), end, certain=True)
        elif _LETTER_BEFORE.search(text, max(0, start - 2), start):
            yield Ending(start - 1, end, certain=True)


def _with_state(text: str, start: int, end: int) -> Ending | None:
    before = {4: _AUSTRALIA_BEFORE, 5: _STATE_BEFORE, 10: _STATE_BEFORE}.get(end - start)
    state = before.search(text, max(0, start - _STATE_REACH), start) if before else None
    return Ending(state.start(), end, certain=True) if state else None


def _with_town(text: str, start: int, end: int) -> Ending | None:
    """Hyderabad 500034; 71088 Holzgerlingen."""
    if end - start > 5:
        is_number = text[start:end].replace(" ", "").isdigit()
        town = _TOWN_BEFORE.search(text, max(0, start - _TOWN_REACH), start) if is_number else None
        return Ending(start, end, certain=False) if town else None
    after = _TOWN_AFTER.match(text, end)
    if after is None:
        return None
    code = _COUNTRY_CODE.search(text, max(0, start - 3), start)
    start = code.start() if code else start
    street = _STREET_BEFORE.search(text, max(0, start - _STREET_REACH), start)
    return Ending(start, after.end(), certain=False) if street else None
