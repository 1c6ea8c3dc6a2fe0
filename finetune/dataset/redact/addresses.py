"""Postal addresses, from the house's name or number to the town or the postcode; the country stays outside.

Most are read backwards from what ends them: postcodes have forms, and streets are called anything. The rest have a
number and a word for a street. Finds no places by themselves.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Found
from finetune.dataset.redact.places import CITIES, COUNTRIES, OLD_STATE_CODES, STATE_CODES, STATES, TWO_WORD_STATES
from finetune.dataset.redact.terms import GENERIC

_W = r"[A-ZÀ-ÖØ-Þ\u0100-\u017f][\w'’&-]*\.?"
_STREET_WORDS = (
    "Street|Str|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Parkway|Pkwy|Square|Sq|Terrace"
    "|Highway|Hwy|Circle|Cir|Close|Crescent|Row|Quay|Wharf|Walk|Mews|Gardens|Grove|Green|Plaza|Embankment|Esplanade|Parade"
    "|Turnpike|Pike|Trail|Loop|Alley|Marg|Nagar|Salai|Broadway|Freeway|Expressway|Yard|Rise|Passage|Hill"
)
_STREET = rf"(?:(?:{_STREET_WORDS}|{_STREET_WORDS.upper()})\b\.?)"
_BUILDING_WORD = re.compile(
    r"\b(?:House|Building|Tower|Towers|Court|Mill|Hall|Lodge|Cottage|Farm|Barn|Chambers|Centre|Center|Works|Mansions|Villa|Rectory|Manor"
    r"|Point|Exchange|Arcade|Estate|Park|Suite|Ste|Unit|Apt|Apartment|Flat|Level|Floor|Room|Block|Plot|Shop|Wing|Office|Door|Survey|Site)\b"
    r"|^\d[\w/-]*$|^#|^No\. ?\d"
)
_STREET_WORD = re.compile(rf"\b{_STREET}|(?:straße|strasse|str\.|gasse|weg|platz|allee|laan|straat|gracht|gatan|gade|vej)\b|\b(?:[Rr]ue|[Vv]ia|[Cc]alle|[Rr]ua|[Pp]iazza|[Aa]venida) ")
_COMPASS = r"(?:N\.?[EW]?\.?|S\.?[EW]?\.?|E\.?|W\.?|North|South|East|West|Upper|Lower)"
_UNIT = r"(?:(?:Suite|SUITE|Ste\.?|Unit|Apt\.?|Apartment|Flat|Level|Room|Building|Bldg\.?|Block|Floor|Fl\.?) ?#?[\w-]{1,6}|\w+ [Ff]loor|#\d[\w-]*)"

_STATE_NAMES = [*TWO_WORD_STATES, *STATES, *STATE_CODES, *(rf"{code}\." for code in OLD_STATE_CODES), r"D\.C\.", r"N\.[YJCM]\."]
_STATE = rf"(?:{'|'.join(_STATE_NAMES)}|{'|'.join((*TWO_WORD_STATES, *STATES)).upper()})"
_US_END = re.compile(rf"(?<!\w){_STATE},?(?:\s{{1,3}}|, ){{1,2}}\d{{5}}(?:-\d{{4}})?(?![\w-])")
_LETTERED_END = re.compile(
    r"[A-Z][A-Z]?\d[A-Z\d]? \d[A-Z][A-Z](?!\w)|[AC-FHKNPRTV-Y]\d[\dW] ?(?=\d*[A-Z])[\dAC-FHKNPRTV-Y]{4}(?!\w)|[A-Z]\d[A-Z] \d[A-Z]\d(?!\w)"
)
_NUMBERED_END = re.compile(
    r"(?:NSW|VIC|Vic|QLD|Qld|WA|SA|TAS|Tas|ACT|NT|New South Wales|Victoria|Queensland|Western Australia|South Australia|Tasmania),? \d{4}(?![\w-])"
    r"|(?:- ?|– ?)?(?<![\w/.$£€-])\d{3} ?\d{3}(?![\w-]|,\d| \d)"
    rf"|(?<![\w/.$£€-])(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?: [A-Z][A-Z])? {_W}(?:[ -](?:am|an der|a\.d\.|{_W}))?(?: \d\d?(?!\d))?"
)
_STREET_ONLY = re.compile(
    rf"(?<![\w/.$£€#-])\d{{1,5}}[A-Za-z]?(?:[-–/]\d+[A-Za-z]?)?,? (?:(?:{_W}|\d+(?:st|nd|rd|th)) ){{1,4}}?{_STREET}(?: {_COMPASS}(?![\w.]))?"
    rf"(?:,? {_UNIT})*(?:,\s(?P<town>{_W}(?: {_W})?))?(?:(?<=[a-z]),? (?P<state>{_STATE})(?![\w]))?"
)
_BOX = re.compile(
    rf"(?:P\. ?O\. ?|PO |P\.O |GPO |Post Office )(?:Box|BOX|Drawer) [\d-]+(?:,\s{_W}(?: {_W})?)?(?:,\s{_W}(?: {_W})?(?=[.,;\n]|$))?"
)
_DIGITS_TOGETHER = re.compile(r"\d{4}")
_BACK = 170
_MAX_PIECES = 8
_PARTED = re.compile(r",\s{0,2}|\n+|(?<=\d) ?– ?")
_HARD_STOP = re.compile(r"[:;()\[\]\"“”|]|\. (?=[A-Z][a-z]+ [a-z])|\n\n")
_PIECE = re.compile(
    rf"(?:(?:the |The |No\. ?|#)?(?:{_W}|\d[\w/–-]*)(?:[ /](?:{_W}|\d[\w/–-]*|of|on|upon|under|the|de|la|le|du|des|der|am|in|&|–|-))*)$"
)
_NUMBER_FIRST = re.compile(rf"(?<![\w.])(?:No\. ?)?\d[\w/–-]*,? (?:{_W}|\d|rue |avenue |boulevard |place ).*$", re.DOTALL)
_NUMBER_LAST = re.compile(rf"{_W}(?:[ -](?:{_W}|de|la|der|den|van|des|von|in|am))* \d+ ?[a-zA-Z]?(?:[-/]\d+)?$")
_TOWN_BEFORE = re.compile(rf"(?:{_W}|\d[a-z]?),?\s*[–-]?\s?$")
_IS_UNIT = re.compile(rf"(?:{_UNIT}|P\.? ?O\.? Box \w+)(?: [A-Z][\w-]*)?")
_COUNTRY = frozenset(name.lower() for name in COUNTRIES)


def find_addresses(text: str) -> Iterator[Found]:
    """In order."""
    found: list[tuple[int, int]] = []
    if _DIGITS_TOGETHER.search(text):
        found += [span for match in _US_END.finditer(text) if (span := _read_back(text, match, certain=True))]
        found += [span for match in _NUMBERED_END.finditer(text) if (span := _read_back(text, match, certain=False))]
    found += [span for match in _LETTERED_END.finditer(text) if (span := _read_back(text, match, certain=True))]
    found += [_street_only(match) for match in _STREET_ONLY.finditer(text)]
    if "ox " in text or "OX " in text or "Drawer" in text:
        found += [match.span() for match in _BOX.finditer(text)]
    end = 0
    for start, stop in sorted(found, key=lambda span: (span[0], -span[1])):
        if start >= end:
            end = stop
            yield Found(start, end, "ADDRESS", " ".join(re.findall(r"\w+", text[start:end].lower())))


def _street_only(match: re.Match[str]) -> tuple[int, int]:
    """The town counts if it is none of the words that contracts write large."""
    town = match["town"]
    if town and (any(word.lower().strip(".") in GENERIC for word in town.split(" ")) or town.lower() in _COUNTRY):
        return match.start(), match.start("town") - 2
    if town and not match["state"] and town.lower() not in CITIES and not re.match(r"\s*(?:[,.;\n]|$)", match.string[match.end() :]):
        return match.start(), match.start("town") - 2
    return match.span()


def _read_back(text: str, end: re.Match[str], certain: bool) -> tuple[int, int] | None:
    """From the end of an address to its beginning; None if it is no address. `certain`: its form alone shows it."""
    if end.start() and (text[end.start() - 1].isalnum() or text[end.start() - 1] in "_[-/.$£€"):
        return None
    if not certain and end[0][0].isdigit() and not _TOWN_BEFORE.search(text, max(0, end.start() - 40), end.start()):
        return None
    low = max(0, end.start() - _BACK)
    stops = list(_HARD_STOP.finditer(text, low, end.start()))
    low = stops[-1].end() if stops else low
    start = -1
    evidence = False
    for first, piece in _pieces(text, low, end.start()):
        if not piece:
            continue
        lead = _lead(piece)
        if lead < 0 or (evidence and not _BUILDING_WORD.search(piece[lead:])):
            break
        candidate = piece[lead:]
        numbered = None
        if not _IS_UNIT.fullmatch(candidate):
            numbered = _NUMBER_FIRST.match(candidate) or _NUMBER_LAST.match(candidate)
        near = first + lead
        if numbered or _STREET_WORD.search(candidate) or _BUILDING_WORD.search(candidate):
            start = near
            evidence = evidence or numbered is not None or "ox " in candidate
        if lead:
            break
    if start >= 0:
        return start, end.end()
    return (_town(text, low, end.start()), end.end()) if certain else None


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
