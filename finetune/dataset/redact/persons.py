"""Persons by a title, by a first name or a surname that we know, or by what stands around the name.

Companies and addresses are gone by then, and what is left of them is what shows a name: "of [ADDRESS_1]". One
word alone counts after a title only; what was named in full before is found in short by names.py.
"""

import re
from collections.abc import Iterator
from unicodedata import normalize

from finetune.dataset.redact.contexts import LEADS, RELATIVES, TRAILS
from finetune.dataset.redact.first_names import FIRST_NAMES, UNSURE
from finetune.dataset.redact.placeholders import Found, Words, parted
from finetune.dataset.redact.places import PLACES
from finetune.dataset.redact.surnames import ENDINGS, ENGLISH_ENDINGS, NO_SURNAMES, SURNAMES
from finetune.dataset.redact.terms import GENERIC
from finetune.dataset.redact.titles import TITLE, TITLE_START, TITLE_WORDS

_UP = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĪİŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽ]"
_LETTERS = r"[^\W\d_]{0,30}"
_JOINED = rf"(?:(?:['\u2019](?!s\b)|-)(?=[^\W\d_]){_LETTERS}){{0,4}}"
_WORD = rf"{_UP}{_LETTERS}{_JOINED}(?![\w_])"
_INITIAL = rf"(?:{_UP}\.)+(?:-{_UP}\.)?"
_PARTICLE_WORDS = "van von der den de la le du da dos do di del della bin binti ibn al el ter ten af av zu y e ap ab"
_PARTICLES = frozenset((*_PARTICLE_WORDS.split(), "St."))
_PARTICLE = rf"(?:{_PARTICLE_WORDS.replace(' ', '|')})"
_PART = rf"(?:{_INITIAL}|St\.(?= )|{_WORD})"
_NICKNAME = rf" [\"“(]{_WORD}[\"”)](?= {_UP})"
_REST = rf"(?: (?:{_PARTICLE} ){{0,2}}{_PART}|{_NICKNAME})"
_AFTER = re.compile(
    r"(?:,? (?:Jr|Sr|JR|SR)\b\.?|,? (?:II|III|IV|Esq\b\.?|Esquire|QC|KC|SC|MBE|OBE|CBE|Ph\.?D\b\.?|M\.D\.|CPA|FCA"
    r"|ACA|J\.D\.|MP)\b)+"
)
_RUN = re.compile(rf"{_UP}(?<![\w\[/@.-]{_UP})(?:(?:\.{_UP}){{0,3}}\.|{_LETTERS}{_JOINED})(?![\w_]){_REST}{{1,12}}")
_TITLED = re.compile(rf"(?:{TITLE} (?:(?:and|&) (?={TITLE} ))?)+(?P<name>{_PART}{_REST}{{0,4}})")
_ALONE = re.compile(
    rf"(?:(?:Dear|Hi|Hello|Dearest) (?P<greeted>{_WORD})(?=,|:|\n)"
    rf"|\b(?:[Mm]y|[Hh]is|[Hh]er|our) (?:late |eldest |youngest |younger |elder )?{RELATIVES} (?P<kin>{_WORD})"
    rf"|Messrs\.? (?:{_WORD}, )*{_WORD},? (?:and|&) (?P<last>{_WORD}))"
)
_ALONE_WORDS = frozenset({"Dear", "Hello", "Hi", "Dearest", "Messrs", "my", "My", "his", "His", "her", "Her", "our"})
_NEIGHBOUR = re.compile(
    rf"(?P<before>{_UP}(?<![\w\[/@.-]{_UP})[^\W\d_]+{_REST}{{0,3}})(?=,? and \[PERSON_|, \[PERSON_\d+\](?:,| and))"
    rf"|\[PERSON_\d+\](?:,? and|,) (?P<after>{_PART}{_REST}{{1,3}})(?=,? and |[.,;)]| \()"
)
_SURNAME = re.compile(
    rf"{_UP}[^\W\d_]{{1,12}}{ENDINGS}|(?:Mc|Mac|O['\u2019]|Fitz|D['\u2019]){_UP}[^\W\d_]+"
    rf"|{_UP}[a-zà-ÿ]{{2,}}-{_UP}[a-zà-ÿ]{{2,}}"
)
_ENGLISH_SURNAME = re.compile(rf"{_UP}[a-z]{{2,9}}{ENGLISH_ENDINGS}")
_INITIALS = re.compile(rf"(?:{_UP}\.){{2,3}}")
_INITIAL_ONE = re.compile(rf"{_UP}\.")
_STATES_INITIALS = """
    U.S. U.K. N.A. L.P. P.O. D.C. N.W. S.W. N.E. S.E. E.U. P.C. R.S. L.L. S.A. N.V. B.V.
    A.M. P.M. N.Y. N.J.
"""
_NO_INITIALS = frozenset(_STATES_INITIALS.split())

_ROMAN = frozenset({"II", "III", "IV", "Jr.", "Sr.", "Jr", "Sr", "JR.", "SR."})
_MAX_PARTS = 5
_LEAD_CHARS = 60


def find_persons(text: str, words: Words) -> Iterator[Found]:
    """In order, with title and with what follows a name (Jr., Esq.)."""
    found = list(_titled(text)) if not TITLE_WORDS.isdisjoint(words) else []
    found += [span for match in _RUN.finditer(text) for span in _in_run(text, match)]
    if not _ALONE_WORDS.isdisjoint(words):
        groups = [(match, match.lastgroup or 0) for match in _ALONE.finditer(text)]
        found += [match.span(group) for match, group in groups if _bare(match[group]) not in GENERIC]
    yield from parted(Found(start, end, "PERSON", text[start:end]) for start, end in found)


def find_neighbours(text: str, _: Words) -> Iterator[Found]:
    """Persons in a list with persons: [PERSON_1], Xu Wenjing and [PERSON_2]."""
    if "[PERSON_" in text:
        for match in _NEIGHBOUR.finditer(text):
            group = "before" if match["before"] else "after"
            words = match[group].split(" ")
            known = len(words) > 1 or words[0].lower() in FIRST_NAMES | UNSURE
            if known and _count(words) == len(words) and _is_likely(words):
                yield Found(*match.span(group), "PERSON", match[group])


def _titled(text: str) -> Iterator[tuple[int, int]]:
    end = 0
    for hint in TITLE_START.finditer(text):
        start = hint.start()
        match = _TITLED.match(text, start) if start >= end else None
        if match is None or (start and (text[start - 1].isalnum() or text[start - 1] in "_[.")):
            continue
        words = match["name"].split(" ")
        count = _count(words)
        while count and _INITIAL_ONE.fullmatch(words[count - 1]):
            count -= 1
        if count:
            end = _with_after(text, match.start("name") + len(" ".join(words[:count])))
            yield start, end


def _in_run(text: str, match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The names in some words that are written large. Most runs are defined terms and are done with at once."""
    words = match[0].split(" ")
    low = match[0].lower().split(" ")
    if sum(map(GENERIC.__contains__, low)) > len(low) - 2:
        return
    known = [_bare(word) not in GENERIC for word in low]
    at = match.start()
    place = 0
    while place < len(words) - 1:
        count = 0
        if known[place]:
            rest = _unrepeated(words[place : place + _MAX_PARTS])
            count = _named(rest) or _in_context(text, at, rest)
        length = len(" ".join(words[place : place + (count or 1)]))
        if count:
            yield at, _with_after(text, at + length)
        at += length + 1
        place += count or 1


def _unrepeated(words: list[str]) -> list[str]:
    """A signature block run into one line says a name twice."""
    return words[: words.index(words[0], 1)] if words[0] in words[1:] else words


def _named(words: list[str]) -> int:
    """How many of the words are a name that a first name begins or a surname ends; 0 if they are none."""
    first = _unaccented(words[0].lower().partition("-")[0])
    if first not in UNSURE and (
        first in FIRST_NAMES or (_INITIALS.fullmatch(words[0]) and words[0] not in _NO_INITIALS)
    ):
        count = _count(words)
        return count if count > 1 and _is_likely(words[:count]) else 0
    if len(words) > 2 and _INITIAL_ONE.fullmatch(words[1]) and _count(words) > 2 and first not in PLACES:
        return 3 if _is_likely(words[:3]) else 0
    return _by_surname(words, unsure=first in UNSURE)


def _by_surname(words: list[str], unsure: bool) -> int:
    """No first name that we know for sure, and a surname that is nothing else."""
    if _bare(words[0]) in PLACES or words[0].endswith("."):
        return 0
    for count in range(min(_count(words), 4), 1, -1):
        last = words[count - 1]
        ending = _ENGLISH_SURNAME.fullmatch(last)
        is_name = (
            _bare(last) in SURNAMES or _SURNAME.fullmatch(last) or (ending and (unsure or not last.endswith("ers")))
        )
        if is_name and _bare(last) not in NO_SURNAMES and _is_likely(words[:count]) and not words[0].isupper():
            return count
    return 0


def _in_context(text: str, start: int, words: list[str]) -> int:
    """What is no name that we know, where contracts name somebody."""
    count = _count(words)
    if count < 2 or not _is_likely(words[:count]):
        return 0
    end = start + len(" ".join(words[:count]))
    if LEADS.search(text, max(0, start - _LEAD_CHARS), start):
        return count
    return count if _bare(words[count - 1]) not in NO_SURNAMES and TRAILS.match(text, end) else 0


def _count(words: list[str]) -> int:
    """How many of the first words may be a name's."""
    count = next((place for place, word in enumerate(words) if _ends_name(word)), len(words))
    while count > 1 and (words[count - 1] in _PARTICLES or (count > 2 and words[count - 1].endswith("."))):
        count -= 1
    return count


def _ends_name(word: str) -> bool:
    if word in _ROMAN:
        return True
    return _bare(word) in GENERIC and word not in _PARTICLES and not _INITIAL_ONE.fullmatch(word)


def _is_likely(words: list[str]) -> bool:
    """No places, no initials of a state, and all in capitals or none: "Xerox SIRT" is nobody."""
    shouted = [word.isupper() for word in words if len(word) > 2 and word[-1] != "."]
    return words[0] not in _NO_INITIALS and any(_bare(word) not in PLACES for word in words) and len(set(shouted)) < 2


def _unaccented(word: str) -> str:
    return word if word.isascii() or word in FIRST_NAMES else normalize("NFD", word).encode("ascii", "ignore").decode()


def _bare(word: str) -> str:
    return word.strip('"“”().,').lower()


def _with_after(text: str, end: int) -> int:
    after = _AFTER.match(text, end)
    return after.end() if after else end
