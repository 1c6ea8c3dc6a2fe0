"""The writer that has a teacher: a model restates the firm's text and makes notes of it, for the user's turn.

The firm's own text stays the assistant's, untouched; where an answer cannot be used, the rules' pair for that piece
stands instead. The teacher sees the firm's documents, redacted, so somebody must have agreed to it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Self

from finetune.dataset.clean import neutralise_tokens
from finetune.dataset.count import estimate_tokens
from finetune.dataset.outcomes import Ask, TeacherRefused
from finetune.dataset.passages import Matter
from finetune.dataset.phrasings import DRAFT, REPHRASE, phrase
from finetune.dataset.reading import MAX_INSTRUCTION_CHARS
from finetune.dataset.teacher_asking import Asking, Patience
from finetune.dataset.teacher_cache import TeacherCache
from finetune.dataset.teacher_checks import judge
from finetune.dataset.teacher_prompts import (
    Question,
    Task,
    TeacherTokens,
    estimate_teacher_tokens,
    questions,
    teacher_key,
)
from finetune.dataset.values import BuildSettings, Example, Kind
from finetune.dataset.writers import RulesWriter
from finetune.values import Consent

__all__ = ["Patience", "TeacherTokens", "TeacherWriter"]

CONSENT_REQUIRED = "teacher_consent_required"

MAX_ANSWER_CHARS = 100_000
"""Of an answer that is kept; one that is as long can never be used."""

_PROGRESS_EVERY = 100
_KINDS: dict[Task, Kind] = {"restate": "rephrase-as", "outline": "summarize-this"}


class TeacherWriter:
    """See writers.Writer. `prepare` asks and may be ended and begun again at any time; `pairs` asks nobody.

    `cache_url` is a folder that all workers share; it holds the firm's matter, so it is the tenant's own. `model`
    names the teacher in it: what is kept of one answers for no other. `allow` is told what is still to be asked
    before anything is, counted with `count`, and raises where that is too much. To be closed when the data set is
    written. Raises TeacherRefused without `consent`, and OSError.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        model: str,
        cache_url: str,
        settings: BuildSettings,
        consent: Consent | None,
        concurrency: int = 4,
        patience: Patience | None = None,
        allow: Callable[[TeacherTokens], None] | None = None,
        count: Callable[[str], int] = estimate_tokens,
    ) -> None:
        if consent is None or not consent.by.strip() or not consent.at.strip():
            raise TeacherRefused(CONSENT_REQUIRED, "Nobody has agreed that a teacher model may see the documents.")
        self.consent = consent
        self._ask = ask
        self._model = model
        self._settings = settings
        self._concurrency = concurrency
        self._patience = patience or Patience()
        self._rules = RulesWriter(settings)
        self._allow = allow
        self._count = count
        self._cache = TeacherCache(f"{cache_url.rstrip('/')}/{teacher_key(model)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._cache.close()

    def prepare(self, matters: Callable[[], Iterator[Matter]], total: int, progress: Callable[[int], None]) -> None:
        """Asks whatever has not been answered before.

        Raises TeacherBusy where somebody is to come back later, TeacherRefused where there is no use in that, what
        `allow` and `progress` raise, and OSError of the cache. What was answered until then is kept.
        """
        self._cache.refresh()
        if self._allow is not None:
            unanswered = self._unanswered(matters(), _Round(self._cache, lambda _: progress(0)))
            self._allow(estimate_teacher_tokens(unanswered, self._count))
        at_once = self._concurrency
        this = _Round(self._cache, lambda begun: progress(max(0, begun - at_once)))
        asking = Asking(self._ask, at_once, self._patience, this.take)
        try:
            asking.run(this.once(self._unanswered(matters(), this)), this.tick)
        except BaseException:
            with contextlib.suppress(OSError):
                self._cache.flush()
            raise
        self._cache.flush()
        self._cache.refresh()  # what others answered meanwhile counts too, so that it counts the same next time
        progress(total)

    def pairs(self, matter: Matter) -> Iterator[Example | str]:
        """The teacher's pair of each piece or, with the reason, the rules' one; then what the rules alone make."""
        by_rules = {
            (made.kind, made.assistant): made for made in self._rules.pairs(matter) if isinstance(made, Example)
        }
        for question in questions(matter, self._settings, self._model):
            kind, assistant = _KINDS[question.task], neutralise_tokens(question.text)
            fallback = by_rules.pop((kind, assistant), "too_similar")
            text, reason = self._answered(question)
            if reason:
                yield reason
                yield fallback
            else:
                user = neutralise_tokens(_phrased(question, matter, text))
                yield Example(kind, matter.chunk_id, matter.document_id, user, assistant)
        yield from by_rules.values()

    def _unanswered(self, matters: Iterator[Matter], this: "_Round") -> Iterator[Question]:
        for matter in matters:
            this.begin()
            for question in questions(matter, self._settings, self._model):
                if question.key not in self._cache:
                    yield question

    def _answered(self, question: Question) -> tuple[str, str]:
        answer = self._cache.get(question.key)
        if answer is None:
            return "", "teacher_unanswered"
        return judge(question, answer, self._settings.max_turn_chars - MAX_INSTRUCTION_CHARS)


class _Round:
    """One way through all matters. `tell`: with the number of those that it has come to."""

    def __init__(self, cache: TeacherCache, tell: Callable[[int], None]) -> None:
        self._cache = cache
        self._tell = tell
        self._begun = 0
        self._under_way: set[bytes] = set()

    def begin(self) -> None:
        """The next matter's turn."""
        self._begun += 1
        if self._begun % _PROGRESS_EVERY == 0:
            self._tell(self._begun)

    def once(self, wanted: Iterator[Question]) -> Iterator[Question]:
        """Without one that is under way, since several passages may have a piece in common."""
        for question in wanted:
            if question.key not in self._under_way:
                self._under_way.add(question.key)
                yield question

    def take(self, question: Question, answer: str) -> None:
        self._cache.put(question.key, answer[:MAX_ANSWER_CHARS])
        self._under_way.discard(question.key)

    def tick(self) -> None:
        self._cache.flush_due()
        self._tell(self._begun)


def _phrased(question: Question, matter: Matter, text: str) -> str:
    """The same phrasing as the rules' pair of the piece has."""
    if question.task == "outline":
        return phrase(DRAFT, matter.chunk_id, text)
    return phrase(REPHRASE, f"{matter.chunk_id} {question.text}", text)
