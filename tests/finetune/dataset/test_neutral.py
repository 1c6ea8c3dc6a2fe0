from __future__ import annotations

import pytest
from hypothesis import given

from finetune.dataset.clean import clean
from finetune.dataset.neutral import Restated, neutralise, similarity
from finetune.dataset.plainer import PLAINER
from finetune.dataset.stiffer import STIFFER
from tests.finetune.dataset.test_clean import MESSY
from tests.finetune.dataset.texts import LEGALESE, PLAIN


@pytest.mark.parametrize(
    ("legalese", "plain"),
    [
        ("This deed shall be null and void.", "This deed must be void."),
        ("Upon notice hereunder the Keeper shall pay.", "On notice under this document the Keeper must pay."),
        ("The keeper shall, prior to the frost, act forthwith.", "The keeper must, before the frost, act at once."),
        ("It shall pay within thirty (30) days hereof.", "It must pay within 30 days of this document."),
        ("The sum of ten percent (10%) shall be due.", "The sum of 10% must be due."),
        ('It shall send a list (the "Tree List") hereunder.', "It must send a list under this document."),
        ("The Keeper shall prune the Work.", "The Keeper must prune the work."),
        (
            "The keeper shall prune; provided, however, that no oak shall be felled.",
            "The keeper must prune. However, no oak must be felled.",
        ),
        (
            "The keeper shall prune the trees; the owner shall pay for the work.",
            "The keeper must prune the trees. The owner must pay for the work.",
        ),
        ("The Final Completion shall be such as agreed.", "The Final Completion must be like agreed."),
        (
            "THE KEEPER SHALL NOT BE LIABLE FOR FROST OR HAIL HEREUNDER.",
            "The keeper must not be responsible for frost or hail under this document.",
        ),
    ],
)
def test_legalese_is_made_plain(legalese: str, plain: str) -> None:
    assert neutralise(legalese) == plain


@pytest.mark.parametrize(
    ("plain", "stiff"),
    [
        ("We don't sell your plot.", "The company does not sell the user's plot."),
        ("You're free to go.", "The user is free to go."),
        ("If you agree, tell us.", "In the event that the user consents, inform the company."),
        ("We'll help you.", "The company will assist the user."),
        ("**You** must ask our Website team.", "The user shall request the company's Website team."),
        ("You also have to pay.", "The user furthermore shall remit payment."),
        ("Our US members like you.", "The company's US members like the user."),
        ("You can\u2019t stay, and we won\u2019t wait.", "The user cannot stay, and the company will not wait."),
    ],
)
def test_plain_english_is_made_stiff(plain: str, stiff: str) -> None:
    assert neutralise(plain) == stiff


def test_both_firms_lose_their_voice_and_keep_their_figures() -> None:
    for text, gone in ((LEGALESE, ("shall", "hereby", "therein")), (PLAIN, ("we", "you", "our", "don't"))):
        neutral = neutralise(text)
        words = neutral.lower().replace(".", " ").replace(",", " ").split()
        assert not set(gone) & set(words)
        assert similarity(neutral, text) < 0.8
        assert len(neutral) > len(text) * 0.7
    assert "30 days" in neutralise(LEGALESE)
    assert "60 days" in neutralise(PLAIN)


def test_similarity() -> None:
    assert similarity("The bees sleep.", "the bees, sleep") == 1.0
    assert similarity("the bees sleep", "apples fall down") == 0.0
    assert similarity("", "") == 1.0


@pytest.mark.parametrize("table", [PLAINER, STIFFER])
def test_tables_are_small_and_change_something(table: dict[str, str]) -> None:
    for phrase, replacement in table.items():
        assert phrase == phrase.lower().strip()
        assert phrase != replacement


@given(MESSY)
def test_lines_stay_one_for_one(raw: str) -> None:
    text = clean(raw)
    restated = Restated(text)
    assert restated[text].count("\n") == text.count("\n")
    assert [restated[line] for line in text.split("\n")] == restated[text].split("\n")
