"""The default redactor: stretches that the finders see → numbered placeholders. Knows no kind's own form.

One kind after the other, so that a later finder sees the placeholders of an earlier one and no two ever overlap.
Names come last, and after them the short forms of all names that were met in the document so far.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from finetune.dataset.redact.addresses import find_addresses
from finetune.dataset.redact.amounts import find_amounts
from finetune.dataset.redact.companies import find_companies
from finetune.dataset.redact.contact import find_emails
from finetune.dataset.redact.dates import find_dates
from finetune.dataset.redact.memory import Document, Memory
from finetune.dataset.redact.names import numbered, places_of
from finetune.dataset.redact.numbers import find_numbers
from finetune.dataset.redact.persons import find_neighbours, find_persons
from finetune.dataset.redact.placeholders import PLACEHOLDER, Finder, Found, Redacted, Words

ALL_BUT_NAMES: tuple[Finder, ...] = (find_emails, find_numbers, find_dates, find_amounts, find_addresses)
RULES: tuple[Finder, ...] = (
    find_emails,
    find_numbers,
    find_dates,
    find_amounts,
    find_companies,  # before addresses, which are read backwards and would take a firm's name for a building's
    find_addresses,
    find_persons,
    find_neighbours,
)
_WORDS = re.compile(r"\w+")


class RulesRedactor:
    """Replaces what its finders find, one finder after the other, until none finds anything more.

    What was replaced may have hidden what stands beside it; and so a text that was redacted is left as it is.
    """

    def __init__(self, finders: Sequence[Finder] = RULES, memory: Memory | None = None) -> None:
        self._finders = finders
        self._memory = memory or Memory()

    def redact(self, text: str, document_id: str) -> Redacted:
        document = self._memory.open(document_id)
        before = len(document)
        counts: Counter[str] = Counter()
        if "_" in text:
            for kind, number in PLACEHOLDER.findall(text):
                document.keep_free(kind, int(number))
        unread = ""
        while text != unread:
            unread = text
            words = frozenset(_WORDS.findall(text))
            for find in self._finders:
                text = _replaced(text, _numbered(document, text, find(text, words)), counts)
            text = _shortened(document, text, words, counts)
        self._memory.settle(document, before)
        return Redacted(text, dict(sorted(counts.items())))


def _numbered(document: Document, text: str, stretches: Iterable[Found]) -> Iterator[tuple[Found, int]]:
    for found in stretches:
        yield found, numbered(document, found, text)


def _replaced(text: str, stretches: Iterable[tuple[Found, int]], counts: Counter[str]) -> str:
    parts: list[str] = []
    end = 0
    for found, number in stretches:
        parts += text[end : found.start], f"[{found.kind}_{number}]"
        counts[found.kind] += 1
        end = found.end
    return "".join(parts) + text[end:] if parts else text


def _shortened(document: Document, text: str, words: Words, counts: Counter[str]) -> str:
    """The longest first, so that "Acme Widgets" is not taken for "Acme" with something after it."""
    known = [one for one in document.short_forms(words) if one[0] in text]
    for form, kind, number in sorted(known, key=lambda one: -len(one[0])):
        stretches = [(Found(start, start + len(form), kind, form), number) for start in places_of(form, text)]
        text = _replaced(text, stretches, counts)
    return text
