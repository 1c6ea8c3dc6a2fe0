"""A teacher that is scripted but strict, passages to ask it about, and what its answers look like."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256

from finetune.dataset.clean import clean
from finetune.dataset.passages import Matter, Passage, find_passage
from finetune.dataset.values import BuildSettings
from finetune.values import Consent
from finetune.vaults.base import Chunk
from tests.finetune.dataset.texts import LEGALESE, PLAIN, chunk, clause

SETTINGS = BuildSettings(redact="off", writer="teacher")
CONSENT = Consent("key_of_somebody", "2026-03-01T10:00:00Z")

_TEXT = re.compile(r"<text>\n(.*)\n</text>", re.DOTALL)


def matter(of: Chunk) -> Matter:
    passage = find_passage(clean(of.text), SETTINGS.min_chars, SETTINGS.max_turn_chars)
    assert isinstance(passage, Passage)
    return Matter(of.chunk_id, of.document_id, sha256(of.text.encode()).hexdigest(), passage)


def matters(number: int = 6) -> list[Matter]:
    texts = [LEGALESE, PLAIN, *map(clause, range(1, number - 1))]
    return [matter(chunk(text, at)) for at, text in enumerate(texts)]


def good_answer(system: str, user: str) -> str:
    """What an able teacher would say, in no elegant way."""
    found = _TEXT.search(user)
    assert found is not None, user
    if "jot down" in system:
        must = user.rpartition("stand here: ")[2] if "stand here: " in user else ""
        words = re.findall(r"[a-z]{5,}", found[1])[::4]
        return "\n".join(f"- {part}" for part in [*must.split("; "), " ".join(words)] if part)
    return re.sub(r" (the|a|to|of|and|you|your|is|that|not)\b", r" \1, in effect,", found[1])


class Teacher:
    """Answers in several threads at once and remembers what it was asked, and how many asked together.

    `before` is called with the number of the question before it is answered, and may raise.
    """

    def __init__(
        self,
        answer: Callable[[str, str], str] = good_answer,
        before: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.most = 0
        self._answer = answer
        self._before = before
        self._lock = threading.Lock()
        self._now = 0

    def __call__(self, system: str, user: str) -> str:
        with self._lock:
            self.asked[system, user] += 1
            number = self.asked.total()
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self._before(number)
            answer = self._answer(system, user)
            with self._lock:
                self.answered[system, user] += 1
            return answer
        finally:
            with self._lock:
                self._now -= 1


def teacher_threads() -> list[str]:
    """The threads that ask now."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("teacher")]


def streams(of: list[Matter]) -> Callable[[], Iterator[Matter]]:
    return lambda: iter(of)
