"""Curves as SVG and as tables: pure."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.curves import Point
from gateway.admin.page.charts import charts, ticks


def test_nothing_measured_draws_nothing() -> None:
    assert charts([]) == []
    assert charts([Point(1)]) == []


def test_losses_and_accuracies_are_two_charts_with_the_series_that_were_measured() -> None:
    points = [Point(1, train_loss=4.0, train_mean_token_accuracy=0.2), Point(2, train_loss=2.0, valid_loss=3.0)]
    loss, accuracy = charts(points)
    assert (loss.title, [one.label for one in loss.series]) == ("Loss", ["training", "validation"])
    assert (accuracy.title, [one.label for one in accuracy.series]) == ("Accuracy", ["training"])
    assert loss.rows == ((1, (4.0, None)), (2, (2.0, 3.0)))
    assert "training from 4 to 2; validation from 3 to 3" in loss.svg


def test_a_line_goes_from_left_to_right_and_a_smaller_loss_lies_lower() -> None:
    [loss] = charts([Point(0, train_loss=4.0), Point(5, train_loss=3.0), Point(10, train_loss=1.0)])
    found = re.search(r'class="curve train" points="([^"]+)"', loss.svg)
    assert found is not None
    places = [tuple(map(float, place.split(","))) for place in found[1].split()]
    assert places == sorted(places)
    assert [y for _, y in places] == sorted(y for _, y in places)  # SVG counts down the page


def test_one_point_is_a_dot() -> None:
    [loss] = charts([Point(7, full_valid_loss=1.5)])
    assert '<circle class="dot full"' in loss.svg


def test_a_long_curve_has_a_short_table_with_its_ends() -> None:
    [loss] = charts([Point(step, train_loss=1.0) for step in range(1000)])
    assert len(loss.rows) == 24
    assert (loss.rows[0][0], loss.rows[-1][0]) == (0, 999)


def test_a_picture_needs_no_style_and_no_script() -> None:
    for chart in charts([Point(1, train_loss=1.0, train_mean_token_accuracy=0.5)]):
        assert not re.search(r"style=|<script|\bon\w+=", chart.svg)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0.0, 4.0, [0, 1, 2, 3, 4]),
        (0.0, 0.9, [0, 0.25, 0.5, 0.75, 1.0]),
        (0.0, 0.0, [0, 0.25]),
        (-1.0, 1.0, [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_ticks_are_round(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_span_what_is_drawn(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    slack = 1e-6 * max(1.0, abs(low), span)
    assert marks[0] <= low + slack
    assert marks[-1] >= low + span - slack
    assert 2 <= len(marks) <= 12


@given(st.lists(st.builds(Point, step=st.integers(0, 10**6), train_loss=st.floats(-1e9, 1e9)), max_size=50))
def test_any_curve_is_drawn_with_numbers(points: list[Point]) -> None:
    for chart in charts(points):
        assert not re.search(r"\b(nan|inf)\b", chart.svg)
        assert all(math.isfinite(value) for _, row in chart.rows for value in row if value is not None)
