from __future__ import annotations

import re

import pytest
from hypothesis import given

from finetune.dataset.clean import clean
from finetune.dataset.neutral import similarity
from finetune.dataset.pairs import TOO_SIMILAR, make_pairs, own_summary
from finetune.dataset.passages import Matter, Passage, find_passage
from finetune.dataset.phrasings import DRAFT, EXTRACT, REPHRASE, SUMMARIZE, phrase
from finetune.dataset.redact import placeholders
from finetune.dataset.values import BuildSettings, Example, Kind
from finetune.vaults.base import Chunk
from tests.finetune.dataset.test_clean import MESSY
from tests.finetune.dataset.test_passages import SENTENCE
from tests.finetune.dataset.texts import LEGALESE, PLAIN, chunk

SETTINGS = BuildSettings()


def pairs(of: Chunk) -> list[Example | str]:
    passage = find_passage(clean(of.text), SETTINGS.min_chars, SETTINGS.max_turn_chars)
    if isinstance(passage, str):
        return []
    return list(make_pairs(Matter(of.chunk_id, of.document_id, "", passage), SETTINGS))


def examples(of: Chunk, kind: Kind) -> list[Example]:
    return [made for made in pairs(of) if isinstance(made, Example) and made.kind == kind]


@pytest.mark.parametrize("text", [LEGALESE, PLAIN])
def test_about_three_a_chunk_and_the_answer_is_the_firms_own_text(text: str) -> None:
    made = [example for example in pairs(chunk(text)) if isinstance(example, Example)]
    assert [example.kind for example in made] == ["rephrase-as", "rephrase-as", "summarize-this", "extract-clauses"]
    for example in made:
        assert example.assistant in text
        assert example.chunk_id == "deed:0000"


def test_rephrasing_starts_from_other_words() -> None:
    for text in (LEGALESE, PLAIN):
        for example in examples(chunk(text), "rephrase-as"):
            assert example.assistant not in example.user
            assert similarity(example.user, example.assistant) <= TOO_SIMILAR


def test_text_without_a_voice_is_dropped() -> None:
    flat = "Apples grow on trees in rows and bees fly among them. " * 4
    assert pairs(chunk(flat))[0] == "too_similar"


def test_extraction_gives_one_headed_clause_word_for_word_out_of_more() -> None:
    [example] = examples(chunk(LEGALESE), "extract-clauses")
    assert example.assistant in LEGALESE.split("\n\n")[1:]
    assert LEGALESE in example.user
    title = example.assistant.split(". ")[1]
    assert title in example.user.replace(LEGALESE, "")


def test_nothing_is_extracted_where_no_clause_is_headed() -> None:
    assert examples(chunk(f"{SENTENCE}\n\n{SENTENCE} {SENTENCE}"), "extract-clauses") == []


def test_the_firms_own_summary_answers_to_its_body() -> None:
    [example] = examples(chunk(PLAIN), "summarize-this")
    assert example.assistant.startswith("**Short version:** _You rent a plot")
    assert "keep your plot tidy" in example.user
    assert "If you want to leave" not in example.user
    assert "You rent a plot" not in example.user


def test_recitals_answer_to_what_is_agreed() -> None:
    recital = "WHEREAS, the Owner holds an orchard and wishes it kept;"
    operative = f"NOW, THEREFORE, the parties agree as follows:\n\n{SENTENCE}\n\n{SENTENCE}"
    passage = find_passage(f"RECITALS\n\n{recital}\n\n{operative}", 80, 8000)
    assert isinstance(passage, Passage)
    assert own_summary(passage) == (f"RECITALS\n\n{recital}", operative)


def test_without_a_summary_the_text_is_drafted_from_an_outline() -> None:
    [example] = examples(chunk(LEGALESE), "summarize-this")
    assert example.assistant == LEGALESE
    for wanted in ("Care Of The Orchard:", "Bees:", "Season Report", "30 days", "Section 9.3"):
        assert wanted in example.user.replace("30) days", "30 days")
    assert len(example.user) < len(LEGALESE)
    assert similarity(example.user, LEGALESE) < 0.2


@pytest.mark.parametrize("phrasings", [REPHRASE, EXTRACT, SUMMARIZE, DRAFT])
def test_there_are_many_phrasings_and_all_are_used(phrasings: tuple[str, ...]) -> None:
    assert len(set(phrasings)) == len(phrasings) >= 12
    assert all(phrasing.count("{text}") == 1 for phrasing in phrasings)
    made = {phrase(phrasings, f"deed:{number}", "{text} {heading}", "Bees") for number in range(400)}
    assert len(made) == len(phrasings)
    assert all("{text} {heading}" in one for one in made)


@given(MESSY)
def test_any_text_makes_sound_examples(raw: str) -> None:
    for made in pairs(chunk(f"{raw} {SENTENCE}\n\n{raw}\n\nBees\n\n{SENTENCE}\n\n{raw}")):
        if isinstance(made, Example):
            for turn in (made.user, made.assistant):
                assert turn.strip()
                assert "<|" not in turn
                assert "|>" not in turn


REDACTED = """\
ARTICLE 2. [COMPANY_1] AND THE ORCHARD AT [ADDRESS_1] SHALL BE KEPT BY [PERSON_2] UNTIL [DATE_1].

2.1. Payment. Upon each delivery [PERSON_1] shall pay to [COMPANY_1] (the "Grower") the sum of [AMOUNT_1], or \
[AMOUNT_2] in the event that the fruit is bruised, to the account [ACCOUNT_1], pursuant to the terms hereof, and \
[PERSON_12] of [COMPANY_2], with the tax number [TAX_ID_1], shall furnish a receipt therefor to [EMAIL_1] or [PHONE_1].

2.2. Term. This Agreement shall be in force from [DATE_1] to [DATE_2], [DATE_2] being the day of the fair; provided, \
however, that [PERSON_1] may terminate the same forthwith upon notice to _[PERSON_2]_ in writing."""


def test_every_placeholder_of_an_answer_was_in_the_question() -> None:
    made = [one for one in pairs(chunk(REDACTED)) if isinstance(one, Example)]
    assert {one.kind for one in made} == {"rephrase-as", "summarize-this", "extract-clauses"}
    for one in made:
        assert placeholders(one.assistant)
        assert placeholders(one.assistant) <= placeholders(one.user)
        rest = one.user
        for name in placeholders(one.user):
            rest = rest.replace(name, "")
        assert not re.search(r"[A-Z]_\d|_id_|_\d|\[|\]", rest)


def test_notes_list_the_placeholders_that_no_point_has() -> None:
    names = [f"[PERSON_{number}]" for number in range(1, 31)]
    text = f"The parties hereto are {', '.join(names)}, each of whom shall be bound hereby.\n\n{LEGALESE}"
    [notes] = [one.user for one in examples(chunk(text), "summarize-this")]
    [listed] = [line for line in notes.splitlines() if line.startswith("Names and figures: ")]
    assert listed.endswith("; ".join(names[-10:]))
    assert [notes.count(name) for name in names] == [1] * 30
