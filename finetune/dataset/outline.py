"""A passage → what somebody who wants it drafted would jot down: headings, points, terms and figures.

The points are words of the neutralised text, never a sentence of the firm's; the figures and names are all
there, so that a model learns to use what it is given and not to make facts up.
"""

import re

from finetune.dataset.neutral import Restated
from finetune.dataset.passages import Clause
from finetune.dataset.redact import PLACEHOLDER, placeholders
from finetune.dataset.sentences import sentences, unmarked

MAX_TERMS = 16
MAX_FIGURES = 16

_STOP_WORDS = (
    "a about above after all also am an and any are as at be because been before being below between both "
    "but by can company's could did do document documents does doing down during each either every for "
    "from further had has have having he her here his how however i if in into is it its itself just made "
    "make may might more most must my need neither no nor not now of off on once one ones only or other "
    "our out over own present said same she should so some such than that that's the their them then "
    "there these they this those through to too under until up us user's very was we were what when where "
    "which while who whom whose why will with within without would you your yours"
)
_STOPPED = frozenset(form for word in _STOP_WORDS.split() for form in (word, word.capitalize(), word.upper()))
_WORD = re.compile(r"\[[A-Z_]+_\d+\]|[^\W\d_][\w'\u2019-]*")
_CLAUSE_BREAK = re.compile(r"; |: | -- |\u2014")
_QUOTED = re.compile(r"[\"“]([^\W\d_][^\"“”\n]{1,60}?)[,.]?[\"”]")
_CAPITALISED = re.compile(
    r"(?<=[a-z,;] )((?:[A-Z][\w&\u2019'-]*[\w](?:[ -](?:of|and|for|the|de|&) (?=[A-Z])|[ -](?=[A-Z]))?){2,8})"
)
_POSSESSIVE = re.compile(r"['\u2019]s$")
_UNIT = (
    r"(?:%| percent| per cent| (?:million|billion)|\)? (?:business |calendar |working )?"
    r"(?:hour|day|week|month|quarter|year)s?\b)"
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_PARTS = "[Ss]ections?|[Aa]rticles?|[Cc]lauses?|Exhibit|Schedule|Appendix|Annex|Rule|§"
_FIGURE = re.compile(
    rf"(?<!\w)(?=[\dUJFMASONDsacER$€£§])(?:(?:US)?[$€£] ?\d[\d,.]*(?: million| billion)?"
    rf"|\b(?:{_MONTHS}) \d{{1,2}},? \d{{4}}|\b\d{{1,2}} (?:{_MONTHS}) \d{{4}}"
    rf"|\b(?:{_PARTS}) ?\d+[\w.]*(?:\([a-z0-9]+\))*"
    rf"|\b\d[\d,]*(?:\.\d+)?{_UNIT}|\b\d[\d,]{{3,}}\b)"
)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+\.[\w.]+|https?://\S+")


def outline(clauses: list[Clause], restated: Restated) -> str:
    lines: list[str] = []
    for clause in clauses:
        if clause.title:
            lines.append(f"{clause.title}:")
        lines.extend(f"- {point}" for point in _points(clause, restated))
    text = "\n".join(clause.text for clause in clauses)
    terms, figures = _terms(text, "\n".join(clause.title for clause in clauses)), _figures(text)
    if unsaid := _without(placeholders("\n".join(lines)), text):
        lines.append(f"Names and figures: {'; '.join(unsaid)}")
    if terms:
        lines.append(f"Terms and names: {'; '.join(terms)}")
    if figures:
        lines.append(f"Figures and references: {'; '.join(figures)}")
    return "\n".join(lines)


def _without(said: frozenset[str], text: str) -> list[str]:
    """The placeholders of a text that are not among those said."""
    return [name for name in dict.fromkeys(match[0] for match in PLACEHOLDER.finditer(text)) if name not in said]


def _points(clause: Clause, restated: Restated) -> list[str]:
    points = []
    title = set(_WORD.findall(clause.title.lower()))
    for line in restated[clause.text].split("\n"):
        bare = unmarked(line.lstrip("#> "))
        for sentence in sentences(bare):
            for part in _CLAUSE_BREAK.split(sentence):
                point = _point(part)
                if not title.issuperset(point.lower().split()):
                    points.append(point)
    return points


def _point(sentence: str) -> str:
    """A third of a sentence's words, the telling ones, in the order in which they stand."""
    words = dict.fromkeys(_WORD.findall(sentence))
    telling = [word for word in words if word not in _STOPPED]
    wanted = min(max(3, len(words) // 3), 14)
    if len(telling) > wanted:
        chosen = set(sorted(telling, key=_dullness)[:wanted])
        telling = [word for word in telling if word in chosen]
    return " ".join(telling)


def _dullness(word: str) -> int:
    return -min(len(word), 9)


def _terms(text: str, titles: str) -> list[str]:
    quoted, named = _QUOTED.findall(text), _CAPITALISED.findall(text)
    found = dict.fromkeys(_POSSESSIVE.sub("", term.strip()) for term in (*quoted, *named))
    return [term for term in found if term not in titles][:MAX_TERMS]


def _figures(text: str) -> list[str]:
    found = _FIGURE.findall(text)
    if "@" in text or "://" in text:
        found += _ADDRESS.findall(text)
    return list(dict.fromkeys(figure.rstrip(".,").replace(") ", " ") for figure in found))[:MAX_FIGURES]
