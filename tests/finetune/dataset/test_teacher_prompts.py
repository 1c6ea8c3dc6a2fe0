from __future__ import annotations

from hashlib import sha256

import pytest

from finetune.dataset.clean import neutralise_tokens
from finetune.dataset.count import estimate_tokens
from finetune.dataset.pairs import make_pairs
from finetune.dataset.passages import Matter
from finetune.dataset.teacher_prompts import (
    PROMPT_VERSION,
    REGISTERS,
    Question,
    estimate_teacher_tokens,
    questions,
    teacher_key,
)
from finetune.dataset.values import BuildSettings, Example
from tests.finetune.dataset.teachers import SETTINGS, matter, matters
from tests.finetune.dataset.texts import LEGALESE, PLAIN, chunk

PINNED = {1: "c2a29651198653c4"}


def test_other_words_are_another_version() -> None:
    texts = [f"{number} trees. The owner, [PERSON_1], keeps the Orchard." for number in range(20)]
    asked = [Question(task, text, b"") for text in texts for task in ("restate", "outline")]
    assert all(any(register in question.system for question in asked) for register in REGISTERS)
    words = "\0".join(f"{question.system}\0{question.user}" for question in asked)
    assert PINNED[PROMPT_VERSION] == sha256(words.encode()).hexdigest()[:16]


@pytest.mark.parametrize("one", matters(20), ids=lambda one: str(one.chunk_id))
def test_the_pieces_are_those_that_the_rules_make_pairs_of(one: Matter) -> None:
    by_rules = [pair for pair in make_pairs(one, SETTINGS) if isinstance(pair, Example)]
    asked = questions(one, SETTINGS, "m")
    restated = [neutralise_tokens(question.text) for question in asked if question.task == "restate"]
    assert restated == [pair.assistant for pair in by_rules if pair.kind == "rephrase-as"]
    drafted = [neutralise_tokens(question.text) for question in asked if question.task == "outline"]
    whole = neutralise_tokens(one.passage.text)
    assert drafted == [pair.assistant for pair in by_rules if pair.kind == "summarize-this" and pair.assistant == whole]


def test_where_the_firm_has_a_summary_no_outline_is_asked_for() -> None:
    assert [question.task for question in questions(matter(chunk(PLAIN)), SETTINGS, "m")] == ["restate", "restate"]
    assert [question.task for question in questions(matter(chunk(LEGALESE)), SETTINGS, "m")][-1] == "outline"


def test_no_more_pieces_than_the_settings_say() -> None:
    asked = questions(matter(chunk(LEGALESE)), BuildSettings(rephrase_per_chunk=0), "m")
    assert [question.task for question in asked] == ["outline"]


def test_a_question_has_one_key_wherever_its_text_stands() -> None:
    settings = BuildSettings(rephrase_per_chunk=9)
    one, other = matter(chunk(LEGALESE, 1)), matter(chunk(LEGALESE, 2, document="will"))
    keys = {question.key for question in questions(one, settings, "m")}
    assert len(keys) == 4
    assert keys == {question.key for question in questions(other, settings, "m")}
    assert keys.isdisjoint(question.key for question in questions(one, settings, "n"))
    assert teacher_key("m") != teacher_key("n")


def test_a_question_holds_the_text_what_must_survive_and_a_register() -> None:
    for question in questions(matter(chunk(LEGALESE)), SETTINGS, "m"):
        assert question.text in question.user
        assert "Keeper; " in question.user
        assert "{" not in question.system
        assert any(register in question.system for register in REGISTERS) == (question.task == "restate")


def test_what_it_takes_is_counted_before_anything_is_asked() -> None:
    asked = questions(matter(chunk(LEGALESE)), SETTINGS, "m")
    taken = estimate_teacher_tokens(asked, estimate_tokens)
    assert taken.questions == 3
    assert taken.input == sum(estimate_tokens(one.system) + estimate_tokens(one.user) for one in asked)
    assert estimate_tokens(LEGALESE) < taken.output < 2 * estimate_tokens(LEGALESE)
    assert estimate_teacher_tokens([], estimate_tokens).input == 0
