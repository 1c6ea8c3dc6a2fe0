from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.signatures import PLACES, Signature, bare_words, signature
from tests.finetune.dataset.texts import LEGALESE, PLAIN

WORDS = [f"word{number}" for number in range(400)]


def agreement(one: Signature, other: Signature) -> float:
    return float(np.mean(one == other))


def jaccard(one: str, other: str) -> float:
    runs = [set(zip(words, words[1:], words[2:], strict=False)) for words in (one.split(), other.split())]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


@given(st.text() | st.text(" ab\u201c\u201d\u2019\u2013_é中。§.\n"))
def test_bare_words_are_the_words(text: str) -> None:
    assert bare_words(text) == re.sub(r"\W+", " ", text.lower()).strip()


def test_placeholders_do_not_tell_which() -> None:
    assert bare_words("[PERSON_1] pays [TAX_ID_12] Section_4 [X]") == "person pays tax_id section_4 x"


@given(st.integers(0, 300), st.integers(20, 99))
def test_signatures_agree_as_much_as_the_texts(start: int, size: int) -> None:
    one, other = " ".join(WORDS[:size]), " ".join(WORDS[start : start + size])
    expected = jaccard(one, other)
    error = 6 * (expected * (1 - expected) / PLACES) ** 0.5
    assert abs(agreement(signature(one), signature(other)) - expected) <= error + 0.01


def test_what_a_signature_is_never_changes() -> None:
    """Or the same Vault would be split otherwise by the next version."""
    assert signature(bare_words(LEGALESE))[:6].tolist() == [40462, 11892, 13081, 2380, 23411, 11107]


def test_texts_without_runs_have_signatures_of_their_own() -> None:
    made = {signature(bare_words(text)).tobytes() for text in ("", "one", "one two", "two one", "one two three", PLAIN)}
    assert len(made) == 6
