"""Postal addresses, from the house's name or number to the town or the postcode; the country stays outside.

Most are read backwards from what ends them: postcodes have forms, and streets are called anything. The rest have a
number and a word for a street. Finds no places by themselves.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Found, Words
from finetune.dataset.redact.places import CITIES, COUNTRIES, OLD_STATE_CODES, STATE_CODES, STATES, TWO_WORD_STATES
from finetune.dataset.redact.terms import FUNCTION_WORDS, GENERIC

_W = r"[A-ZÀ-ÖØ-Þ\u0100-\u017f][\w'\u2019&-]*\.?"
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
_BUILDING_WORD = re.compile(rf"\b(?:{_BUILDING_WORDS})\b|^\d[\w/-]*$|^#|^No\. ?\d")
_STREET_WORD = re.compile(
    rf"\b{_STREET}|(?:straße|strasse|str\.|gasse|weg|platz|allee|laan|straat|gracht|gatan|gade|vej)\b|\b(?:[Rr]ue"
    rf"|[Vv]ia|[Cc]alle|[Rr]ua|[Pp]iazza|[Aa]venida) "
)
_COMPASS = r"(?:N\.?[EW]?\.?|S\.?[EW]?\.?|E\.?|W\.?|North|South|East|West|Upper|Lower)"
_UNIT = (
    r"(?:(?:Suite|SUITE|Ste\.?|Unit|Apt\.?|Apartment|Flat|Level|Room|Building|Bldg\.?|Block|Floor|Fl\.?|Plot|Shop"
    r"|Door|House|Survey|Sector|Phase)(?: No\.)? ?#?[\w-]{1,6}|\w+ [Ff]loor|#\d[\w-]*)"
)

_STATE_NAMES = [
    *TWO_WORD_STATES,
    *STATES,
    *STATE_CODES,
    *(rf"{code}\." for code in OLD_STATE_CODES),
    r"D\.C\.",
    r"N\.[YJCM]\.",
]
_STATE = rf"(?:{'|'.join(_STATE_NAMES)}|{'|'.join((*TWO_WORD_STATES, *STATES)).upper()})"
_STATE_BEFORE = re.compile(rf"(?<!\w){_STATE}(?:,\s|\s){{1,3}}$")
_AUSTRALIA_BEFORE = re.compile(
    r"(?<!\w)(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT|New South Wales|Victoria|Queensland|Western Australia"
    r"|South Australia"
    r"|Tasmania|Australian Capital Territory|Northern Territory),?\s$"
)
_NUMBERS = re.compile(r"\d(?<![\w/.$£€-]\d)(?:\d\d \d{3}|\d{3,5}(?:-\d{4})?)(?![\w-]|[.,]\d| \d)")
_TOWN_AFTER = re.compile(rf"(?: [A-Z][A-Z](?!\w))? {_W}(?:[ -](?:am|an der|a\.d\.|{_W}))?(?: \d\d?(?![\d/]))?")
_COUNTRY_CODE = re.compile(r"(?<!\w)[A-Z]{1,2}-$")
_LETTERED = re.compile(r"\d(?:[A-Z][A-Z]|[\dW] ?(?=\d*[A-Z])[\dAC-FHKNPRTV-Y]{4}|[A-Z] \d[A-Z]\d)(?!\w)")
_BRITISH_BEFORE = re.compile(r"(?<!\w)[A-Z][A-Z]?\d[A-Z\d]? $")
_BACK_TO_STATE = 24
_STREET_ONLY = re.compile(
    rf"\d(?<![\w/.$£€#-]\d)\d{{0,4}}[A-Za-z]?(?:[-\u2013/]\d+[A-Za-z]?)?,? (?:(?:{_W}|\d+(?:st|nd|rd"
    rf"|th)) ){{1,4}}?{_STREET}(?: {_COMPASS}(?![\w.]))?"
    rf"(?:,? {_UNIT})*(?:,\s(?P<town>{_W}(?: {_W})?))?(?:(?<=[a-z]),? (?P<state>{_STATE})(?![\w]))?"
)
_BOX = re.compile(
    rf"(?:P\. ?O\. ?|PO |P\.O |GPO |Post Office )(?:Box|BOX"
    rf"|Drawer) [\d-]+(?:,\s{_W}(?: {_W})?(?: \d\d?(?!\d))?)?(?:,\s{_W}(?: {_W})?(?=[.,;\n]|$))?"
)
_BOX_WORDS = frozenset({"Box", "BOX", "Drawer"})
_BACK = 170
_MAX_PIECES = 8
_PARTED = re.compile(r",\s{0,2}|\n+|(?<=\d) ?\u2013 ?")
_HARD_STOP = re.compile(r"[:;()\[\]\"“”|]|\. (?=[A-Z][a-z]+ [a-z])|\n\n")
_PIECE = re.compile(
    rf"(?:(?:the |The |No\. ?|#|P\. ?O\. ?)?(?:{_W}|\d[\w/\u2013-]*)(?:[ /](?:{_W}|\d[\w/\u2013-]*|of|on|upon|under"
    rf"|the|de|la|le|du|des|der|am|in|rue|avenue|boulevard|place|quai|via|calle|&|\u2013|-))*)$"
)
_NUMBER_FIRST = re.compile(
    rf"(?<![\w.])(?:(?:(?:Unit|Flat|Suite|Level|Apartment|Apt\.?|Shop|Plot|Office|Room|Block|House"
    rf"|Door)(?: No\.?)? |No\.? ?)?\d[\w/\u2013-]*|One|Two|Three|Four|Five|Ten),? (?:{_W}|\d|rue |avenue "
    rf"|boulevard |place ).*$",
    re.DOTALL,
)
_NUMBER_LAST = re.compile(rf"{_W}(?:[ -](?:{_W}|de|la|der|den|van|des|von|in|am))* \d+ ?[a-zA-Z]?(?:[-/]\d+)?$")
_TOWN_BEFORE = re.compile(rf"{_W},?\s*[\u2013-]?\s?$")
_STREET_BEFORE = re.compile(
    r"(?:\d ?[a-zA-Z]?(?:[-\u2013/]\d+)?|\d(?: bis| ter)?,? (?:rue|avenue|boulevard|place|quai|cours|allée|chemin"
    r"|impasse|[Vv]ia|[Cc]alle) [^,\n]{2,40}),?\s{1,2}$"
)
_LETTER_BEFORE = re.compile(r"(?<!\w)[A-Z]$")
_WORDS = re.compile(r"\w+")
_IS_UNIT = re.compile(rf"(?:{_UNIT}|P\.? ?O\.? Box \w+)(?: [A-Z][\w-]*)?")
_BUILDING = re.compile(rf"{_UNIT}|[^,]*\b(?:{_BUILDING_WORDS})|\d[\w/-]*|#.*|No\. ?\d.*")
_COUNTRY = frozenset(name.lower() for name in COUNTRIES)


def find_addresses(text: str, words: Words) -> Iterator[Found]:
    """In order."""
    spans = [_street_only(match) for match in _STREET_ONLY.finditer(text)]
    spans += [_read_back(text, *end) for end in _ends(text)]
    if not _BOX_WORDS.isdisjoint(words):
        spans += [match.span() for match in _BOX.finditer(text)]
    for start, end in _merged([span for span in spans if span is not None and span[0] < span[1]]):
        yield Found(start, end, "ADDRESS", _key(text[start:end]))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A street that was seen by itself and again with its town is one address."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            start, before = merged.pop()
            end = max(end, before)
        merged.append((start, end))
    return merged


def _key(address: str) -> str:
    return " ".join(_WORDS.findall(address.lower()))


def _ends(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where postcodes are, with state or town: start, end, and whether that alone shows an address."""
    for match in _NUMBERS.finditer(text):
        start, end = match.span()
        state = None
        if end - start in (5, 10):
            state = _STATE_BEFORE.search(text, max(0, start - _BACK_TO_STATE), start)
        elif end - start == 4:
            state = _AUSTRALIA_BEFORE.search(text, max(0, start - _BACK_TO_STATE), start)
        if state is not None:
            yield state.start(), end, True
        elif end - start > 5 and text[start:end].replace(" ", "").isdigit():
            if _TOWN_BEFORE.search(text, max(0, start - 40), start):
                yield start, end, False
        elif end - start < 6 and (town := _TOWN_AFTER.match(text, end)):
            code = _COUNTRY_CODE.search(text, max(0, start - 3), start)
            start = code.start() if code else start
            if _STREET_BEFORE.search(text, max(0, start - 60), start):
                yield start, town.end(), False
    for match in _LETTERED.finditer(text):
        start = match.start()
        outward = _BRITISH_BEFORE.search(text, max(0, start - 5), start) if match.end() - start == 3 else None
        if outward is not None:
            yield outward.start(), match.end(), True
        elif match.end() - start > 3 and _LETTER_BEFORE.search(text, max(0, start - 2), start):
            yield start - 1, match.end(), True


def _street_only(match: re.Match[str]) -> tuple[int, int]:
    """The town counts if it is none of the words that contracts write large."""
    town = match["town"]
    if match[0].isupper() and any(word.lower() in FUNCTION_WORDS for word in match[0].split(" ")):
        return match.start(), match.start()
    if town and (any(word.lower().strip(".") in GENERIC for word in town.split(" ")) or town.lower() in _COUNTRY):
        return match.start(), match.start("town") - 2
    if (
        town
        and not match["state"]
        and town.lower() not in CITIES
        and not re.match(r"\s*(?:[,.;\n]|$)", match.string[match.end() :])
    ):
        return match.start(), match.start("town") - 2
    return match.span()


def _read_back(text: str, at: int, end: int, certain: bool) -> tuple[int, int] | None:
    """From the end of an address to its beginning; None if it is no address. `certain`: its form alone shows it."""
    low = max(0, at - _BACK)
    for stop in _HARD_STOP.finditer(text, low, at):
        low = stop.end()
    start = -1
    evidence = False
    for first, piece in _pieces(text, low, at):
        if not piece:
            continue
        lead = _lead(piece)
        if lead < 0 or (evidence and not _BUILDING.fullmatch(piece, lead)):
            break
        candidate = piece[lead:]
        numbered = None
        if not _IS_UNIT.fullmatch(candidate):
            numbered = _NUMBER_FIRST.match(candidate) or _NUMBER_LAST.match(candidate)
        near = first + lead
        if numbered or "ox " in candidate or _STREET_WORD.search(candidate) or _BUILDING_WORD.search(candidate):
            start = near
            evidence = evidence or numbered is not None or "ox " in candidate
        if lead:
            break
    if start >= 0:
        return start, end
    town = _town(text, low, at) if certain else at
    return (town, end) if town < at else None


def _pieces(text: str, low: int, high: int) -> Iterator[tuple[int, str]]:
    """What commas and line ends part, the last first."""
    bounds = [(low, low), *(match.span() for match in _PARTED.finditer(text, low, high)), (high, high)]
    for (_, first), (last, _) in list(zip(bounds, bounds[1:], strict=False))[: -_MAX_PIECES - 1 : -1]:
        stretch = text[first:last]
        yield first + len(stretch) - len(stretch.lstrip()), stretch.strip()


def _lead(piece: str) -> int:
    """How much prose stands before the piece's own words; -1 if it is prose altogether."""
    numbered = _NUMBER_FIRST.search(piece)
    if numbered and _PIECE.match(numbered[0]):
        return numbered.start()
    match = _PIECE.search(piece)
    while match and match.start() and piece[match.start() - 1] != " ":
        match = _PIECE.search(piece, match.start() + 1)
    return match.start() if match else -1


def _town(text: str, low: int, high: int) -> int:
    """The town right before a postcode."""
    for first, piece in _pieces(text, low, high):
        if piece:
            lead = _lead(piece)
            words = piece[lead:].split(" ") if lead >= 0 else []
            return first + lead if 0 < len(words) < 4 and words[0].lower() not in GENERIC else high
    return high
