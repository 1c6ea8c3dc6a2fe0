from __future__ import annotations

import msgspec
import pytest

from finetune.sandbox.jobviews import events_shown, job_shown
from finetune.sandbox.ngram import train
from finetune.sandbox.states import LIVE, status, timeline
from finetune.sandbox.training import plan
from finetune.sandbox.values import (
    Checked,
    Hyperparameters,
    Job,
    JobOrder,
    Point,
    Problem,
    SandboxSettings,
    Trained,
)

POINT = Point(step=3, train_loss=1, train_accuracy=0.5, valid_loss=None, valid_accuracy=None)
ORDERED = Job(
    id="ftjob-1",
    account_hint="0001",
    base_model="base",
    fine_tuned_model="ft:base:sandbox::x",
    result_file="file-r",
    order=JobOrder(model="base", training_file="file-1"),
    seed=7,
    created_at=100,
)
READ = msgspec.structs.replace(ORDERED, checked=Checked(at=100.1, examples=10, tokens=50))
DONE = msgspec.structs.replace(READ, trained=Trained(at=100.2, model=train(["A."]), curve=(POINT,)))
FAILED = msgspec.structs.replace(ORDERED, checked=Checked(at=100.1, problem=Problem("c", "m", "p")))


@pytest.mark.parametrize(
    ("job", "now", "expected"),
    [
        (DONE, 100.0, "validating_files"),
        (DONE, 100.9, "validating_files"),
        (DONE, 101.0, "queued"),
        (DONE, 102.0, "running"),
        (DONE, 102.9, "running"),
        (DONE, 103.0, "succeeded"),
        (DONE, 99.0, "validating_files"),  # the clock went back
        (ORDERED, 500.0, "validating_files"),  # still reading the file
        (READ, 500.0, "running"),  # still training
        (FAILED, 100.5, "validating_files"),
        (FAILED, 101.0, "failed"),
        (msgspec.structs.replace(DONE, cancelled_at=101.5), 101.4, "queued"),
        (msgspec.structs.replace(DONE, cancelled_at=101.5), 500.0, "cancelled"),
        (msgspec.structs.replace(ORDERED, cancelled_at=100.5), 500.0, "cancelled"),
    ],
)
def test_status_follows_from_the_time(job: Job, now: float, expected: str) -> None:
    assert status(job, 1.0, now) == expected


def test_slow_work_delays_what_comes_after() -> None:
    slow = msgspec.structs.replace(READ, trained=Trained(at=110, model=train(["A."]), curve=(POINT,)))
    assert [(state.status, state.at) for state in timeline(slow, 1.0)][-2:] == [
        ("running", 102),
        ("succeeded", 110),
    ]


def test_terminal_states_are_not_live() -> None:
    assert {"validating_files", "queued", "running"} == LIVE


def test_what_is_shown_fits_the_state() -> None:
    running, over = job_shown(DONE, 1.0, 102.5), job_shown(DONE, 1.0, 103.5)
    assert (running["estimated_finish"], running["finished_at"], running["fine_tuned_model"]) == (
        103,
        None,
        None,
    )
    assert (over["estimated_finish"], over["finished_at"]) == (None, 103)
    assert (over["trained_tokens"], over["result_files"]) == (150, ["file-r"])
    assert job_shown(DONE, 1.0, 100)["hyperparameters"] == {
        "n_epochs": "auto",
        "batch_size": "auto",
        "learning_rate_multiplier": "auto",
    }


def test_events_never_change_once_said() -> None:
    earlier, later = events_shown(DONE, 1.0, 102.5), events_shown(DONE, 1.0, 200)
    assert later[-len(earlier) :] == earlier
    assert len(later) > len(earlier)


def test_auto_is_decided() -> None:
    assert plan(Hyperparameters(), 2_000).steps == 3 * 500
    assert plan(Hyperparameters(n_epochs=2, batch_size=8), 10).steps == 4


def test_settings_are_checked() -> None:
    assert SandboxSettings(step_seconds=2).usable_after == 2
    assert SandboxSettings(usable_after_seconds=0).usable_after == 0
    with pytest.raises(ValueError, match="negative"):
        SandboxSettings(step_seconds=-1)
