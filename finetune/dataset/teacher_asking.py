"""Many questions to one teacher: a few at once, again where it was busy, given up where that does not end.

One thread decides, the pool's threads do nothing but ask, so nothing here needs a lock. What an answer is worth and
where it is kept is not known here.
"""

import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct

from finetune.dataset.outcomes import Ask, TeacherBusy
from finetune.dataset.teacher_prompts import Question

MAX_TRIES = 8
"""Of a question that finds the teacher busy each time while others are answered: the question is at fault then."""

_TICK_SECONDS = 1.0


class Patience(Struct, frozen=True):
    """In seconds. `first` and `longest` pause where the teacher names none; after `total` without an answer it is
    for somebody else to come back."""

    first: float = 1.0
    longest: float = 60.0
    total: float = 120.0


def pause_after(busy: TeacherBusy, in_a_row: int, patience: Patience) -> float:
    """Seconds to wait: never less than the teacher said, twice as long each time."""
    doubled = min(patience.longest, patience.first * 2.0 ** min(in_a_row - 1, 30))
    return max(busy.after or 0.0, doubled)


class _Sent(Struct, frozen=True):
    question: Question
    pause: int
    """How many pauses there had been."""


class Asking:
    """One run through questions. At most `concurrency` of them are unanswered at any time."""

    def __init__(self, ask: Ask, concurrency: int, patience: Patience, take: Callable[[Question, str], None]) -> None:
        self._ask = ask
        self._concurrency = concurrency
        self._patience = patience
        self._take = take
        self._sent: dict[Future[str], _Sent] = {}
        self._again: deque[Question] = deque()
        self._tries: dict[Question, tuple[int, int]] = {}  # tries, and the answers there were at the first
        self._answers = self._pauses = self._in_a_row = 0
        self._resume_at = self._heard_at = 0.0

    def run(self, questions: Iterator[Question], tick: Callable[[], None]) -> None:
        """Each answer goes to `take` in this thread, and `tick` is called about every second.

        What either raises ends it, and so do TeacherBusy and TeacherRefused; those under way are heard out first.
        """
        self._heard_at = time.monotonic()
        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="teacher")
        try:
            while self._send(pool, questions):
                tick()
                self._wait()
                for future in [future for future in self._sent if future.done()]:
                    self._hear(future)
        finally:
            pool.shutdown(cancel_futures=True)
            self._hear_out()

    def _send(self, pool: ThreadPoolExecutor, questions: Iterator[Question]) -> bool:
        """Sends what there is room for. False where nothing is left to wait for."""
        if self._pause_left() > 0:
            return True
        while len(self._sent) < self._concurrency:
            question = self._again.popleft() if self._again else next(questions, None)
            if question is None:
                break
            future = pool.submit(self._ask, question.system, question.user)
            self._sent[future] = _Sent(question, self._pauses)
        return bool(self._sent)

    def _wait(self) -> None:
        left = self._pause_left()
        seconds = min(left, _TICK_SECONDS) if left > 0 else _TICK_SECONDS
        if self._sent:
            wait(self._sent, seconds, FIRST_COMPLETED)
        else:
            time.sleep(seconds)

    def _pause_left(self) -> float:
        return self._resume_at - time.monotonic()

    def _hear(self, future: Future[str]) -> None:
        sent = self._sent.pop(future)
        try:
            answer = future.result()
        except TeacherBusy as busy:
            self._pause(sent, busy)
            return
        self._answers += 1
        self._in_a_row, self._heard_at = 0, time.monotonic()
        self._tries.pop(sent.question, None)
        self._take(sent.question, answer)

    def _pause(self, sent: _Sent, busy: TeacherBusy) -> None:
        if self._is_tried_again(sent.question):
            self._again.append(sent.question)
        now = time.monotonic()
        is_first = sent.pause == self._pauses  # the others were sent together with it
        self._in_a_row += is_first
        self._pauses += is_first
        seconds = pause_after(busy, self._in_a_row, self._patience) if is_first else busy.after or 0.0
        if now + seconds - self._heard_at > self._patience.total:
            raise TeacherBusy(seconds) from busy
        jittered = seconds * random.uniform(1.0, 1.1)  # noqa: S311 - jitter, not a secret
        self._resume_at = max(self._resume_at, now + jittered)

    def _is_tried_again(self, question: Question) -> bool:
        tries, answers = self._tries.pop(question, (0, self._answers))
        if tries + 1 >= MAX_TRIES and self._answers > answers:
            return False
        self._tries[question] = (tries + 1, answers)
        return True

    def _hear_out(self) -> None:
        """The pool is at rest. What was answered was paid for, so it is kept, whatever it is that ends the run."""
        for future, sent in self._sent.items():
            if not future.cancelled() and future.exception() is None:
                with contextlib.suppress(OSError):
                    self._take(sent.question, future.result())
