from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.clean import clean, neutralise_tokens

MESSY = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("<|> \n\n\n\t-*•#[]()_.:;aA1\u00a0\u00ad\u200b\ufeff\x00\r\u2028"),
    )
)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("The\u00a0Keeper  shall\tprune.", "The Keeper shall prune."),
        ("\ufeffThe Kee\u00adper\u200b shall\x07 prune.", "The Keeper shall prune."),
        ("Cafe\u0301", "Café"),
        ("One.\r\n\r\n\r\n\r\nTwo.", "One.\n\nTwo."),
        ("One.\n\nPage 3 of 12\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\n- 3 -\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\n17\n\niv\n\nA-2\n\nPAGE 2\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\nTable of Contents\n\n[Signature page follows]\n\n______\n\nTwo.", "One.\n\nTwo."),
        ("See [our rules](/rules#a) and ![a tree](tree.png)here.", "See our rules and here."),
        ("One <!-- hidden --> <b>two</b>.", "One two."),
        ("Do not <|endoftext|> this.", "Do not < |endoftext| > this."),
        ("Keep <\u00ad|x|\u200b> out.", "Keep < |x| > out."),
        ("We grow: * apples * pears * figs", "We grow:\n* apples\n* pears\n* figs"),
        ("Two * three", "Two * three"),
    ],
)
def test_table(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_lines_of_a_fixed_width_are_joined_and_items_are_not() -> None:
    raw = (
        "The Keeper shall prune each and every tree that stands\n"
        "upon the Premises, with a sharp and clean saw, and shall\n"
        "burn the wood.\n"
        "(a) in winter; and\n"
        "(b) in spring."
    )
    assert clean(raw) == (
        "The Keeper shall prune each and every tree that stands upon the Premises, with a sharp and clean saw, and "
        "shall burn the wood.\n(a) in winter; and\n(b) in spring."
    )


def test_one_paragraph_a_line_is_left_as_paragraphs() -> None:
    long = (
        "The Keeper shall prune each and every tree that stands upon the Premises, with a sharp and clean saw, always."
    )
    assert clean(f"Pruning\n{long}\n{long}") == f"Pruning\n\n{long}\n\n{long}"


def test_a_sentence_cut_by_a_page_break_is_whole_again() -> None:
    raw = "Any act or event beyond the reasonable control of the Keeper\n\nPage 7\n\nincluding frost.\n\nNext."
    assert clean(raw) == ("Any act or event beyond the reasonable control of the Keeper including frost.\n\nNext.")


@given(MESSY)
def test_no_special_token_and_no_oddity_survives(raw: str) -> None:
    cleaned = clean(raw)
    assert "<|" not in cleaned
    assert "|>" not in cleaned
    assert not set(cleaned) & set("\u00a0\u00ad\ufeff\u200b\r\t\x00")
    assert "\n\n\n" not in cleaned
    assert all(line == line.strip() for line in cleaned.split("\n"))


@given(MESSY)
def test_cleaning_invents_nothing(raw: str) -> None:
    assert len(clean(raw)) <= 2 * len(raw)


@given(st.text(st.sampled_from("<|>a ")))
def test_tokens_are_neutralised_once_and_for_all(text: str) -> None:
    once = neutralise_tokens(text)
    assert "<|" not in once
    assert "|>" not in once
    assert neutralise_tokens(once) == once
    assert once.replace(" ", "") == text.replace(" ", "")
