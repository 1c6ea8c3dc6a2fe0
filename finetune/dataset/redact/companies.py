"""Companies by the suffix that the law wants of them, read backwards over the words before it. No persons.

A suffix that is a word of its own, too (Bank, Group, Company) counts only after a word that names somebody.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.first_names import FIRST_NAMES
from finetune.dataset.redact.placeholders import Found, Words, parted
from finetune.dataset.redact.places import PLACES
from finetune.dataset.redact.suffixes import SMALL_START, SMALL_WORDS, SUFFIX, SUFFIX_START
from finetune.dataset.redact.terms import ADJECTIVES, FUNCTION_WORDS, GENERIC, ROLES
from finetune.dataset.redact.unsuffixed import unsuffixed

_ENDS_SENTENCE = re.compile(r"$|\n| [A-Z“\"]")
_GOES_ON = re.compile(
    r" \((?:[A-Z][\w .]*|\d{4})\) [A-Z]|(?: |-)(?:[A-Z]|\[(?:ADDRESS|PERSON|COMPANY)_)|, [IVX]+\b| (?:of|OF|for|FOR) "
)
_HARD_STOP = re.compile(
    r"[\n\"“”:;\[\]|•*<>]|(?<![A-Z])(?<!St)(?<!Mt)(?<!Dr)\. (?=[A-Z])|[.)] (?=\()|- |\((?![^()]*\))"
)
_JOINING = "and of the de del dos do di for und et la les los las du des der den am im zum zur y e von van el & +"
_CONNECTORS = frozenset(_JOINING.split())
_ABBREVIATED = re.compile(r"(?:[A-Z]|St|Mt|Dr|Bros|Mfg|Intl|Natl|Assoc|Ft|(?:[A-Z]\.)+[A-Z])\.")
_NUMBERED = re.compile(r"\(?(?:\d{3,4}|\d+[A-Za-z][\w-]*)\)?")
_POSSESSIVE = re.compile(r"[A-Z]\w*[a-z]['\u2019]s")
_POSSESSION = re.compile(r"['\u2019]s?$")
_CONTRACTION = re.compile(r"['\u2019](?:re|ve|ll|s|m|d)$")
_ELIDED = frozenset({"d'", "l'", "d\u2019", "l\u2019"})
_MAX_WORDS = 9
_MAX_CHARS = 110
_KEPT = "general bank group fund partners founders captain resident associates senior council"
_LEADING = "agreement exhibit schedule section article page appendix annex re"
_ARTICLES = "a an the any each such this that every no its their our his her said either another"
_OTHERS_ENDS = "inc inc. llc llp ltd ltd. limited plc corp corp. gmbh n.a. l.p. l.l.c. s.a. b.v. n.v."
_NUMBER_WORDS = "first second third one two three four five six seven eight nine ten"
_KEPT_ROLES = frozenset(_KEPT.split())
_TRIMMED = (ROLES - _KEPT_ROLES) | frozenset(_LEADING.split())
_DETERMINERS = frozenset(_ARTICLES.split())
_SUFFIX_WORDS = frozenset(_OTHERS_ENDS.split())
_NUMBERS = frozenset(_NUMBER_WORDS.split())
_PLACE_AFTER = re.compile(r" of (?:the )?(?P<place>[A-Z][\w'\u2019-]+(?: [A-Z][\w'\u2019-]+)?)")
_PLACE_TAKING = frozenset({"Bank", "BANK", "Company", "Trust"})


def find_companies(text: str, words: Words) -> Iterator[Found]:
    """In order, each with its suffix, without an article before it."""
    yield from parted(Found(start, end, "COMPANY", text[start:end]) for start, end in _spans(text, words))


def _spans(text: str, words: Words) -> Iterator[tuple[int, int]]:
    floor = 0
    for at in _suffix_places(text, words):
        match = SUFFIX.match(text, at) if at >= floor else None
        end = _end(text, match) if match else 0
        start = _start(text, match, floor) if match and end else -1
        if start >= 0:
            floor = end + _is_line(text, start, end)
            yield start, floor
    yield from unsuffixed(text, words)


def _suffix_places(text: str, words: Words) -> list[int]:
    places = [match.start() for match in SUFFIX_START.finditer(text)]
    if not SMALL_WORDS.isdisjoint(words):
        places = sorted(places + [match.start() for match in SMALL_START.finditer(text)])
    return [at for at in places if at and text[at - 1] in " ,"]


def _end(text: str, match: re.Match[str]) -> int:
    """0 if the suffix is no suffix here. A full stop that ends the sentence, too, is left to it."""
    end = match.end()
    if match["short"] in ("Co.", "CO.") and not match["more"] and text[match.start() - 2] == ",":
        return 0  # a county
    if match["weak"] and not match["more"]:
        place = _PLACE_AFTER.match(text, end) if match["weak"] in _PLACE_TAKING else None
        if place is not None and not any(word.lower() in GENERIC for word in place["place"].split(" ")):
            return place.end()
        return 0 if _GOES_ON.match(text, end) else end
    if text[end - 1] == "." and _ENDS_SENTENCE.match(text, end):
        return end - 1
    return end


def _is_line(text: str, start: int, end: int) -> bool:
    """A name that is all of its line, as under a signature, ends no sentence."""
    return (start == 0 or text[start - 1] == "\n") and text[end : end + 2] in (".", ".\n")


def _start(text: str, match: re.Match[str], floor: int) -> int:
    """Where the name begins; -1 if the words before the suffix name nobody."""
    low = max(floor, match.start() - _MAX_CHARS)
    for stop in _HARD_STOP.finditer(text, low, match.start()):
        low = stop.end()
    before = text[low : match.start()]
    words = _name_words(before)
    if not words or (words[-1] in _CONNECTORS and words[-1] != "&" and not match["weak"]):
        return -1
    start = match.start() - _length(before, len(words))
    rest, _, word = text[max(0, start - 30) : start].rstrip().rpartition(" ")
    if word == "The" and rest[-1:].islower():  # in mid-sentence it is the name's own
        return start - 4 if _names_somebody(words, match, determiner=False) else -1
    return start if _names_somebody(words, match, word.lower().strip('(“"') in _DETERMINERS) else -1


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
    for place, token in enumerate(reversed(before.rstrip(" ,").split(" "))):
        bare = token.rstrip(",")
        if len(taken) >= _MAX_WORDS or not bare:
            break
        if bracket or _closes_bracket(bare):
            bracket = not bare.startswith("(")
        elif (place and token != bare and not joined) or not _may_belong(bare):
            break
        joined = joined or bare == "&"
        taken.append(bare)
    return [] if bracket else _trimmed(taken[::-1])


def _closes_bracket(word: str) -> bool:
    """(UK), (1974), Ireland): not (3) and not (ii)."""
    return word[-1] == ")" and ((len(word) > 3 and word[-2].isalpha() and not word[1:-1].islower()) or len(word) > 5)


def _may_belong(word: str) -> bool:
    low = word.lower()
    if word in _CONNECTORS:
        return True
    if word[0].isdigit() or word[0] == "(":
        return _NUMBERED.fullmatch(word) is not None
    if not word[0].isupper():
        return not word.islower() and (word.isalpha() or word[:2] in _ELIDED)  # eBay, d'Investissement
    if low in ("of", "and", "the", "for"):  # in capitals
        return word.isupper()
    if low in _SUFFIX_WORDS or (_CONTRACTION.sub("", low) in FUNCTION_WORDS and low not in _NUMBERS):
        return False
    return word[-1] != "." or _ABBREVIATED.fullmatch(word) is not None


def _trimmed(words: list[str]) -> list[str]:
    """Without the roles and connectors that lead; what is left of an "and" goes if it can stand for itself."""
    for place in range(len(words) - 1, 0, -1):
        if words[place].lower() in ("and", "of", "for") and _stands_alone(words, place):
            words = words[place + 1 :]
            break
    while words and (words[0].lower() in _TRIMMED or words[0].lower() in _CONNECTORS):
        words = words[1:]
    return words


def _stands_alone(words: list[str], place: int) -> bool:
    left = words[place - 1].lower()
    if words[place].lower() != "and":
        return left in GENERIC and left not in _KEPT_ROLES and left != "office"
    shouted = words[place] == "and" and words[place - 1].isupper()
    return place > 1 or shouted or left in GENERIC or left in FIRST_NAMES


def _names_somebody(words: list[str], match: re.Match[str], determiner: bool) -> bool:
    bare = [_POSSESSION.sub("", word).strip("().,").lower() for word in words]
    distinct = [word for word in bare if word not in GENERIC and word not in _CONNECTORS]
    own = [word for word in distinct if word not in PLACES and word not in ADJECTIVES and not word.isdigit()]
    if match["more"] or not (match["weak"] or match["short"]):
        if len(words) == 1 and _POSSESSIVE.fullmatch(words[0]):  # the firm's Limited Warranty
            return False
        return bool(own) or (not determiner and (len(words) > 1 or bool(distinct)))
    if match["weak"]:
        return bool(own) and (not determiner or len(distinct) > 1)
    return bool(own) and not all(word.isupper() for word in words)
