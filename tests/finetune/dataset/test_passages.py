from __future__ import annotations

import pytest
from hypothesis import given

from finetune.dataset.blocks import classify, join, parse
from finetune.dataset.clean import clean
from finetune.dataset.passages import Passage, clauses, find_passage, goes_on, units
from finetune.dataset.sentences import is_whole
from tests.finetune.dataset.test_clean import MESSY
from tests.finetune.dataset.texts import CONTENTS, LEGALESE, PLAIN, SIGNATURES, TABLE

SENTENCE = "The Keeper shall water the young trees each evening and shall report any frost to the Owner at once."

FORM_NAME = (
    "ORCHARD FORM 7 AS REVISED BY THE SOCIETY OF KEEPERS, 12 HIGH STREET, UPPER SLAUGHTER, NEAR STOW "
    "SECOND EDITION ALL RIGHTS RESERVED"
)


def found(text: str, min_chars: int = 80, max_chars: int = 8000) -> Passage:
    passage = find_passage(clean(text), min_chars, max_chars)
    assert isinstance(passage, Passage), passage
    return passage


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("## Leaving", "heading"),
        ("ARTICLE 4. THE ORCHARD", "heading"),
        ("9. DEFAULT.", "heading"),
        ("(d) No Violations.", "heading"),
        ("6.2 Project Start-up.", "heading"),
        ("Registration Rights", "heading"),
        (SENTENCE, "prose"),
        ("(a) to prune the trees; and", "item"),
        ("* apples", "item"),
        ("4.1. Care. The Keeper shall prune.", "item"),
        ("1.1. THE ORCHARD........................5", "contents"),
        ("Section 3 Pears and Quinces 9", "contents"),
        ("By: ____________", "signature"),
        ("/s/ Orla Penhallow", "signature"),
        ("Name: Orla Penhallow", "signature"),
        ("IN WITNESS WHEREOF, the parties have signed.", "signature"),
        ("$ 5,733 $ 8,945", "table"),
        ("apples", "table"),
        ("Tree | Age | Height | Fruit", "table"),
        (FORM_NAME, "table"),
        ("See {% data variables.contact %} for more.", "markup"),
    ],
)
def test_what_a_line_is(line: str, kind: str) -> None:
    assert classify(line) == kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Hello.", "too_short"),
        ("", "too_short"),
        (CONTENTS, "table_of_contents"),
        (SIGNATURES, "signature_block"),
        (TABLE, "table"),
        ("so much of the fruit as the Owner may from time to time direct and " * 5, "fragment"),
    ],
)
def test_what_is_not_worth_learning(text: str, reason: str) -> None:
    assert find_passage(clean(text), 60, 8000) == reason


def test_a_whole_chunk_stays_whole() -> None:
    assert found(LEGALESE).text == LEGALESE
    assert found(PLAIN).text == PLAIN


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"ebtedness of the Keeper.\n\n{SENTENCE}", SENTENCE),
        (f"of any tree so felled. {SENTENCE}", SENTENCE),
        (f"(c) those arising from frost.\n\n{SENTENCE}", SENTENCE),
        (f"{SENTENCE} The Owner may, with", SENTENCE),
        (f"{SENTENCE}\n\n## Before You Start", SENTENCE),
        (f"{SENTENCE}\n\n4.2. Fruit. The fruit of the trees that", SENTENCE),
        (f"{SENTENCE}\n\nThe Owner shall:\n\n(a) water the trees; and", SENTENCE),
        (f"{SENTENCE}\n\n{SIGNATURES}", SENTENCE),
        (f"{SENTENCE}\n\n{TABLE}", SENTENCE),
        (f"{CONTENTS}\n\n{SENTENCE}", SENTENCE),
        (
            f"{SENTENCE} The Owner shall in an\n\nARTICLE 5. BEES\n\n{SENTENCE}",
            f"{SENTENCE}\n\nARTICLE 5. BEES\n\n{SENTENCE}",
        ),
    ],
)
def test_ends_are_trimmed_to_whole_statements(text: str, kept: str) -> None:
    assert found(text).text == kept


def test_what_a_table_parts_is_never_joined() -> None:
    longer = f"{SENTENCE} {SENTENCE}"
    assert found(f"{SENTENCE}\n\n{TABLE}\n\n{longer}").text == longer


def test_a_long_passage_is_cut_between_paragraphs() -> None:
    text = "\n\n".join([SENTENCE] * 50)
    passage = found(text, max_chars=1000)
    assert len(passage.text) <= 1000
    assert set(passage.text.split("\n\n")) == {SENTENCE}


def test_clauses_by_their_headings() -> None:
    assert [clause.title for clause in clauses(found(LEGALESE))] == ["Care Of The Orchard", "Fruit", "Bees"]
    assert [clause.title for clause in clauses(found(PLAIN))] == ["Short version", "Leaving"]
    assert "\n\n".join(clause.text for clause in clauses(found(LEGALESE))) == LEGALESE


def test_units_stand_alone_and_lose_nothing() -> None:
    for text in (LEGALESE, PLAIN):
        pieces = units(found(text), 150)
        assert len(pieces) > 1
        assert all(is_whole(piece) for piece in pieces)
        assert "\n\n".join(pieces) == text


@given(MESSY)
def test_parsing_and_joining_gives_clean_text_back(raw: str) -> None:
    cleaned = clean(raw)
    assert join(parse(cleaned)) == cleaned


@given(MESSY)
def test_a_passage_is_made_of_the_chunks_own_lines(raw: str) -> None:
    passage = find_passage(clean(f"{raw}\n\n{SENTENCE}\n\n{raw}"), 10, 8000)
    if isinstance(passage, Passage):
        cleaned = clean(f"{raw}\n\n{SENTENCE}\n\n{raw}")
        assert all(line in cleaned for line in passage.text.split("\n"))
        assert is_whole(passage.text) or not goes_on(passage.text)
        assert "\n\n".join(clause.text for clause in clauses(passage)).split() == passage.text.split()
        assert "\n\n".join(units(passage, 40)).split() == passage.text.split()
