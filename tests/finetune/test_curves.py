"""The training curve: what providers say of it, merged into one and kept short."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune import curves
from finetune.curves import MAX_POINTS, Point

CSV = (
    b"step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,full_valid_loss\n"
    b"1,2.5,0.4,,,\n10,1.25,0.6,1.5,0.55,\n20,0.75,0.8,1.25,0.65,1.3\n"
)
POINTS = [
    Point(1, 2.5, 0.4),
    Point(10, 1.25, 0.6, 1.5, 0.55),
    Point(20, 0.75, 0.8, 1.25, 0.65, 1.3),
]


@pytest.mark.parametrize(
    ("measured", "found"),
    [
        ({"step": 3, "train_loss": 1.5}, Point(3, 1.5)),
        ({"step": "3", "valid_loss": "0.5"}, Point(3, valid_loss=0.5)),
        ({"step": 3.0, "validation_mean_token_accuracy": 0.5}, Point(3, valid_mean_token_accuracy=0.5)),
        ({"step": 3, "train_loss": 1.5, "total_steps": 9, "other": "x"}, Point(3, 1.5)),
        ({"step": 3}, None),
        ({"train_loss": 1.5}, None),
        ({"step": -1, "train_loss": 1.5}, None),
        ({"step": True, "train_loss": 1.5}, None),
        ({"step": 3, "train_loss": "nan"}, None),
        ({"step": 3, "train_loss": float("inf")}, None),
        ({"step": 3, "train_loss": ""}, None),
        ({}, None),
    ],
)
def test_a_point_is_what_the_provider_measured(measured: dict[str, Any], found: Point | None) -> None:
    assert curves.point(measured) == found


@pytest.mark.parametrize("content", [CSV, base64.b64encode(CSV)])
def test_result_files_are_csv_or_base64_of_it(content: bytes) -> None:
    assert curves.parse_results(content) == POINTS


@given(st.binary(max_size=400))
def test_a_result_file_that_is_none_gives_no_points(content: bytes) -> None:
    assert all(isinstance(one, Point) for one in curves.parse_results(content))


def test_curves_are_merged_by_step_and_the_later_word_counts() -> None:
    early = [Point(1, 2.0), Point(2, 1.9, valid_loss=2.2)]
    late = [Point(2, 1.8), Point(3, 1.7)]
    assert curves.merged(early, late) == [Point(1, 2.0), Point(2, 1.8, valid_loss=2.2), Point(3, 1.7)]
    assert curves.merged([], []) == []


@given(st.integers(1, 5000), st.sets(st.integers(0, 4999), max_size=600))
def test_a_long_curve_keeps_its_ends_and_its_order(length: int, full: set[int]) -> None:
    curve = [Point(n, 1.0, full_valid_loss=0.5 if n in full else None) for n in range(length)]
    kept = curves.thinned(curve)
    assert len(kept) <= MAX_POINTS
    assert (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert [one.step for one in kept] == sorted({one.step for one in kept})
    assert len(kept) == length or len(kept) > MAX_POINTS // 2


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Step 41/100: training loss=0.52", (41, 100)),
        ("Step 3/3", (3, 3)),
        ("Checkpoint created at Step 3/4", None),
        ("Step a/b", None),
    ],
)
def test_an_event_says_how_far_training_is(message: str, told: tuple[int, int] | None) -> None:
    assert curves.steps_told(message) == told
