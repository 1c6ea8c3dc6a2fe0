"""The default redactor: stretches that the finders see → numbered placeholders. Knows no kind's own form.

One kind after the other, so that a later finder sees the placeholders of an earlier one and no two ever overlap.
Names come last, and after them the short forms of all names that were met in the document so far.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from finetune.dataset.redact.addresses import find_addresses
from finetune.dataset.redact.amounts import find_amounts
from finetune.dataset.redact.companies import find_companies
from finetune.dataset.redact.contact import find_emails, find_numbers
from finetune.dataset.redact.dates import find_dates
from finetune.dataset.redact.memory import Document, Memory
from finetune.dataset.redact.names import numbered, places_of
from finetune.dataset.redact.persons import find_neighbours, find_persons
from finetune.dataset.redact.placeholders import PLACEHOLDER, Finder, Found, Redacted

_FINDERS: tuple[Finder, ...] = (find_emails, find_dates, find_numbers, find_amounts)
_NAME_FINDERS: tuple[Finder, ...] = (find_companies, find_addresses, find_persons, find_neighbours)
_CAPITALISED = re.compile(r"[A-ZÀ-ÖØ-Þ\u0100-\u017f][^\s,.;:()\[\]\"“”]*")


class RulesRedactor:
    """`name_finders` find persons and companies; all else is found by rules always."""

    def __init__(self, name_finders: Sequence[Finder] = _NAME_FINDERS, memory: Memory | None = None) -> None:
        self._name_finders = name_finders
        self._memory = memory or Memory()

    def redact(self, text: str, document_id: str) -> Redacted:
        document = self._memory.open(document_id)
        before = len(document)
        counts: Counter[str] = Counter()
        if "_" in text:
            for kind, number in PLACEHOLDER.findall(text):
                document.keep_free(kind, int(number))
        for find in _FINDERS:
            text = _replaced(text, find(text), lambda found: document.number(found.kind, found.key), counts)
        for find in self._name_finders:
            text = _replaced(text, find(text), lambda found: numbered(document, found), counts)
        text = _shortened(text, document, counts)
        self._memory.settle(document, before)
        return Redacted(text, dict(sorted(counts.items())))


def _replaced(text: str, stretches: Iterable[Found], number: Callable[[Found], int], counts: Counter[str]) -> str:
    parts: list[str] = []
    end = 0
    for found in stretches:
        parts += text[end : found.start], f"[{found.kind}_{number(found)}]"
        counts[found.kind] += 1
        end = found.end
    return "".join(parts) + text[end:] if parts else text


def _shortened(text: str, document: Document, counts: Counter[str]) -> str:
    """Short forms by their first words, so that a document of a thousand names costs a chunk no more than one of ten."""
    if not document.short:
        return text
    known = [one for one in document.short_forms(set(_CAPITALISED.findall(text))) if one[0] in text]
    for form, kind, number in sorted(known, key=lambda one: -len(one[0])):
        stretches = [Found(start, start + len(form), kind, form) for start in places_of(form, text)]
        text = _replaced(text, stretches, lambda _, number=number: number, counts)
    return text
