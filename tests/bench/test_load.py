"""The bodies of the bench."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.bench.load import Loaded, body


@given(st.integers(300, 4000))
@example(428)  # cannot be had by the text alone
@example(100 * 1024)
def test_a_body_is_json_of_just_the_size(size: int) -> None:
    made = body(size, "gpt-4o-mini")
    assert len(made) == size
    told = json.loads(made)
    assert list(told)[:2] == ["messages", "model"]
    assert told["model"] == "gpt-4o-mini"
    assert made.count(b'"model"') == 1


def test_a_stream_says_its_pace() -> None:
    told = json.loads(body(1024, "gpt-4o-mini", "400x10"))
    assert (told["stream"], told["metadata"]) == (True, {"pace": "400x10"})


@pytest.mark.parametrize(
    ("loaded", "fault"),
    [
        (Loaded(100, 0, 0, 1.0), None),
        (Loaded(100, 1, 0, 1.0), "1 of 100 answers were not 200, 0 connections broke"),
        (Loaded(100, 0, 2, 1.0), "0 of 100 answers were not 200, 2 connections broke"),
        (Loaded(0, 0, 0, 1.0), "no answer at all"),
    ],
)
def test_a_load_proves_nothing_unless_every_answer_was_whole_and_good(loaded: Loaded, fault: str | None) -> None:
    assert loaded.fault == fault
