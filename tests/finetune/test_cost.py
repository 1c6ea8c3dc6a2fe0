from __future__ import annotations

import json
from importlib.resources import files
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.cost import Estimate, TeacherPrice, check_limits, epochs, estimate, estimate_teacher, total

MINI = "gpt-4.1-mini-2025-04-14"
PRICES = json.loads((files("finetune") / "prices.json").read_bytes())

tokens = st.integers(0, 10**12)
times = st.integers(1, 50)
dollars = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("asked", "examples", "expected"),
    [
        (7, 1_000_000, 7),
        ("auto", 10, 10),
        ("auto", 3, 25),
        ("auto", 0, 25),
        ("auto", 33, 3),
        ("auto", 34, 3),
        ("auto", 8_333, 3),
        ("auto", 8_334, 2),
        ("auto", 12_501, 1),
        ("auto", 600_000, 1),
        (None, 32, 3),
        (None, 20, 5),
    ],
)
def test_epochs(asked: int | Literal["auto"] | None, examples: int, expected: int) -> None:
    """The automatic ones by the cookbook's notebook."""
    assert epochs(asked, examples) == expected


@pytest.mark.parametrize(
    ("model", "override", "usd"),
    [
        (MINI, None, 15.0),
        ("gpt-4.1-mini", None, 15.0),
        ("gpt-4.1", None, 75.0),
        ("gpt-4.1-nano", None, 4.5),
        ("gpt-4o", None, 75.0),
        ("gpt-4o-mini-2024-07-18", None, 9.0),
        ("gpt-3.5-turbo", None, 24.0),
        ("ft:gpt-4.1-mini-2025-04-14:org:suffix:id", None, 15.0),
        (MINI, 0.5, 1.5),
        (MINI, 0.0, 0.0),
        ("sandbox-small", 2.0, 6.0),
        ("sandbox-small", None, None),
        ("gpt-4.1-mini-2099-01-01", None, None),
    ],
)
def test_estimate(model: str, override: float | None, usd: float | None) -> None:
    """Of a million tokens gone through three times."""
    made = estimate(model, 1_000_000, 3, override)
    assert (made.usd if made else None) == usd


def test_an_estimate_says_what_it_is_made_of() -> None:
    known, own = estimate(MINI, 1_234_567, 3, None), estimate(MINI, 10, 1, 0.5)
    assert known == Estimate(18.518505, "1,234,567 tokens in 3 epochs at $5.00 a million (price as of 2026-08-05)")
    assert own == Estimate(0.000005, "10 tokens in 1 epoch at $0.50 a million (the job's own price)")


def test_estimate_of_a_teacher() -> None:
    words = "1,000,000 tokens to the teacher and 500,000 from it (prices as of 2026-10-21)"
    price = TeacherPrice(0.4, 1.6, "prices as of 2026-10-21")
    assert estimate_teacher(price, 1_000_000, 500_000) == Estimate(1.2, words)
    assert estimate_teacher(None, 1_000_000, 500_000) is None


def test_total_is_known_only_where_every_part_is() -> None:
    one, other = Estimate(0.1, "one"), Estimate(0.2, "other")
    assert total(one, other) == Estimate(0.3, "one; other")
    assert total(one, None) is None
    assert total(one) == one


@pytest.mark.parametrize(
    ("usd", "job_limit", "tenant_limit", "spent", "over"),
    [
        (10.0, None, None, 1e9, ""),
        (10.0, 10.0, None, 0.0, ""),
        (10.001, 10.0, None, 0.0, "job"),
        (10.0, 0.0, None, 0.0, "job"),
        (0.0, 0.0, 0.0, 0.0, ""),
        (10.0, None, 10.0, 0.0, ""),
        (0.1, None, 0.3, 0.2, ""),
        (10.0, 50.0, 100.0, 90.0, ""),
        (10.0, 50.0, 100.0, 90.01, "tenant"),
        (10.0, 5.0, 5.0, 0.0, "job"),
        (0.0, None, 100.0, 100.5, "tenant"),
        (None, None, None, 0.0, ""),
        (None, 5.0, None, 0.0, "unknown"),
        (None, None, 5.0, 0.0, "unknown"),
    ],
)
def test_limits(
    usd: float | None, job_limit: float | None, tenant_limit: float | None, spent: float, over: str
) -> None:
    made = Estimate(usd, "what it is made of") if usd is not None else None
    words = check_limits(made, job_limit, tenant_limit, spent) or ""
    said = {
        "": not words,
        "job": "more than its limit" in words,
        "tenant": "the tenant's limit" in words,
        "unknown": "price_per_million_tokens" in words,
    }
    assert [what for what, found in said.items() if found] == [over]


def test_the_words_of_a_limit() -> None:
    """What is over reads as over: an estimate is rounded up, a limit stands as it was given."""
    made = estimate(MINI, 1_000_067, 1, None)
    assert check_limits(made, 5.0, None, 0.0) == (
        "The job would cost about $5.01, more than its limit of $5.00: "
        "1,000,067 tokens in 1 epoch at $5.00 a million (price as of 2026-08-05)."
    )
    assert check_limits(made, None, 1_200.125, 1_200.0) == (
        "The job would cost about $5.01: 1,000,067 tokens in 1 epoch at $5.00 a million (price as of 2026-08-05). With "
        "the tenant's other jobs of the last 30 days, about $1,200.00, that is more than the tenant's limit of "
        "$1,200.125."
    )


@given(tokens, tokens, times, times, dollars)
def test_more_costs_no_less(few: int, more: int, once: int, often: int, price: float) -> None:
    few, more = sorted((few, more))
    once, often = sorted((once, often))
    for override in (None, price):
        less, same, most = (estimate(MINI, *of, override) for of in ((few, once), (few, often), (more, often)))
        assert less and same and most
        assert 0 <= less.usd <= same.usd <= most.usd
    taught = TeacherPrice(price, price, "")
    small, large = estimate_teacher(taught, few, few), estimate_teacher(taught, more, more)
    assert small and large
    assert 0 <= small.usd <= large.usd


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_automatic_epochs_go_down_as_examples_go_up(few: int, many: int) -> None:
    few, many = sorted((few, many))
    assert 25 >= epochs("auto", few) >= epochs("auto", many) >= 1


@given(dollars, dollars, dollars)
def test_a_limit_that_is_met_exactly_is_allowed(usd: float, limit: float, spent: float) -> None:
    made = Estimate(usd, "")
    assert check_limits(made, usd, usd + spent, spent) is None
    assert (check_limits(made, limit, None, spent) is None) == (usd <= limit + 1e-6)


def test_every_price_names_its_source_and_its_day() -> None:
    for row in PRICES["training"].values():
        assert row["source"] in PRICES["sources"]
        assert row["as_of"].startswith("20")
    for undated, dated in PRICES["undated"].items():
        assert dated.startswith(f"{undated}-")
        assert dated in PRICES["training"]


def test_the_base_models_that_jobs_take_unless_told_otherwise_have_a_price() -> None:
    for model in json.loads((files("finetune") / "base_models.json").read_bytes())["defaults"].values():
        assert estimate(model, 1, 1, None) is not None
