from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.count import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("The Keeper shall prune.", 6), ("$1,200.50", 7), ("x" * 140, 11), ("a" + " " * 1000 + "b", 2)],
)
def test_table(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_more_text_never_costs_less(one: str, other: str) -> None:
    assert estimate_tokens(f"{one} {other}") >= max(estimate_tokens(one), estimate_tokens(other))
