"""The writer that has a teacher: what becomes of its answers, what is never paid for twice, what ends it."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from finetune.dataset import read_examples, read_manifest
from finetune.dataset.artifacts import FILES, TRAIN, VALIDATION
from finetune.dataset.build import build
from finetune.dataset.outcomes import Ask, TeacherBusy, TeacherRefused
from finetune.dataset.passages import Matter
from finetune.dataset.redact import placeholders
from finetune.dataset.teacher import Patience, TeacherTokens, TeacherWriter
from finetune.dataset.teacher_prompts import questions
from finetune.dataset.values import Example
from finetune.dataset.writers import RulesWriter
from finetune.values import Consent
from tests.finetune.dataset.teachers import (
    CONSENT,
    SETTINGS,
    Teacher,
    good_answer,
    matter,
    matters,
    streams,
    teacher_threads,
)
from tests.finetune.dataset.texts import LEGALESE, chunk, vault
from tests.support.admin import NO_TLS, unique
from tests.support.processes import Program

QUICK = Patience(first=0.001, longest=0.01, total=60.0)


def opened(
    ask: Ask, cache: Path, model: str = "stock", allow: Callable[[TeacherTokens], None] | None = None
) -> TeacherWriter:
    return TeacherWriter(
        ask,
        model=model,
        cache_url=str(cache),
        settings=SETTINGS,
        consent=CONSENT,
        patience=QUICK,
        allow=allow,
    )


def prepare(ask: Ask, cache: Path, of: list[Matter], progress: Callable[[int], None] = lambda _: None) -> None:
    with opened(ask, cache) as writer:
        writer.prepare(streams(of), len(of), progress)


def pairs(cache: Path, of: list[Matter], ask: Ask = good_answer) -> list[list[Example | str]]:
    with opened(ask, cache) as writer:
        writer.prepare(streams(of), len(of), lambda _: None)
        return [list(writer.pairs(one)) for one in of]


def nobody(system: str, user: str) -> str:
    raise AssertionError("nothing was left to ask")


def by_rules(of: list[Matter]) -> list[Example]:
    writer = RulesWriter(SETTINGS)
    return [pair for one in of for pair in writer.pairs(one) if isinstance(pair, Example)]


def examples(made: list[list[Example | str]]) -> list[Example]:
    return [pair for some in made for pair in some if isinstance(pair, Example)]


def reasons(made: list[list[Example | str]]) -> Counter[str]:
    return Counter(pair for some in made for pair in some if isinstance(pair, str))


@pytest.mark.parametrize("consent", [None, Consent("", "2026-03-01T10:00:00Z"), Consent("key", " ")])
def test_nobody_is_asked_before_somebody_agreed(tmp_path: Path, consent: Consent | None) -> None:
    with pytest.raises(TeacherRefused) as refused:
        TeacherWriter(nobody, model="stock", cache_url=str(tmp_path), settings=SETTINGS, consent=consent)
    assert refused.value.code == "teacher_consent_required"


def test_the_teacher_makes_the_users_turn_and_the_firms_text_answers_untouched(tmp_path: Path) -> None:
    of = matters()
    made = pairs(tmp_path, of)
    assert reasons(made) == {}
    rules = by_rules(of)
    key = lambda pair: (pair.chunk_id, pair.kind, pair.assistant)  # noqa: E731
    assert sorted(map(key, examples(made))) == sorted(map(key, rules))
    theirs = {pair.user for pair in rules}
    asked = [question.text for one in of for question in questions(one, SETTINGS, "stock")]
    assert len(asked) == 15
    for pair in examples(made):
        assert (pair.user in theirs) == (pair.kind == "extract-clauses" or pair.assistant not in asked)
        assert (" in effect, " in pair.user) == (pair.kind == "rephrase-as")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: "", "teacher_empty"),
        (lambda _: "I'm sorry, I can't help with that.", "teacher_refused"),
        (lambda _: "No.", "teacher_too_short"),
        (lambda _: "It is so. " * 20_000, "teacher_too_long"),
        (lambda good: good.replace("2", "3"), "teacher_lost_number"),
        (lambda good: good.rstrip(".") + " [PERSON_9].", "teacher_added_placeholder"),
        (lambda good: good.replace(" in effect,", ""), "teacher_too_similar"),
    ],
)
def test_where_an_answer_cannot_be_used_the_rules_pair_stands(
    tmp_path: Path, spoil: Callable[[str], str], reason: str
) -> None:
    of = matters()
    made = pairs(tmp_path, of, lambda system, user: spoil(good_answer(system, user)))
    rules = by_rules(of)
    assert reasons(made)[reason] > 0
    assert {one.split("_")[0] for one in reasons(made)} == {"teacher"}
    kinds = Counter((pair.chunk_id, pair.kind, pair.assistant) for pair in rules)
    assert Counter((pair.chunk_id, pair.kind, pair.assistant) for pair in examples(made)) == kinds
    fallen = reasons(made).total()
    assert sum(pair in rules for pair in examples(made)) >= fallen


def test_what_the_rules_cannot_restate_the_teacher_can(tmp_path: Path) -> None:
    flat = [matter(chunk("Apples grow on trees in rows and bees fly among them. " * 4))]
    assert [pair for pair in RulesWriter(SETTINGS).pairs(flat[0]) if isinstance(pair, str)] == ["too_similar"]

    def answer(system: str, user: str) -> str:
        return "- apples on trees, in rows\n- bees about" if "jot" in system else "There are rows of apple trees. " * 6

    [made] = pairs(tmp_path / "able", flat, answer)
    assert [pair.kind for pair in made if isinstance(pair, Example)] == ["rephrase-as", "summarize-this"]
    assert reasons([made]) == {}
    [made] = pairs(tmp_path / "unable", flat, lambda *_: "")
    assert reasons([made]) == {"teacher_empty": 2, "too_similar": 1}


def test_the_same_answers_make_the_same_pairs_in_whatever_order_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = matters(12)
    expected = pairs(tmp_path / "plain", of)
    total = sum(len(questions(one, SETTINGS, "stock")) for one in of)
    for seed in range(4):
        cache, source = tmp_path / str(seed), random.Random(seed)  # noqa: S311 - repeatable
        monkeypatch.setattr("finetune.dataset.teacher_cache.FLUSH_ANSWERS", seed + 1)
        shuffled = source.sample(of, len(of))
        teacher = Teacher(good_answer, Shuffling(4, total, source))
        prepare(teacher, cache, shuffled)
        assert teacher.most == 4
        assert pairs(cache, of, nobody) == expected


class Shuffling:
    """Lets `total` questions be answered in another order than they are asked in: one of every `number` that wait."""

    def __init__(self, number: int, total: int, source: random.Random) -> None:
        self._changed = threading.Condition()
        self._waiting: list[int] = []
        self._number = number
        self._total = total
        self._source = source

    def __call__(self, number: int) -> None:
        with self._changed:
            self._waiting.append(number)
            if number == self._total:
                self._waiting.clear()
            elif len(self._waiting) == self._number:
                self._waiting.remove(self._source.choice(self._waiting[:-1]))
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: number not in self._waiting, timeout=30)


def test_of_two_workers_that_asked_at_once_the_same_answer_counts_for_both(tmp_path: Path) -> None:
    of = matters()
    other = opened(good_answer, tmp_path)
    with other, opened(lambda *asked: good_answer(*asked).replace("effect", "the end"), tmp_path) as one:
        one.prepare(
            Interposing(of, lambda: other.prepare(streams(of), len(of), lambda _: None)), len(of), lambda _: None
        )
        other.prepare(streams(of), len(of), lambda _: None)
        assert [list(one.pairs(each)) for each in of] == [list(other.pairs(each)) for each in of]


class Interposing:
    """Matters, and something that happens after the first of them."""

    def __init__(self, of: list[Matter], happens: Callable[[], None]) -> None:
        self._of = of
        self._happens = happens

    def __call__(self) -> Iterator[Matter]:
        yield self._of[0]
        self._happens()
        yield from self._of[1:]


@pytest.mark.parametrize("at", range(1, 18))
@pytest.mark.parametrize("error", [TeacherRefused("invalid_api_key", "no"), TeacherBusy(3600.0), KeyboardInterrupt()])
def test_ended_anywhere_it_goes_on_where_it_was(tmp_path: Path, at: int, error: BaseException) -> None:
    of = matters(8)

    def before(number: int) -> None:
        if number == at:
            raise error

    ended, resumed = Teacher(good_answer, before), Teacher()
    with pytest.raises(type(error)):
        prepare(ended, tmp_path, of)
    assert teacher_threads() == []
    prepare(resumed, tmp_path, of)
    answered = ended.answered + resumed.answered
    assert set(answered.values()) == {1}
    assert len(answered) == 20
    assert pairs(tmp_path, of, nobody) == pairs(tmp_path / "other", of)


@pytest.mark.parametrize("at", [1, 2, 5])
def test_progress_may_end_it(tmp_path: Path, at: int) -> None:
    of = matters(8)
    calls = itertools.count(1)

    def progress(done: int) -> None:
        assert 0 <= done <= len(of)
        if next(calls) == at:
            raise InterruptedError

    ended, resumed = Teacher(), Teacher()
    with pytest.raises(InterruptedError):
        prepare(ended, tmp_path, of, progress)
    assert ended.asked.total() <= 4 * at
    assert teacher_threads() == []
    prepare(resumed, tmp_path, of)
    assert ended.answered & resumed.asked == Counter()


def test_progress_goes_up_and_ends_with_all(tmp_path: Path) -> None:
    told: list[int] = []
    of = matters(30)
    prepare(good_answer, tmp_path, of, told.append)
    assert told == sorted(told)
    assert told[0] < 5
    assert told[-1] == 30
    assert len(set(told)) > 10


_KILLED = """
import sys
from zlib import crc32
from finetune.dataset import teacher_cache
from finetune.dataset.teacher import TeacherWriter
from tests.finetune.dataset.teachers import CONSENT, SETTINGS, good_answer, matters, streams

teacher_cache.FLUSH_ANSWERS = 5
log = open(sys.argv[2], "a", buffering=1)

def ask(system, user):
    log.write(f"{crc32((system + user).encode())}\\n")
    return good_answer(system, user)

writer = TeacherWriter(ask, model="stock", cache_url=sys.argv[1], settings=SETTINGS, consent=CONSENT)
writer.prepare(streams(matters(40)), 40, lambda done: print(done, flush=True))
"""


def test_killed_it_has_lost_what_was_not_flushed_and_no_more(tmp_path: Path) -> None:
    log, kills = tmp_path / "log", (4, 9, 15, 20)
    for kill_after in (*kills, None):
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(tmp_path / "cache"), str(log)],
            env={"PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                if kill_after is not None and int(line) >= kill_after:
                    process.kill()
        assert process.returncode == (-signal.SIGKILL if kill_after else 0)
    asked = Counter(log.read_text().split())
    assert len(asked) == sum(len(questions(one, SETTINGS, "stock")) for one in matters(40))
    assert asked.total() - len(asked) <= len(kills) * (5 + 4)
    prepare(nobody, tmp_path / "cache", matters(40))


def test_a_damaged_segment_is_asked_for_again_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.dataset.teacher_cache.FLUSH_ANSWERS", 4)
    of = matters(8)
    expected = pairs(tmp_path, of)
    [damaged, *_] = sorted(tmp_path.rglob("*.answers"))
    damaged.write_bytes(damaged.read_bytes()[:-7])
    teacher = Teacher()
    prepare(teacher, tmp_path, of)
    assert 1 <= teacher.asked.total() <= 4
    assert pairs(tmp_path, of, nobody) == expected


def test_another_model_answers_for_itself(tmp_path: Path) -> None:
    of = matters(3)
    one, another = Teacher(), Teacher()
    prepare(one, tmp_path, of)
    with opened(another, tmp_path, model="another") as writer:
        writer.prepare(streams(of), len(of), lambda _: None)
    assert one.asked == another.asked != Counter()
    assert len([folder for folder in tmp_path.iterdir() if folder.is_dir()]) == 2


def test_what_it_takes_is_asked_for_before_the_teacher_is(tmp_path: Path) -> None:
    of = matters(6)
    told: list[TeacherTokens] = []

    def refuse(tokens: TeacherTokens) -> None:
        told.append(tokens)
        raise PermissionError("too dear")

    with opened(nobody, tmp_path, allow=refuse) as writer, pytest.raises(PermissionError):
        writer.prepare(streams(of), len(of), lambda _: None)
    teacher = Teacher()
    for ask in (teacher, nobody):
        with opened(ask, tmp_path, allow=told.append) as writer:
            writer.prepare(streams(of), len(of), lambda _: None)
    assert told[0] == told[1]
    assert told[0].questions == teacher.asked.total()
    assert told[0].input > 100 * told[0].questions
    assert told[2] == TeacherTokens()


def test_the_same_piece_in_several_passages_is_asked_about_once(tmp_path: Path) -> None:
    of = [matter(chunk(LEGALESE, number)) for number in range(20)]
    teacher = Teacher()
    prepare(teacher, tmp_path, of)
    assert set(teacher.asked.values()) == {1}
    assert len(teacher.asked) == 4


def build_with(ask: Ask, folder: Path, size: int = 40) -> Path:
    """A data set of a small Vault, checked for what holds of every one."""
    chunks = vault(size)
    with opened(ask, folder / "cache") as writer:
        summary = build(chunks, str(folder / "set"), settings=SETTINGS, writer=writer)
    assert summary.chunks == size
    assert summary.examples + summary.validation_examples >= 2 * size
    texts = "\n".join(one.text for one in chunks)
    for name in (TRAIN, VALIDATION):
        for line in (folder / "set" / name).read_text().splitlines():
            [user, assistant] = json.loads(line)["messages"]
            assert assistant["content"] in texts
            assert user["content"].strip()
            assert placeholders(assistant["content"]) <= placeholders(user["content"])
    return folder / "set"


def test_a_data_set_with_a_teacher_is_the_same_each_time(tmp_path: Path) -> None:
    one = build_with(good_answer, tmp_path / "one")
    other = build_with(good_answer, tmp_path / "other")
    again = build_with(nobody, tmp_path / "one")
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes() == (again / name).read_bytes()
    manifest = read_manifest(str(one))
    assert manifest.settings.writer == "teacher"
    assert not any(reason.startswith("teacher_") for reason in manifest.summary.skipped)
    assert any("in effect" in example.user for example in read_examples(str(one)))


def test_with_the_sandbox_whatever_it_answers_there_is_a_data_set(tmp_path: Path, sandbox: Program) -> None:
    key = f"sk-{unique('teacher')}"
    asked = itertools.count()
    with httpx2.Client(verify=NO_TLS, timeout=60.0, headers={"authorization": f"Bearer {key}"}) as client:

        def ask(system: str, user: str) -> str:
            next(asked)
            messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
            body = {"model": "gpt-4o-mini", "messages": messages}
            answer = client.post(f"{sandbox.url}/v1/chat/completions", json=body)
            answer.raise_for_status()
            content: str = answer.json()["choices"][0]["message"]["content"]
            return content

        out = build_with(ask, tmp_path, 20)
    manifest = read_manifest(str(out))
    fallen = sum(count for reason, count in manifest.summary.skipped.items() if reason.startswith("teacher_"))
    assert 0 < fallen <= next(asked)
    assert manifest.examples_per_kind["rephrase-as"] >= 20
