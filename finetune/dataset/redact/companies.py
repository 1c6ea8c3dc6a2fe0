"""Companies by the suffix that the law wants of them, read backwards over the words before it. No persons.

A suffix that is a word of its own, too (Bank, Group, Company) counts only after a word that names somebody.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.first_names import FIRST_NAMES, UNSURE
from finetune.dataset.redact.placeholders import Found
from finetune.dataset.redact.places import PLACES
from finetune.dataset.redact.terms import FUNCTION_WORDS, GENERIC, ROLES

_STRONG = (
    r"Inc\b\.?|INC\b\.?|Incorporated|INCORPORATED|LLC|L\.L\.C\.?|LLP|L\.L\.P\.?|LLLP|LP|L\.P\.?|Ltd\b\.?|LTD\b\.?"
    r"|(?:Private |PRIVATE |Proprietary |Public )?(?:Limited|LIMITED)(?: Partnership| PARTNERSHIP)?"
    r"(?! (?:[Pp]artner|PARTNER|[Ll]iabilit|LIABILIT|[Ww]arrant|WARRANT|[Rr]ecourse|RECOURSE|[Gg]uarant|GUARANT|[Ll]icen|LICEN|[Cc]ommon|[Pp]ower|[Pp]urpose))"
    r"|plc|PLC|p\.l\.c\.?|P\.L\.C\.?|Corp\b\.?|CORP\b\.?|GmbH|mbH|Pty\b\.?|PTY\b\.?|Pvt\b\.?|B\.V\.?|N\.V\.?|S\.A\.(?:R\.L\.|S\.)?|S\.p\.A\.?|S\.r\.l\.?"
    r"|S\.à r\.l\.?|Sàrl|SARL|S\.L\.U?\.?|SAS|N\.A\.?|ApS|A/S|ASA|Oyj?|DAC|CLG|ULC|P\.C\.|P\.A\.|K\.K\.|ACA|SCSp|SCA|CIO|CIC|eG|m\.b\.H\.?|mbB|GbR|OHG|eGmbH|AS|EEIG|S\.C\.A\.?|UAB|d\.o\.o\.?|a\.s\.|s\.r\.o\.|Sp\. z o\.o\.|Ltda\.?|S\.A\.S\.?|SpA|Srl|SRL|EURL|AB \(publ\)|Designated Activity Company|Unlimited Company|Company Limited by Guarantee|Credit Union|CREDIT UNION|Building Society|e\.V\.|KGaA|KG|Bancorp|Bancshares"
)
_SHOUTED = r"AG|SE|AB|SA|NV|BV|NA|PC|KK|FSB|Co\.|CO\."
_WEAK = (
    r"Company|COMPANY|Corporation|CORPORATION|Bank|BANK|Trust|TRUST|Partners|PARTNERS|Holdings|HOLDINGS|Group|GROUP"
    r"|Partnership|PARTNERSHIP|Associates|ASSOCIATES|Ventures|VENTURES|Capital|Foundation|FOUNDATION|Industries"
    r"|Technologies|Enterprises|University|UNIVERSITY|Chambers|Brothers|Bros\.|Logistics|Solutions|Hospital|Charity|Cooperative|Laboratories|Pharmaceuticals|Airlines|Airways|Studios|Bancorporation"
)
_SUFFIX = re.compile(
    rf"(?:(?P<strong>{_STRONG})|(?P<shouted>{_SHOUTED})|(?P<weak>{_WEAK}))(?![\w&-])"
    rf"(?:(?:,? ?(?:& Co\b\.?|and Company\b)|,? )(?:\(?(?:{_STRONG}|Company|COMPANY|Corporation|CORPORATION|{_SHOUTED})(?![\w&-])\)?)?)*?"
    rf"(?P<more>(?:,? (?:& Co\b\.?(?: KGa?A?)?|{_STRONG}|Company|COMPANY|Corporation|CORPORATION|{_SHOUTED})(?![\w&-]))*)"
)
_BANK_OF = re.compile(r"(?:Bank|BANK|University|UNIVERSITY|College) (?:of|OF) (?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*(?! (?:Inc|plc)))?")
_AUTHORITY = re.compile(r"(?:Central|Reserve|Federal|National|CENTRAL|RESERVE) $")
_PAIR = re.compile(r"[A-Z][\w'’-]+(?:, [A-Z][\w'’-]+)* & [A-Z][\w'’-]+(?![\w'’-]| &)")
_OF_PLACE = re.compile(r" of (?:the )?([A-Z][\w'’-]+)(?: ([A-Z][\w'’-]+))?")
_HARD_STOP = re.compile(r"[\n\"“”:;\[\]|•*<>]|\. (?=[A-Z])|[.)] (?=\()|- ")
_CONNECTORS = frozenset({"and", "of", "the", "de", "for", "und", "et", "la", "du", "des", "y", "e", "von", "van", "&", "+"})
_ABBREVIATED = re.compile(r"(?:[A-Z]|St|Mt|Dr|Bros|Mfg|Intl|Natl|Assoc|Co|Ft|No|(?:[A-Z]\.)+[A-Z])\.")
_MAX_WORDS = 9
_MAX_CHARS = 110
_KEPT_ROLES = frozenset("general bank group fund partners founders captain resident associates senior council".split())
_TRIMMED = (ROLES - _KEPT_ROLES) | frozenset("agreement exhibit schedule section article page appendix annex".split())
_DETERMINERS = frozenset("a an the any each such this that every no its their our his her said either another".split())
_SUFFIX_WORDS = frozenset("inc inc. llc llp ltd ltd. limited plc corp corp. gmbh n.a. l.p. l.l.c. s.a. b.v. n.v.".split())

_ENDS = re.compile(r"$|\n| [A-Z“\"]")
_ABBREVIATED_ENDING = re.compile(r"(?!)")
_GOES_ON = re.compile(r"(?: |-)[A-Z]|, [IVX]+\b| (?:of|OF|for|for the) [A-Z]")
_NUMBERS = frozenset("first second third one two three four five six seven eight nine ten".split())
_ADJECTIVES = frozenset(
    """
    fronting issuing operating lending surviving target portfolio reference confirming collecting depository advising
    defaulting ordinary parent swingline paying eligible family living revocable irrevocable unit voting national state
    investment statutory project limited liability professional private public blank shell managed captive rabbi grantor
    wider whole entire trading relevant
    """.split()
)


def find_companies(text: str) -> Iterator[Found]:
    """In order, each with its suffix, without an article before it."""
    end = 0
    for start, stop in sorted(_spans(text), key=lambda span: (span[0], -span[1])):
        if start >= end:
            end = stop
            yield Found(start, end, "COMPANY", text[start:end])


def _spans(text: str) -> Iterator[tuple[int, int]]:
    floor = 0
    for match in _SUFFIX.finditer(text):
        if match.start() == 0 or text[match.start() - 1] not in " ,":
            continue
        end = _end(text, match)
        start = _start(text, match, floor) if end else -1
        if start >= 0:
            floor = end
            yield start, end
    if "ank of" in text or "ANK OF" in text or "sity of" in text or "ollege of" in text:
        yield from (match.span() for match in _BANK_OF.finditer(text) if not _AUTHORITY.search(text[max(0, match.start() - 10) : match.start()]))
    if "&" in text:
        yield from (match.span() for match in _PAIR.finditer(text) if _is_pair(match[0]))


def _end(text: str, match: re.Match[str]) -> int:
    """0 if the suffix is no suffix here. A full stop that ends the sentence, too, is left to it."""
    end = match.end()
    if match["weak"] and not match["more"]:
        if match["weak"] in ("Bank", "BANK", "Company", "Trust") and (place := _OF_PLACE.match(text, end)):
            return place.end() if place[2] and _are_places(place[1], place[2]) else place.end(1) if _are_places(place[1]) else end
        if _GOES_ON.match(text, end):
            return 0
    if text[end - 1] == "." and _ENDS.match(text, end) and not _ABBREVIATED_ENDING.search(text, match.start(), end):
        return end - 1
    return end


def _are_places(*words: str) -> bool:
    return all(word.lower() in PLACES for word in words)


def _start(text: str, match: re.Match[str], floor: int) -> int:
    """Where the name begins; -1 if the words before the suffix name nobody."""
    low = max(floor, match.start() - _MAX_CHARS)
    stops = list(_HARD_STOP.finditer(text, low, match.start()))
    if stops:
        low = stops[-1].end()
    words = _name_words(text[low : match.start()])
    determiner = _determiner(text, low, match.start(), words)
    if not words or not _names_somebody(words, match, determiner):
        return -1
    return match.start() - _length(text[low : match.start()], len(words))


def _length(before: str, count: int) -> int:
    """Of the last `count` words of `before`, with what parts them from each other and from the suffix."""
    at = len(before.rstrip(" ,"))
    for _ in range(count):
        at = before.rfind(" ", 0, at)
        if at < 0:
            return len(before)
    return len(before) - at - 1


def _name_words(before: str) -> list[str]:
    """The words that may belong to the name, from its first one on."""
    taken: list[str] = []
    bracket = joined = False
    tokens = before.rstrip(" ,").split(" ")
    for place, token in enumerate(reversed(tokens)):
        bare = token.rstrip(",")
        if len(taken) >= _MAX_WORDS or not bare:
            break
        if bracket or (bare.endswith(")") and len(bare) > 3 and (len(bare) > 5 or not bare[1:-1].isdigit())):
            bracket = not bare.startswith("(")
        elif (place and token != bare and not joined) or not _may_belong(bare):
            break
        joined = joined or bare == "&"
        taken.append(bare)
    return _trimmed(taken[::-1])


def _may_belong(word: str) -> bool:
    if word in _CONNECTORS:
        return True
    if word[0] in "(0123456789":
        return any(map(str.isupper, word)) or len(word.strip("()")) > 2 and word.strip("()").isdigit()
    if not word[0].isupper():
        return any(map(str.isupper, word)) and word.isalpha()  # eBay
    low = word.lower()
    if low in ("of", "and", "the", "for"):  # in capitals
        return word.isupper()
    if low in _SUFFIX_WORDS or (low in FUNCTION_WORDS and low not in _NUMBERS):
        return False
    return word[-1] != "." or _ABBREVIATED.fullmatch(word) is not None


def _trimmed(words: list[str]) -> list[str]:
    """Without the roles and connectors that lead; what is left of an "and" goes if it can stand for itself."""
    for place in range(len(words) - 1, 0, -1):
        if words[place].lower() in ("and", "of", "for") and _stands_alone(words, place):
            words = words[place + 1 :]
            break
    while words and (words[0].lower() in _TRIMMED or words[0].lower() in _CONNECTORS or words[0].lower() == "the"):
        words = words[1:]
    return words


def _stands_alone(words: list[str], place: int) -> bool:
    left = words[:place]
    if words[place].lower() != "and":
        return bool(left) and left[-1].lower() in GENERIC and left[-1].lower() not in _KEPT_ROLES | {"office"}
    return len(left) != 1 or left[0].lower() in GENERIC or left[0].lower() in FIRST_NAMES


def _determiner(text: str, low: int, end: int, words: list[str]) -> bool:
    """An article before the name; a large one in mid-sentence is the name's own."""
    before = text[max(0, low - 30) : end - _length(text[low:end], len(words))].rstrip()
    rest, _, word = before.rpartition(" ")
    own = word == "The" and rest[-1:].islower()
    return word.lower().strip("(“\"") in _DETERMINERS and not own


def _names_somebody(words: list[str], match: re.Match[str], determiner: bool) -> bool:
    bare = [word.strip("().,").lower() for word in words]
    distinct = [word for word in bare if word not in GENERIC and word not in _CONNECTORS]
    own = [word for word in distinct if word not in PLACES]
    if match["weak"] and not match["more"]:
        return bool(own) and (not determiner or len(distinct) > 1) and not all(word in _ADJECTIVES for word in own)
    if match["shouted"]:
        return bool(own) and not all(word.isupper() for word in words)
    if own:
        return not (determiner and all(word in _ADJECTIVES for word in own))
    return not determiner and (len(words) > 1 or bool(distinct))


def _is_pair(words: str) -> bool:
    return not any(word.lower() in GENERIC for word in re.findall(r"[\w'’-]+", words))
