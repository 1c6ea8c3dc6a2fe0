"""Postal addresses, from the house's name or number to the town or the postcode; the country stays outside.

Most are read backwards from what ends them: postcodes have forms, and streets are called anything. The rest have a
number and a word for a street. Finds no places by themselves.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from finetune.dataset.redact.placeholders import Found, Words
from finetune.dataset.redact.places import CITIES, COUNTRIES
from finetune.dataset.redact.postcodes import STATE, WORD, Ending, find_endings
from finetune.dataset.redact.terms import FUNCTION_WORDS, GENERIC

_STREET_WORDS = (
    "Street|Str|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Parkway|Pkwy|Square|Sq"
    "|Terrace"
    "|Highway|Hwy|Circle|Cir|Close|Crescent|Row|Quay|Wharf|Walk|Mews|Gardens|Grove|Green|Plaza|Embankment|Esplanade"
    "|Parade"
    "|Turnpike|Pike|Trail|Loop|Alley|Marg|Nagar|Salai|Broadway|Freeway|Expressway|Yard|Rise|Passage|Hill"
)
_STREET = rf"(?:(?:{_STREET_WORDS}|{_STREET_WORDS.upper()})\b\.?)"
_BUILDING_WORDS = (
    "House|Building|Towers?|Court|Mill|Hall|Lodge|Cottage|Farm|Barn|Chambers|Centre|Center|Works|Mansions|Villa"
    "|Rectory|Manor|Point|Exchange"
    "|Arcade|Estate|Park|Suite|Ste|Unit|Apt|Apartment|Flat|Level|Floor|Room|Block|Plot|Shop|Wing|Office|Door|Survey"
    "|Site|Complex|Vicarage|Grange"
)
_BUILDING_WORD = re.compile(rf"\b(?:{_BUILDING_WORDS})\b|^[A-Z]?[-/]?\d[\w/-]*$|^#|^No\. ?\d")
_STREET_WORD = re.compile(
    rf"\b{_STREET}|(?:straße|strasse|str\.|gasse|weg|platz|allee|laan|straat|gracht|gatan|gade|vej)\b|\b(?:[Rr]ue"
    rf"|[Vv]ia|[Cc]alle|[Rr]ua|[Pp]iazza|[Aa]venida) "
)
_COMPASS = r"(?:N\.?[EW]?\.?|S\.?[EW]?\.?|E\.?|W\.?|North|South|East|West|Upper|Lower)"
_UNIT = (
    r"(?:(?:Suite|SUITE|Ste\.?|Unit|Apt\.?|Apartment|Flat|Level|Room|Building|Bldg\.?|Block|Floor|Fl\.?|Plot|Shop"
    r"|Door|House|Survey|Sector|Phase)(?: No\.)? ?#?[\w-]{1,6}|\w+ [Ff]loor|#\d[\w-]*)"
)

_STREET_ONLY = re.compile(
    rf"\d(?<![\w/.$£€#-]\d)\d{{0,4}}[A-Za-z]?(?:[-\u2013/]\d+[A-Za-z]?)?,? (?:(?:{WORD}|\d+(?:st|nd|rd"
    rf"|th)) ){{1,4}}?{_STREET}(?: {_COMPASS}(?![\w.]))?"
    rf"(?:,? {_UNIT})*(?:,\s(?P<town>{WORD}(?: {WORD})?)(?: \d\d?(?!\d|[.,]\d)| \d{{4}}(?!\d))?(?:, (?:Co\.?"
    rf"|County) [A-Z]\w+)?)?(?:(?<=[a-z]),? (?P<state>{STATE})(?![\w]))?"
)
_BOX = re.compile(
    rf"(?:P\. ?O\. ?|PO |P\.O |GPO |Post Office )(?:Box|BOX"
    rf"|Drawer) [\d-]+(?:,\s{WORD}(?: {WORD})?(?: \d\d?(?!\d))?)?(?:,\s{WORD}(?: {WORD})?(?=[.,;\n]|$))?"
)
_BOX_WORDS = frozenset({"Box", "BOX", "Drawer"})
_BACK = 170
_MAX_PIECES = 8
_PARTED = re.compile(r",\s{0,2}|\n+|(?<=\d) ?\u2013 ?")
_HARD_STOP = re.compile(
    r"[:;\[\]\"“”|]|\((?!(?:West|East|North|South|[WENS])\))|(?<!West)(?<!East)(?<!North)(?<!South)(?<!\([WENS])\)"
    r"|\. (?=[A-Z][a-z]+ [a-z])|\n\n"
)
_PIECE = re.compile(
    rf"(?:(?:the |The |No\. ?|#|P\. ?O\. ?)?(?:{WORD}|\d[\w/\u2013-]*)(?:[ /](?:{WORD}|\d[\w/\u2013-]*|of|on|upon|under"
    rf"|the|de|la|le|du|des|der|am|in|\((?:West|East|North|South|[WENS])\)|rue|avenue|boulevard|place|quai|via"
    rf"|calle|&|\u2013|-))*)$"
)
_NUMBER_FIRST = re.compile(
    rf"(?<![\w.])(?:(?:(?:Unit|Flat|Suite|Level|Apartment|Apt\.?|Shop|Plot|Office|Room|Block|House"
    rf"|Door)(?: No\.?)? |No\.? ?)?\d[\w/\u2013-]*|One|Two|Three|Four|Five|Ten),? (?:{WORD}|\d|rue |avenue "
    rf"|boulevard |place ).*$",
    re.DOTALL,
)
_NUMBER_LAST = re.compile(rf"{WORD}(?:[ -](?:{WORD}|de|la|der|den|van|des|von|in|am))* \d+ ?[a-zA-Z]?(?:[-/]\d+)?$")
_WORDS = re.compile(r"\w+")
_IS_UNIT = re.compile(rf"(?:{_UNIT}|P\.? ?O\.? Box \w+)(?: [A-Z][\w-]*)?")
_BUILDING = re.compile(rf"{_UNIT}|[^,]*\b(?:{_BUILDING_WORDS})|[A-Z]?[-/]?\d[\w/-]*|#.*|No\. ?\d.*")
_STOPS = re.compile(r"\s*(?:[,.;\n]|$)")
_COUNTRY = frozenset(name.lower() for name in COUNTRIES)


def find_addresses(text: str, words: Words) -> Iterator[Found]:
    """In order."""
    spans = [_street_only(match) for match in _STREET_ONLY.finditer(text)]
    spans += [(_read_back(text, ending), ending.end) for ending in find_endings(text)]
    if not _BOX_WORDS.isdisjoint(words):
        spans += [match.span() for match in _BOX.finditer(text)]
    for start, end in _merged(spans):
        yield Found(start, end, "ADDRESS", _key(text[start:end]))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A street that was seen by itself and again with its town is one address."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start < merged[-1][1]:
            start, before = merged.pop()
            end = max(end, before)
        merged.append((start, end))
    return merged


def _key(address: str) -> str:
    return " ".join(_WORDS.findall(address.lower()))


def _street_only(match: re.Match[str]) -> tuple[int, int]:
    """The town counts if it is none of the words that contracts write large. Empty if it is no street."""
    town = match["town"]
    if match[0].isupper() and any(word.lower() in FUNCTION_WORDS for word in match[0].split(" ")):
        return match.start(), match.start()
    if town and not (match["state"] or _is_town(match)):
        return match.start(), match.start("town") - 2
    return match.span()


def _is_town(match: re.Match[str]) -> bool:
    town = match["town"].lower()
    if town in _COUNTRY or any(word.strip(".") in GENERIC for word in town.split(" ")):
        return False
    return town in CITIES or _STOPS.match(match.string, match.end()) is not None


def _read_back(text: str, ending: Ending) -> int:
    """Where the address begins; at its end if it is none."""
    low = max(0, ending.start - _BACK)
    for stop in _HARD_STOP.finditer(text, low, ending.start):
        low = stop.end()
    start = ending.end
    is_numbered = False
    for first, piece in _pieces(text, low, ending.start):
        lead = _lead(piece)
        own = piece[max(0, lead) :]
        if lead < 0 or (is_numbered and not _BUILDING.fullmatch(own)):
            break
        numbered = _is_numbered(own)
        if numbered or _STREET_WORD.search(own) or _BUILDING_WORD.search(own):
            start = first + lead
            is_numbered = is_numbered or numbered
        if lead:
            break
    return _town(text, low, ending) if start == ending.end and ending.certain else start


def _is_numbered(piece: str) -> bool:
    if _IS_UNIT.fullmatch(piece):
        return "ox " in piece
    return _NUMBER_FIRST.match(piece) is not None or _NUMBER_LAST.match(piece) is not None


def _pieces(text: str, low: int, high: int) -> Iterator[tuple[int, str]]:
    """What commas and line ends part, the last first, at most so many."""
    bounds = [(low, low), *(match.span() for match in _PARTED.finditer(text, low, high)), (high, high)]
    for (_, first), (last, _) in list(pairwise(bounds))[: -_MAX_PIECES - 1 : -1]:
        piece = text[first:last]
        if piece.strip():
            yield first + len(piece) - len(piece.lstrip()), piece.strip()


def _lead(piece: str) -> int:
    """How much prose stands before the piece's own words; -1 if it is prose altogether."""
    numbered = _NUMBER_FIRST.search(piece)
    if numbered and _PIECE.match(numbered[0]):
        return numbered.start()
    match = _PIECE.search(piece)
    while match and match.start() and piece[match.start() - 1] != " ":
        match = _PIECE.search(piece, match.start() + 1)
    return match.start() if match else -1


def _town(text: str, low: int, ending: Ending) -> int:
    """Where the town right before a postcode begins; at the end if there is none."""
    for first, piece in _pieces(text, low, ending.start):
        lead = _lead(piece)
        words = piece[lead:].split(" ") if lead >= 0 else []
        return first + lead if 0 < len(words) < 4 and words[0].lower() not in GENERIC else ending.end
    return ending.end
