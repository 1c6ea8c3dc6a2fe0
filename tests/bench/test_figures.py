"""Quantiles, ratios of rounds, verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import Row, Spread, Target, by_round, quantile, ratios, row, spread
from tests.bench.samples import Sample

_TARGET = Target("1 KB ÷ peer", "body", "cpu_us", "µs", 0.9, 0.6, "peer")


def _samples(ours: list[float], peer: list[float]) -> list[Sample]:
    return [
        Sample("body", number, name, {"cpu_us": value})
        for name, values in (("housestyle", ours), ("peer", peer))
        for number, value in enumerate(values)
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], part: float) -> None:
    found = quantile(values, part)
    assert found in values
    assert sum(value <= found for value in values) >= part * len(values)
    assert sum(value < found for value in values) < part * len(values)


def test_quantiles_of_a_hundred() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert [quantile(hundred, part) for part in (0.5, 0.99, 1)] == [50, 99, 100]


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_a_ratio_is_of_one_round() -> None:
    assert ratios({0: 10, 1: 30, 3: 8}, {0: 20, 1: 20, 2: 20}) == [0.5, 1.5]


def test_the_verdict_is_by_the_median_of_the_ratios_not_by_the_ratio_of_the_medians() -> None:
    judged = row(_TARGET, _samples([50, 100, 400], [100, 400, 400])).judged
    assert judged == Spread(0.5, 0.25, 1.0, 3)


@pytest.mark.parametrize(
    ("ours", "met", "stretched"),
    [([90.0], True, False), ([91.0], False, False), ([60.0], True, True), ([], None, False)],
)
def test_a_target_is_met_up_to_its_limit(ours: list[float], met: bool | None, stretched: bool) -> None:
    found = row(_TARGET, _samples(ours, [100.0]))
    assert (found.met, found.stretched) == (met, stretched)


def test_what_is_wanted_large_is_the_peers_divided_by_ours() -> None:
    target = Target("LiteLLM ÷ this", "body", "cpu_us", "µs", 100, None, "peer", at_least=True, inverse=True)
    assert row(target, _samples([200], [20_000])).met is True
    assert row(target, _samples([201], [20_000])).met is False


def test_a_figure_without_a_peer_is_judged_itself() -> None:
    target = Target("memory", "body", "cpu_us", "MB", 100)
    assert row(target, _samples([90, 101, 80], [])) == Row(
        target, Spread(90, 80, 101, 3), None, Spread(90, 80, 101, 3), met=True
    )


def test_a_void_round_proves_nothing() -> None:
    samples = [*_samples([50], [100]), Sample("body", 1, "housestyle", {"cpu_us": 1}, void="a connection broke")]
    assert by_round(samples, "body", "housestyle", "cpu_us") == {0: 50}


def test_no_rounds_have_no_spread() -> None:
    assert spread([]) is None
