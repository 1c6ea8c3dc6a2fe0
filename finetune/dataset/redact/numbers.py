"""Where long numbers are, and what of: accounts and taxes first, then telephones. Forms are in the modules beneath."""

import re
from collections.abc import Iterator

from finetune.dataset.redact.accounts import accounts_in
from finetune.dataset.redact.contact import phones_in
from finetune.dataset.redact.placeholders import Found, Words, parted
from finetune.dataset.redact.scanning import around

_LONG = re.compile(r"\d(?:(?:[ ./()-]{0,2}\d){4,}|\d{3}[A-Z])")
"""In what is no account, tax or telephone number there are seldom five digits with no comma."""
_REACH = 90, 30


def find_numbers(text: str, _: Words) -> Iterator[Found]:
    """Account, tax and telephone numbers, in order. Where two overlap, a telephone is what is left."""
    for low, high in around((match.span() for match in _LONG.finditer(text)), *_REACH):
        found = list(parted(accounts_in(text, low, high)))
        for one in parted(phones_in(text, low, high)):
            if all(one.end <= other.start or one.start >= other.end for other in found):
                found.append(one)
        yield from sorted(found)
