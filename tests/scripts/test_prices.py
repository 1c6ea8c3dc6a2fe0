"""The price list that ships: what `scripts/prices` makes of litellm's, and nothing else."""

from typing import Any

import pytest

from gateway.price_lists import load
from gateway.prices import LongPrompt, Price
from tests.price_list.__main__ import DATA, extract, litellm_list, written

CHAT = {"mode": "chat", "litellm_provider": "acme", "input_cost_per_token": 1e-06, "output_cost_per_token": 2.5e-06}


def test_the_file_is_what_the_script_writes() -> None:
    if litellm_list() is None:
        pytest.skip("there is no .venv-translator here, and so no litellm to compare with")
    assert DATA.read_bytes() == written(), "run scripts/prices"


@pytest.mark.parametrize(
    ("row", "price"),
    [
        ({}, Price(1.0, 2.5, provider="acme")),
        ({"mode": "responses", "input_cost_per_token_batches": 5e-07}, Price(1.0, 2.5, provider="acme")),
        ({"cache_read_input_token_cost": 1e-07}, Price(1.0, 2.5, 0.1, provider="acme")),
        ({"cache_creation_input_token_cost": 1.25e-06}, Price(1.0, 2.5, None, 1.25, provider="acme")),
        ({"mode": "embedding", "output_cost_per_token": None}, Price(1.0, provider="acme")),
        (
            {"cache_read_input_token_cost": 1e-07, "input_cost_per_token_above_200k_tokens": 2e-06},
            Price(1.0, 2.5, 0.1, above=LongPrompt(200_000, 2.0, 2.5, 0.1), provider="acme"),
        ),
        ({"mode": "image_generation"}, None),
        ({"mode": None}, None),
        ({"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}, None),
        ({"output_cost_per_token": 0.0}, None),
        ({"input_cost_per_token": None}, None),
    ],
)
def test_what_is_taken_of_litellms_list(row: dict[str, Any], price: Price | None) -> None:
    assert extract({"m": {**CHAT, **row}}) == ({} if price is None else {"m": price})


def test_the_list_is_small_and_sound() -> None:
    """A long prompt is never cheaper, so more tokens never cost less."""
    assert DATA.stat().st_size < 400_000
    prices = load(None)
    assert prices.as_of.startswith("20")
    assert len(prices.table) > 3000
    for name, price in prices.table.items():
        assert price.input > 0, name
        assert price.provider, name
        if price.above is not None:
            for field in ("input", "output", "cached_input", "cache_write"):
                assert (getattr(price.above, field) or 0) >= (getattr(price, field) or 0), name
