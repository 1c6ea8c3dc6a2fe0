"""The firm's text → the same matter in other words: what a model is given when it is to write the firm's own.

Works both ways: legalese is made plain (plainer.py), plain English is made stiff (stiffer.py). The result
need not be good prose; it must say the same and must not sound like the firm.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from finetune.dataset.plainer import PLAINER, ROLES
from finetune.dataset.redact import PLACEHOLDER
from finetune.dataset.signatures import bare_words
from finetune.dataset.stiffer import STIFFER, VERBS

_SEEN_LEGALESE = re.compile(
    r"(?=[dhnpstuw])\b(?:shall|such|said|upon|pursuant|notwithstanding"
    r"|(?:here|there|where)(?:by|of|in|to|under|after|with|for)"
    r"|set forth|deemed|provided, however|without limitation)\b",
    re.IGNORECASE,
)
_SEEN_PLAIN = re.compile(r"(?=[WwuOoYyPp])\b(?:[Ww]e|us|[Oo]ur|[Yy]ou(?:rs?)?|[Pp]lease)\b")
_SEEN_SHORTENED = re.compile(r"['\u2019](?:t(?<=n.t)|(?:re|ve|ll)(?<!\b[Ww]e...)(?<!\b[Yy]ou...))\b")

_EMPHASIS = re.compile(r"\*\*\*?|_(?:(?<!\w_)_?(?=\S)|(?<=\S_)_?(?!\w))")
_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)"
)
_NUMBER_TWICE = re.compile(
    rf"(?=[efhnost])\b{_NUMBER_WORD}(?:[ -](?:and )?{_NUMBER_WORD}){{0,4}}(?: percent| dollars)? \((\$?\d[\d,.]*%?)\)",
    re.IGNORECASE,
)
_FIGURE_AGAIN = re.compile(r"\(\$?\d")
_DEFINITION = re.compile(r" ?\((?:[A-Za-z, ]{0,30} ?)?[\"“][^\"”()\[]{2,60}[\"”](?: or [\"“][^\"”()\[]{2,60}[\"”])?\)")
_JOINT = re.compile(r"; (?:and |or )?([a-z])(?=\S* (?:\S+ ){4})")
_SENTENCE_START = re.compile(r"(?:^|[.!?:][\"”)]* |\n)(?:[(\[]?\w{1,4}[.)\]] )?$")
_PROVISO = re.compile(
    r"[;,:] ?provided(?:,? (however|further))?,?(?: that,? |,? (?=if |the |any |no |such |[A-Z]))",
    re.IGNORECASE,
)
_AN = re.compile(r"([Aa])(?<!\w.)n (?=[b-df-gj-np-tv-z])")
_A = re.compile(r"([Aa])(?<!\w.) (?=[aei]|o(?!n[ec]))")
_DETERMINERS = ("this", "the", "such", "each", "any", "either", "other", "neither")
_AFTER = "|".join(rf"(?<=\b[{word[0].upper()}{word[0]}]{word[1:]} )" for word in _DETERMINERS)
_ROLE = re.compile(  # from the space on, since most places in a text are none
    rf" (?=[A-Z])(?:{_AFTER})((?:{'|'.join(word.capitalize() for word in ROLES.split())})s?)\b(?! [A-Z])"
)

_BE = {"are": "is", "were": "was", "have": "has", "do": "does"}
_VERBS = frozenset(VERBS.split())
_SUBJECT = re.compile(r"\b([Ww]e|[Yy]ou)\b((?: (?:also|each|both|only|never|always|[a-z]{2,12}ly))?)(?: ([a-z]+)\b)?")
_SHORTENED = re.compile(r"\b([Ww]e|[Yy]ou)['\u2019](re|ve|ll|d)\b")
_NEGATED = re.compile(r"\b([Dd]o|[Hh]ave|[Aa]re|[Ww]ere)n['\u2019]t\b")
_LONG = {"re": "are", "ve": "have", "ll": "will", "d": "would"}
_PERSONS = {
    "our": "the company's",
    "ours": "the company's",
    "us": "the company",
    "your": "the user's",
    "yours": "the user's",
    "yourself": "the user",
    "yourselves": "the user",
    "ourselves": "the company",
    "my": "the person's",
    "i": "the person",
    "me": "the person",
}
_PERSON = re.compile(r"\b(?:[Oo]urs?|us|[Yy]ours?|[Yy]oursel(?:f|ves)|ourselves|[Mm]y|I(?=[ '])|me)\b")

_PLACEHOLDER = re.compile(PLACEHOLDER.pattern, re.IGNORECASE)


def neutralise(text: str) -> str:
    """`text` with its lines kept, one for one, and its register left behind."""
    text = "\n".join(_spoken(line) for line in _EMPHASIS.sub("", text).split("\n"))
    if _FIGURE_AGAIN.search(text):
        text = _NUMBER_TWICE.sub(r"\1", text)
    text = _DEFINITION.sub("", text)
    text = _plainer(text) if _is_legalese(text) else _stiffer(text)
    return _A.sub(r"\1n ", _AN.sub(r"\1 ", text))


class Restated:
    """A text neutralised once, from which any of its pieces can be had (whole lines, in any order)."""

    def __init__(self, text: str) -> None:
        self._lines = dict(zip(text.split("\n"), neutralise(text).split("\n"), strict=True))

    def __getitem__(self, piece: str) -> str:
        return "\n".join(self._lines[line] for line in piece.split("\n"))


def similarity(one: str, other: str) -> float:
    """0 to 1: the share of neighbouring word pairs (case aside) that two texts have in common."""
    pairs = [_word_pairs(text) for text in (one, other)]
    total = len(pairs[0]) + len(pairs[1])
    return 2 * len(pairs[0] & pairs[1]) / total if total else 1.0


def _word_pairs(text: str) -> set[tuple[str, str]]:
    words = bare_words(text).split()
    return set(pairwise(words))


def _spoken(line: str) -> str:
    """A line that shouts is written small."""
    if len(line) < 40 or not line.isupper():
        return line
    small = _PLACEHOLDER.sub(lambda match: match[0].upper(), line.lower())
    return re.sub(r"(?:^|(?<=[.!?] ))[\"“(]*[a-z]", lambda start: start[0].upper(), small)


def _is_legalese(text: str) -> bool:
    plain = len(_SEEN_PLAIN.findall(text)) + len(_SEEN_SHORTENED.findall(text))
    return len(_SEEN_LEGALESE.findall(text)) >= plain


def _plainer(text: str) -> str:
    text = _PROVISO.sub(lambda match: ". However, " if match[1] else ", but only if ", text)
    text = _JOINT.sub(lambda match: f". {match[1].upper()}", text)
    text = _use_plainer(text)
    return _ROLE.sub(lambda match: match[0].lower(), text)


def _stiffer(text: str) -> str:
    if "'" in text or "\u2019" in text:
        text = _NEGATED.sub(r"\1 not", text)
        text = _SHORTENED.sub(lambda match: f"{match[1]} {_LONG[match[2]]}", text)
    text = _SUBJECT.sub(_third_person, text)
    text = _PERSON.sub(lambda match: _as_written(match, _PERSONS[match[0].lower()]), text)
    return _use_stiffer(text)


def _third_person(match: re.Match[str]) -> str:
    who = _as_written(match, "the company" if match[1].lower() == "we" else "the user")
    verb = match[3]
    if verb is None:
        return who + match[2]
    return f"{who}{match[2]} {_with_s(verb)}"


def _with_s(verb: str) -> str:
    if verb in _BE:
        return _BE[verb]
    if verb not in _VERBS:
        return verb
    if verb.endswith(("s", "x", "sh", "ch")):
        return verb + "es"
    return verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeou" else verb + "s"


def _as_written(match: re.Match[str], words: str) -> str:
    return words[0].upper() + words[1:] if match[0][0].isupper() else words


def _rewriter(table: Mapping[str, str]) -> Callable[[str], str]:
    """Grouped by first letter, since the engine tries the members of an alternation one by one."""
    by_letter: dict[str, list[str]] = {}
    for phrase in sorted(table, key=len, reverse=True):
        by_letter.setdefault(phrase[0], []).append(re.escape(phrase[1:]).replace("'", "['\u2019]"))
    groups = (f"[{letter}{letter.upper()}](?:{'|'.join(rest)})" for letter, rest in sorted(by_letter.items()))
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(groups)})(?!\w)")  # "non-exclusive" is one word

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if found[0].isupper() and not _opens_sentence(match):
            return found  # a defined term, or a name
        return _as_written(match, table[found.lower().replace("\u2019", "'")])

    return lambda text: pattern.sub(replace, text)


def _opens_sentence(match: re.Match[str]) -> bool:
    return _SENTENCE_START.search(match.string[max(0, match.start() - 12) : match.start()]) is not None


_use_plainer = _rewriter(PLAINER)
_use_stiffer = _rewriter(STIFFER)
