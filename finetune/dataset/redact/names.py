"""Names as they are told apart and shortened: what is the same person, the same company. Finds none in a text."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.first_names import FIRST_NAMES, UNSURE
from finetune.dataset.redact.memory import Document
from finetune.dataset.redact.placeholders import Found
from finetune.dataset.redact.places import PLACES
from finetune.dataset.redact.terms import COMMON_IN_FIRMS, GENERIC
from finetune.dataset.redact.titles import TITLE

_ENOUGH_ALONE = FIRST_NAMES - UNSURE - GENERIC
_ARTICLES = frozenset({"the", "a", "an", "such", "any", "each", "every", "this"})
_GOES_ON = re.compile(r"[\w@]|-\w")
_NAME_GOES_ON = re.compile(r" (?:[A-Z][a-z]|\[(?:PERSON|COMPANY)_)")

_TITLES = re.compile(rf"^(?:{TITLE} )+|^(?:The )?Honou?rable ")
_AFTER_NAME = re.compile(
    r",? \(?(?:Jr|Sr|JR|SR|II|III|IV|Esq(?:uire)?|QC|KC|SC|MBE|OBE|CBE|Ph\.?D|M\.?D|CPA|FCA|ACA|J\.?D|LL\.?[BM]|MP"
    r"|TD)\b\.?\)?$"
)
_LEADS = "ní ó mac mc nic uí van von de den der di da dos du la le al el bin"
_SURNAME_LEADS = frozenset(_LEADS.split())
_PARTS = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LONG_SUFFIXES = {"incorporated": "inc", "limited": "ltd", "corporation": "corp", "company": "co", "private": "pvt"}
_SHORT_SUFFIXES = """
    inc ltd corp co pvt llc llp lp plc gmbh mbh ag sa nv bv na pty kg se sarl srl spa sas ab as asa oy
    oyj dac clg sl slu
    kk pc lllp aps ulc pte bhd sdn cio scsp eg ev ohg & aca fsb sca
"""
_SUFFIXES = {suffix: suffix for suffix in _SHORT_SUFFIXES.split()} | _LONG_SUFFIXES
_ENDINGS = frozenset({"and", "of", "the", "&", "de", "for", "la", "in", "-"})
_ALIAS = re.compile(
    r",?[^\"“”\n]{0,250}?\((?:[Tt]he |[Hh]ereinafter,? |[Cc]ollectively,? |also )*[\"“]([^\"”]{2,30})[\"”]"
)


def numbered(document: Document, found: Found, text: str) -> int:
    """The number of what was found; of a person or company, as it was named before in full or in short."""
    if found.kind == "PERSON":
        return _person(document, found.key)
    if found.kind == "COMPANY":
        number = _company(document, found.key)
        if alias := _alias_after(text, found.end, found.key):
            document.learn_short("COMPANY", alias, number)
        return number
    return document.number(found.kind, found.key)


def _person(document: Document, name: str) -> int:
    bare = _AFTER_NAME.sub("", _AFTER_NAME.sub("", _TITLES.sub("", name)))
    parts = _PARTS.findall(bare) or [bare]
    key = " ".join(parts).lower()
    surname = parts[-1].lower()
    number = document.number("PERSON", key, _other_keys(parts))
    for known in (surname, *_keys_of_long(parts)):
        document.learn("PERSON", known, number)
    for form in _forms_of_person(parts, bare):
        document.learn_short("PERSON", form, number)
    return number


def _keys_of_long(parts: list[str]) -> list[str]:
    """What other forms of the name are known by. `plain` has no middle names, `only` is a surname alone."""
    first, last = parts[0].lower(), parts[-1].lower()
    if len(parts) == 1:
        return [f"only {last}"]
    plain = [f"plain {first} {last}"] if len(parts) == 2 else []
    return [f"first {first}", f"{first} {last}", f"{first[0]} {last}", *plain]


def _other_keys(parts: list[str]) -> list[str]:
    """Under which keys the same person may be known. John A. Smith is not John B. Smith; John Smith may be either."""
    first, last = parts[0].lower(), parts[-1].lower()
    if len(parts) == 1:
        return [f"first {last}"]
    surname = [last] if first in _SURNAME_LEADS else []
    short = [f"{first} {last}"] if len(parts) == 2 else []
    return [*short, f"plain {first} {last}", f"plain {first[0]} {last}", f"only {last}", *surname]


def _forms_of_person(parts: list[str], bare: str) -> Iterator[str]:
    """As they are written; in capitals too, as under a signature."""
    first, last = parts[0], parts[-1]
    if len(parts) > 1:
        for form in (bare, f"{first} {last}", f"{first[0]}. {last}", f"{last}, {first}"):
            yield form
            yield form.upper()
        if len(first) > 2 and first.lower() in _ENOUGH_ALONE:
            yield _as_title(first)
    if len(last) > 2 and last.lower() not in GENERIC and last.lower() not in PLACES:
        yield _as_title(last)
        yield last.upper()


def _as_title(word: str) -> str:
    return word.title() if word.isupper() else word


def _company(document: Document, name: str) -> int:
    words = [word for word in re.split(r"[\s,]+", name.replace("L.L.C", "LLC")) if word]
    if words[0].lower() == "the":
        words = words[1:]
    plain = [re.sub(r"[^\w&-]", "", word).lower() for word in words]
    stem = len(plain)
    while stem > 1 and plain[stem - 1] in _SUFFIXES:
        stem -= 1
    key = " ".join("&" if word == "and" else word for word in plain[:stem])
    whole = " ".join([key, *(_SUFFIXES[word] for word in plain[stem:])])
    number = document.number("COMPANY", whole, () if stem < len(plain) else [f"short {key}"])
    document.learn("COMPANY", f"short {key}", number)
    for form in _forms_of_company([word.strip(".,") if word.endswith(",") else word for word in words[:stem]]):
        document.learn_short("COMPANY", form, number)
    return number


def _forms_of_company(stem: list[str]) -> Iterator[str]:
    """The name without its suffix, its first words, and its first word where that is a name of its own."""
    for length in range(len(stem), 0, -1):
        words = stem[:length]
        if words[-1].lower() in _ENDINGS or all(_is_common(word) for word in words):
            continue
        if length == 1 and (len(words[0]) < 3 or words[0].lower() in COMMON_IN_FIRMS | UNSURE):
            continue
        form = " ".join(words)
        yield form
        yield form.upper()
        if form.isupper() and len(form) > 4:
            yield " ".join(_as_title(word) if len(word) > 3 else word for word in words)
    if len(stem) > 1 and len(stem[0].strip(".")) < 3:  # J & P Coates, A. P. Moller
        yield from (word for word in stem if len(word) > 3 and not _is_common(word))


def _is_common(word: str) -> bool:
    bare = word.strip("().,").lower()
    return bare in GENERIC or bare in PLACES or bare in _ENDINGS


def _alias_after(text: str, end: int, name: str) -> str:
    """What a company is called in the brackets after its name, if that gives it away: ("Halden"), ("HMS")."""
    match = _ALIAS.match(text, end)
    if match is None:
        return ""
    words = _PARTS.findall(name)
    initials = "".join(word[0] for word in words if word[0].isupper())
    first = match[1].split(" ")[0]
    own = first.lower() in [word.lower() for word in words] and first.lower() not in GENERIC
    return match[1] if own or (len(match[1]) > 2 and initials.startswith(match[1])) else ""


def places_of(form: str, text: str) -> Iterator[int]:
    """Where a short form stands as a name: "Halden shall", not "the Halden" or "Halden Street"."""
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        if _is_free(text, at, end, alone=" " not in form):
            yield at
        at = text.find(form, end)


def _is_free(text: str, start: int, end: int, alone: bool) -> bool:
    before = text[max(0, start - 7) : start]
    if (before and (before[-1].isalnum() or before[-1] in "_[@/")) or _GOES_ON.match(text, end):
        return False
    if not alone:
        return True
    word = before[:-1].rpartition(" ")[2] if before.endswith(" ") else ""
    return word.lower() not in _ARTICLES and _NAME_GOES_ON.match(text, end) is None
