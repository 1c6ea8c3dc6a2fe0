"""The states of a job: only the listed ways lead anywhere."""

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from finetune import states
from finetune.states import ImpossibleTransition
from finetune.values import Notice, Status
from tests.support.jobs import job_value

DOCS = Path(__file__).parents[2] / "docs"
ALL: tuple[Status, ...] = get_args(Status)
WAYS = {
    ("queued", "snapshotting"),
    ("snapshotting", "uploading"),
    ("uploading", "training"),
    ("uploading", "snapshotting"),  # the training file is not what was recorded: it is built again
    ("training", "ready"),
    *product(("queued", "snapshotting", "uploading", "training"), ("failed", "cancelled")),
}


@pytest.mark.parametrize(("before", "after"), list(product(ALL, ALL)))
def test_only_the_listed_ways_lead_anywhere(before: Status, after: Status) -> None:
    job = job_value(status=before, polls=4, failures=2)
    if (before, after) not in WAYS:
        with pytest.raises(ImpossibleTransition):
            states.move(job, after, "later")
        return
    moved = states.move(job, after, "later")
    assert (moved.status, moved.updated_at, moved.polls, moved.failures) == (after, "later", 0, 0)
    assert (moved.since, moved.waiting) == ("later", False)
    assert moved.finished_at == ("later" if after in ("ready", "failed", "cancelled") else None)


def test_the_final_states_are_those_without_a_way_out() -> None:
    assert {"ready", "failed", "cancelled"} == states.FINAL
    assert [states.is_final(job_value(status=status)) for status in ALL] == [status in states.FINAL for status in ALL]


def test_only_states_that_end_have_no_deadline() -> None:
    for status, rule in states.TABLE.items():
        assert (rule.deadline is None) is (status in states.FINAL)
        assert states.deadline(job_value(status=status)) == rule.deadline
    waiting = job_value(status="uploading", waiting=True)
    assert states.deadline(waiting) == states.WAITING_DEADLINE
    assert states.deadline(job_value(status="ready", waiting=True)) is None


def test_the_docs_show_the_table_as_it_is() -> None:
    """Written anew by hand: `python -m finetune.states`."""
    assert states.described() in (DOCS / "jobs.md").read_text()


def test_the_picture_has_every_way_and_no_other() -> None:
    titles = re.findall("<title>(.*?)</title>", (DOCS / "pictures" / "states.svg").read_text())
    assert sorted(titles) == sorted(f"{a} → {b}" for a, rule in states.TABLE.items() for b in rule.following)


def test_a_failure_says_why() -> None:
    failed = states.fail(job_value(status="training"), "training_failed", "Because.", "later")
    assert (failed.status, failed.error) == ("failed", Notice("training_failed", "Because."))


def test_a_warning_is_given_once() -> None:
    warned = states.warn(states.warn(job_value(), "small_vault", "one"), "small_vault", "two")
    assert warned.warnings == (Notice("small_vault", "one"),)
    assert len(states.warn(warned, "other", "x").warnings) == 2
