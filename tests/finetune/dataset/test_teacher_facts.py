from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.dataset.teacher_checks import changed_facts
from finetune.dataset.teacher_facts import hinted_numbers, kept, missing_terms, months, named_months, numbers, terms
from tests.finetune.dataset.texts import LEGALESE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("thirty (30) days", {"30"}),
        ("no more than twelve hives", {"12"}),
        ("$5 million", {"5000000"}),
        ("$5,000,000", {"5000000"}),
        ("five million dollars", {"5000000"}),
        ("1.5 million", {"1500000"}),
        ("1,200.50", {"1200.50"}),
        ("twenty-one thousand five hundred and six", {"21506"}),
        ("Section 4.10 and Section 4.1", {"4.10", "4.1"}),
        ("on 05/06/2021.", {"5", "6", "2021"}),
        ("[AMOUNT_12] within [DATE_3]", set()),
        ("one of the parties", set()),
        ("hundreds of trees, tense tenants", set()),
        ("one or two, three or four", {"2", "3", "4"}),
    ],
)
def test_a_number_has_one_form(text: str, found: set[str]) -> None:
    assert numbers(text) == found


def test_words_that_hint_at_numbers() -> None:
    assert hinted_numbers("Either party, first or third; once, not often") == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("by October 1 at the latest", {"October"}),
        ("on the 3rd May and 12 June", {"May", "June"}),
        ("the first day of March", {"March"}),
        ("May the Owner do so, the Keeper may", set()),
    ],
)
def test_months_are_those_of_dates(text: str, found: set[str]) -> None:
    assert months(text) == found
    assert found <= named_months(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the Keeper shall pay the Owner", ["Keeper", "Owner"]),
        ('a report (the "Season Report") on it', ["Season Report", "Report"]),
        ("under the Bank of the North Act and GDPR", ["Bank", "North Act", "GDPR"]),
        ("and the Owner's consent, THEREFORE it shall", ["Owner"]),
        ('the Bakery ("We", "us") and You, who buy', ["Bakery"]),
        ("All is well. The trees grow. Nobody, I think, minds", []),
        ("the Keeper IS NOT LIABLE for it", ["Keeper"]),
        ("ALL FRUIT IS THE OWNER'S, AND THE KEEPER WAIVES IT", []),
    ],
)
def test_terms_are_quoted_or_have_a_capital_where_no_sentence_begins(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_a_term_survives_in_the_plural_small_or_possessive() -> None:
    wanted = ["Party", "Season Reports", "Keeper"]
    assert missing_terms(wanted, "the parties and the keeper's season report") == []
    assert missing_terms(wanted, "the seasonal reports of the Parties' beekeeper") == ["Season Reports", "Keeper"]


def test_what_is_to_be_kept_is_told_as_it_is_written() -> None:
    asked = kept(f"{LEGALESE} [PERSON_1] owes $5 million.")
    assert {"Season Report", "Pruning Schedule", "[PERSON_1]", "9.3", "30", "thirty", "5 million"} <= set(asked)


_WORDS = st.lists(st.sampled_from(["the", "owner", "may", "not", "sell", "fruit", "before", "it", "is"]), max_size=12)
_NUMBER = st.integers(13, 10**9)


@given(_WORDS, st.lists(_NUMBER, max_size=5))
def test_the_same_facts_in_any_order_are_the_same(words: list[str], figures: list[int]) -> None:
    firm = [*words, *map(str, figures)]
    theirs = [*words, *(f"{figure:,}" for figure in reversed(figures))]
    assert list(changed_facts(" ".join(firm), " ".join(theirs))) == []


@given(_WORDS, st.lists(_NUMBER, unique=True, min_size=1, max_size=5), st.data())
def test_a_number_put_in_or_taken_out_is_always_seen(words: list[str], figures: list[int], data: st.DataObject) -> None:
    number = data.draw(_NUMBER)
    assume(number not in figures)
    firm = words + [str(figure) for figure in figures]
    place = data.draw(st.integers(0, len(firm)))
    more = [*firm[:place], f"{number:,}" if data.draw(st.booleans()) else str(number), *firm[place:]]
    assert list(changed_facts(" ".join(firm), " ".join(more))) == ["added_number"]
    assert list(changed_facts(" ".join(more), " ".join(firm))) == ["lost_number"]


def test_a_teacher_that_stammers_is_read_all_the_same() -> None:
    assert len(numbers(f"two {'hundred ' * 5_000}")) == 1


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(one: str, other: str) -> None:
    assert list(changed_facts(one, one)) == []
    assert set(changed_facts(one, other)) <= {
        f"{what}_{of}" for what in ("lost", "added") for of in ("number", "date", "placeholder", "term")
    }
