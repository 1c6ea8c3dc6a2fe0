"""What the job worker's composition root works out itself."""

import pytest

from finetune.cost import TeacherPrice
from gateway import price_lists
from gateway.prices import Price, Prices
from gateway.worker_root import teacher_price

LISTED = "prices as of 2026-10-21"


@pytest.mark.parametrize(
    ("kind", "model", "price"),
    [
        ("openai", "gpt-4.1", TeacherPrice(2.0, 8.0, LISTED)),
        ("openai_compatible", "gpt-4o-mini", TeacherPrice(0.15, 0.6, LISTED)),
        ("openai", "gpt-4o-2024-05-13", TeacherPrice(5.0, 15.0, LISTED)),
        ("azure_openai", "gpt-4.1-mini", TeacherPrice(0.4, 1.6, LISTED)),
        ("azure_openai", "our-deployment", None),
        ("openai", "sandbox-small", None),
    ],
)
def test_a_teacher_is_priced_as_calls_are(kind: str, model: str, price: TeacherPrice | None) -> None:
    assert teacher_price(price_lists.load(None), kind, model) == price


def test_the_operators_own_price_of_a_teacher() -> None:
    prices = Prices({}, {"azure_openai/our-deployment": Price(1.0, 2.0)})
    told = "the operator's own prices"
    assert teacher_price(prices, "azure_openai", "our-deployment") == TeacherPrice(1.0, 2.0, told)
