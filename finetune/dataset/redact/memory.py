"""Which number stands for what in a document, for as many documents as fit. Looks for nothing in a text.

Chunks of a document mostly come together. When more than `room` things are remembered, the documents that were
not seen for longest are forgotten: one that comes back after that begins anew, with other numbers perhaps, and as
well redacted as before.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator

from finetune.dataset.redact.placeholders import Kind

ROOM = 100_000
"""About 30 MB."""
ROOM_OF_ONE = 20_000
"""A document of more things than this is a table: it forgets its own oldest."""


_OUT_OF_REACH = 100_000
_HEAD = re.compile(r"\w*")


class Document:
    """`numbers`: what is known, by kind and key. `short`: first word → the short forms that begin with it."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], int] = {}
        self.short: dict[str, dict[str, tuple[Kind, int]]] = {}
        self._last: Counter[str] = Counter()
        self._shorts = 0

    def __len__(self) -> int:
        return len(self.numbers) + self._shorts

    def number(self, kind: Kind, key: str, others: Iterable[str] = ()) -> int:
        """The number of what has this key, or one of the `others`; else the next one."""
        for known in (key, *others):
            if (number := self.numbers.get((kind, known))) is not None:
                break
        else:
            self._last[kind] += 1
            number = self._last[kind]
        self.learn(kind, key, number)
        return number

    def learn(self, kind: Kind, key: str, number: int) -> None:
        """Whoever had the key first keeps it."""
        self.numbers.setdefault((kind, key), number)
        if len(self.numbers) > ROOM_OF_ONE:
            del self.numbers[next(iter(self.numbers))]

    def learn_short(self, kind: Kind, form: str, number: int) -> None:
        head = _HEAD.match(form)
        forms = self.short.setdefault(head[0] if head else "", {})
        if form not in forms and self._shorts < ROOM_OF_ONE:
            forms[form] = kind, number
            self._shorts += 1

    def keep_free(self, kind: str, number: int) -> None:
        """A number that the text itself uses is nobody else's. One out of all reach is left alone."""
        if number < _OUT_OF_REACH:
            self._last[kind] = max(self._last[kind], number)

    def short_forms(self, words: Iterable[str]) -> Iterator[tuple[str, Kind, int]]:
        """The short forms that begin with one of the words."""
        for word in sorted(self.short.keys() & words):
            for form, (kind, number) in self.short[word].items():
                yield form, kind, number


class Memory:
    """The documents that were seen last."""

    def __init__(self, room: int = ROOM) -> None:
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._room = room
        self._held = 0

    def open(self, document_id: str) -> Document:
        document = self._documents.get(document_id)
        if document is None:
            document = self._documents[document_id] = Document()
        self._documents.move_to_end(document_id)
        return document

    def settle(self, document: Document, before: int) -> None:
        """`document`, which held `before` things, has been read; makes room."""
        self._held += len(document) - before
        while self._held > self._room and len(self._documents) > 1:
            _, forgotten = self._documents.popitem(last=False)
            self._held -= len(forgotten)
