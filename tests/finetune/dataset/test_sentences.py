from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.sentences import (
    heading_title,
    is_title,
    is_whole,
    run_in_title,
    sentences,
    unmarked,
    without_first,
    without_last,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The bees sleep. The Keeper waits.", ["The bees sleep.", "The Keeper waits."]),
        ("Orchards Inc. Sells apples. And pears", ["Orchards Inc. Sells apples.", "And pears"]),
        ("As U.S. Law says. So be it.", ["As U.S. Law says.", "So be it."]),
        ("See Rule 4. Then go.", ["See Rule 4. Then go."]),
        ("He said “no.” Then “yes.”", ["He said “no.”", "Then “yes.”"]),
        ("“Is it?” It is!", ["“Is it?”", "It is!"]),
        ("no capital. follows", ["no capital. follows"]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


def test_first_and_last() -> None:
    assert without_first("cut off here. The rest stands. And this.") == "The rest stands. And this."
    assert without_first("cut off here") == ""
    assert without_last("This stands. So does this. This does") == "This stands. So does this."
    assert without_last("This does") == ""


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("### 4.2 Term.", "Term"),
        ("ARTICLE 4. THE ORCHARD", "THE ORCHARD"),
        ("ARTICLE IV", "ARTICLE IV"),
        ("SECTION 2.10. Options to Extend.", "Options to Extend"),
        ("## A. **Your Plot**", "Your Plot"),
        ("Recitals", "Recitals"),
        ("(B) NOTICES.", "NOTICES"),
    ],
)
def test_titles_of_headings(heading: str, title: str) -> None:
    assert heading_title(heading) == title


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("4.1. Care Of The Orchard. The Keeper shall prune.", "Care Of The Orchard"),
        ("(q) Obligors: The Keeper and the Owner.", "Obligors"),
        ("SECTION 5.03. Payment of Bills. The Keeper shall pay.", "Payment of Bills"),
        ("a. **Bees**. We keep some.", "Bees"),
        ("**Invoicing** You pay in May.", "Invoicing"),
        ("* **Be kind and open** - New members come each day.", "Be kind and open"),
        ("4.1. The Keeper shall prune the trees. It shall not burn them.", ""),
        ("Governing Law. This is governed by law.", ""),
        ("* Europe: A continent.", ""),
    ],
)
def test_titles_run_into_the_text(line: str, title: str) -> None:
    assert run_in_title(line) == title


def test_marks() -> None:
    assert unmarked("(a) pears") == unmarked("* pears") == unmarked("4.1. pears") == "pears"
    assert is_title("Care of the Orchard")
    assert not is_title("Care of trees")
    assert is_whole("Done.”)")
    assert not is_whole("Done;")


@given(st.lists(st.from_regex(r"[A-Z][a-z]{3,9} [a-z]{4,9}[.!?]", fullmatch=True), min_size=1))
def test_splitting_and_joining_gives_the_text_back(parts: list[str]) -> None:
    text = " ".join(parts)
    assert " ".join(sentences(text)) == text
    assert sentences(text) == parts


@given(st.text())
def test_no_word_is_lost(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
