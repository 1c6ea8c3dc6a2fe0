from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.sandbox.text import join, prose, tidy, tokenise

PROSE = 'Under clause 12.3, the "Lessee" (as defined) shall not re-enter; the landlord\u2019s fee is [AMOUNT_1].'


def test_joining_gives_the_text_back() -> None:
    assert join(tokenise(PROSE)) == PROSE
    assert {" 12.3", ",", " re-enter", " landlord\u2019s", " [AMOUNT_1]"} <= set(tokenise(PROSE))


@pytest.mark.parametrize(
    ("rough", "readable"),
    [
        ("the end )of it.", "The end of it."),
        ("a (b. C", "A b. C"),
        ('he said "yes.', "He said yes."),
        ("“quoted” and ”not.", "“quoted” and not."),
        ("one , two .", "One, two."),
        (PROSE, PROSE),
    ],
)
def test_tidy(rough: str, readable: str) -> None:
    assert tidy(rough) == readable


@given(st.text(alphabet='aZ ()[]{}“”".,; \n'))
def test_tidy_leaves_every_bracket_and_quote_with_a_partner(text: str) -> None:
    tidied = tidy(text)
    for opener, closer in ("()", "[]", "{}", "“”"):
        assert tidied.count(opener) == tidied.count(closer)
    assert tidied.count('"') % 2 == 0
    assert "  " not in tidied
    assert tidied == tidied.strip()


@given(st.text())
def test_tidy_keeps_what_is_tidy(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


def test_headings_are_no_prose() -> None:
    assert (
        prose("CONFIDENTIALITY\n\n1. Each party keeps it.\nNo exceptions.") == "1. Each party keeps it. No exceptions."
    )
    assert prose("Agreed") == "Agreed"
