"""On a real pool of threads: who is asked how often, how many at once, and how a run ends."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from finetune.dataset.outcomes import TeacherBusy, TeacherRefused
from finetune.dataset.teacher_asking import MAX_TRIES, Asking, Patience, pause_after
from finetune.dataset.teacher_prompts import Question
from tests.finetune.dataset.teachers import Teacher, teacher_threads

QUICK = Patience(first=0.001, longest=0.01, total=60.0)


def questions(number: int) -> Iterator[Question]:
    return (Question("restate", f"text {at}", at.to_bytes(16)) for at in range(number))


def echo(system: str, user: str) -> str:
    return user


class Run:
    """What came of asking `number` questions."""

    def __init__(self, teacher: Teacher, concurrency: int = 3, patience: Patience = QUICK) -> None:
        self.taken: list[Question] = []
        self._asking = Asking(teacher, concurrency, patience, self._take)

    def __call__(self, number: int, tick: Callable[[], None] = lambda: None) -> Run:
        self._asking.run(questions(number), tick)
        return self

    def _take(self, question: Question, answer: str) -> None:
        assert answer == question.user
        self.taken.append(question)


@pytest.mark.parametrize(
    ("after", "in_a_row", "seconds"),
    [(None, 1, 1.0), (None, 3, 4.0), (None, 50, 60.0), (20.0, 1, 20.0), (0.0, 2, 2.0), (90.0, 9, 90.0)],
)
def test_pauses_double_and_are_never_shorter_than_was_said(after: float | None, in_a_row: int, seconds: float) -> None:
    assert pause_after(TeacherBusy(after), in_a_row, Patience()) == seconds


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_all_are_asked_once_and_never_more_at_once_than_allowed(concurrency: int) -> None:
    together = threading.Barrier(concurrency, timeout=30)
    teacher = Teacher(echo, lambda _: void(together.wait()))
    run = Run(teacher, concurrency)(10 * concurrency)
    assert teacher.most == concurrency
    assert set(teacher.asked.values()) == {1}
    assert sorted(question.key for question in run.taken) == [question.key for question in questions(10 * concurrency)]
    assert teacher_threads() == []


def void(_: object) -> None:
    """Nothing of it."""


def test_questions_are_drawn_only_as_there_is_room() -> None:
    drawn: list[Question] = []
    answered: list[int] = []

    def counted() -> Iterator[Question]:
        for question in questions(50):
            drawn.append(question)
            yield question

    Asking(Teacher(echo), 2, QUICK, lambda *_: answered.append(len(drawn))).run(counted(), lambda: None)
    assert len(answered) == 50
    assert all(number <= before + 2 for before, number in enumerate(answered))


def busy_at(*numbers: int, after: float | None = None) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number in numbers:
            raise TeacherBusy(after)

    return before


def test_a_busy_teacher_is_asked_again_until_all_are_answered() -> None:
    teacher = Teacher(echo, busy_at(2, 3, 4, 9, 10))
    run = Run(teacher)(12)
    assert len(run.taken) == len(teacher.answered) == 12
    assert set(teacher.answered.values()) == {1}
    assert teacher.asked.total() == 17
    assert teacher.most <= 3


def test_many_that_find_it_busy_at_once_are_one_pause() -> None:
    together = threading.Barrier(8, timeout=30)

    def before(number: int) -> None:
        if number <= 8:
            together.wait()
            raise TeacherBusy

    run = Run(Teacher(echo, before), 8, Patience(first=0.1, longest=60.0, total=10.0))(20)
    assert len(run.taken) == 20


def test_a_teacher_that_is_long_busy_is_for_another_time() -> None:
    def always(number: int) -> None:
        if number > 5:
            raise TeacherBusy(after=0.002)

    run = Run(Teacher(echo, always), patience=Patience(first=0.001, longest=0.01, total=0.05))
    with pytest.raises(TeacherBusy) as busy:
        run(20)
    assert busy.value.after is not None
    assert busy.value.after >= 0.002
    assert len(run.taken) == 5
    assert teacher_threads() == []


def test_nobody_waits_for_a_teacher_that_says_it_will_be_long() -> None:
    run = Run(Teacher(echo, busy_at(1, after=3600.0)), concurrency=1)
    with pytest.raises(TeacherBusy) as busy:
        run(5)
    assert busy.value.after == 3600.0
    assert run.taken == []


def test_a_question_that_always_finds_it_busy_is_given_up() -> None:
    poison = Question("restate", "text 3", b"").user

    def answer(system: str, user: str) -> str:
        if user == poison:
            raise TeacherBusy
        return user

    teacher = Teacher(answer)
    run = Run(teacher, patience=Patience(first=0.0, longest=0.0, total=60.0))(200)
    assert len(run.taken) == 199
    assert MAX_TRIES <= max(teacher.asked.values()) < 5 * MAX_TRIES
    assert set(teacher.answered.values()) == {1}


def test_a_refusal_ends_it_and_what_was_under_way_is_kept() -> None:
    together = threading.Barrier(3, timeout=30)

    def before(number: int) -> None:
        if 4 <= number <= 6:
            together.wait()
        if number == 5:
            raise TeacherRefused("invalid_api_key", "no such key")

    teacher = Teacher(echo, before)
    run = Run(teacher)
    with pytest.raises(TeacherRefused) as refused:
        run(50)
    assert (refused.value.code, refused.value.message) == ("invalid_api_key", "no such key")
    assert len(run.taken) == teacher.answered.total()
    assert teacher.asked.total() < 50
    assert teacher_threads() == []


class Stop(Exception):
    """The job is to end."""


def test_it_ends_soon_after_a_tick_raises() -> None:
    ticks = itertools.count(1)
    run = Run(Teacher(echo), concurrency=2)

    def tick() -> None:
        if next(ticks) == 4:
            raise Stop

    with pytest.raises(Stop):
        run(10_000, tick)
    assert len(run.taken) <= 8
    assert teacher_threads() == []


def test_a_tick_is_heard_in_a_pause() -> None:
    run = Run(Teacher(echo, busy_at(1, 2, after=50.0)))

    def tick() -> None:
        if "pausing" in said:
            raise Stop
        said.append("pausing")

    said: list[str] = []
    with pytest.raises(Stop):
        run(2, tick)
    assert run.taken == []


def test_what_the_answers_are_taken_by_may_fail() -> None:
    def fail(question: Question, answer: str) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        Asking(Teacher(echo), 3, QUICK, fail).run(questions(20), lambda: None)
    assert teacher_threads() == []


def test_an_error_of_the_asking_itself_is_not_swallowed() -> None:
    def broken(system: str, user: str) -> str:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        Run(Teacher(broken))(5)
    assert teacher_threads() == []


def test_nothing_to_ask_is_soon_done() -> None:
    assert Run(Teacher(echo))(0).taken == []
