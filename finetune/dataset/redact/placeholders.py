"""What stands in the place of a name, an amount, a date. Shapes only; nothing is looked for here.

A text that says [PERSON_1] of its own is taken at its word: it was redacted before it came to us, so it stays as
it is and its number is never given to anybody else. Any other bracket ([●], [Name], [COMPANY 1], [PERSON_01])
is no placeholder, and no rule writes one like it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

Kind = Literal["PERSON", "COMPANY", "EMAIL", "PHONE", "ACCOUNT", "TAX_ID", "AMOUNT", "DATE", "ADDRESS"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PLACEHOLDER = re.compile(rf"\[({'|'.join(KINDS)})_([1-9]\d{{0,8}})\]")


class Redacted(Struct, frozen=True):
    """`counts`: kind → how many were replaced, each time that it stood there."""

    text: str
    counts: dict[str, int]


class Found(NamedTuple):
    """A stretch of text to replace. Stretches with one `key` are the same thing; names are told by their text."""

    start: int
    end: int
    kind: Kind
    key: str


Words = frozenset[str]
"""The words of a text as they are written, and perhaps more: where none of some is there, none need be looked for."""

Finder = Callable[[str, Words], Iterable[Found]]
"""Yields what it finds in order, no two of them overlapping."""


_LOOSE = re.compile(r"[\s.()-]+")


def stretch(match: re.Match[str], kind: Kind, group: str | int = 0) -> Found:
    """What a group matched, the same thing however its digits are spaced."""
    return Found(*match.span(group), kind, _LOOSE.sub("", match[group]).upper())


def parted(stretches: Iterable[Found]) -> Iterator[Found]:
    """In order, the first and longest where two overlap."""
    end = 0
    for found in sorted(stretches, key=lambda one: (one.start, -one.end)):
        if found.start >= end:
            end = found.end
            yield found


def placeholders(text: str) -> frozenset[str]:
    """Those that stand in `text`, with their brackets."""
    return frozenset(match[0] for match in PLACEHOLDER.finditer(text)) if "_" in text else frozenset()
