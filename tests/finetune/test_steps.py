"""The manager's decisions, as tables."""

from datetime import datetime

import pytest

from finetune import states, steps
from finetune.backends.base import Phase, ProviderEvent, ProviderJob, TryAgain
from finetune.curves import Point
from finetune.dataset import DatasetSummary
from finetune.steps import Ending
from finetune.values import Status
from tests.support.jobs import job_value

LATER = "2026-11-22T13:00:00.000Z"


def dataset(chunks: int, examples: int) -> DatasetSummary:
    """A data set of so many."""
    return DatasetSummary(chunks, examples, 0, 1000, "0" * 64, {})


@pytest.mark.parametrize(
    ("chunks", "examples", "status", "code", "warnings"),
    [
        (0, 0, "failed", "vault_too_small", []),
        (9, 27, "failed", "vault_too_small", []),
        (10, 9, "failed", "vault_too_small", []),
        (10, 10, "uploading", None, ["small_vault"]),
        (299, 900, "uploading", None, ["small_vault"]),
        (300, 900, "uploading", None, []),
    ],
)
def test_after_a_snapshot(chunks: int, examples: int, status: str, code: str | None, warnings: list[str]) -> None:
    step = steps.after_snapshot(job_value(status="snapshotting"), dataset(chunks, examples), LATER)
    assert step.job.status == status
    assert step.job.dataset == dataset(chunks, examples)
    assert (step.job.error.code if step.job.error else None) == code
    assert [warning.code for warning in step.job.warnings] == warnings
    assert step.again == (None if code else 0.0)
    assert step.events


@pytest.mark.parametrize(
    ("phase", "status", "usable", "becomes"),
    [
        ("running", "queued", False, "training"),
        ("running", "pausing_for_a_review_nobody_heard_of", False, "training"),
        ("succeeded", "succeeded", False, "training"),
        ("succeeded", "succeeded", True, "ready"),
        ("failed", "failed", False, "failed"),
        ("cancelled", "cancelled", False, "cancelled"),
    ],
)
def test_after_a_poll(phase: Phase, status: str, usable: bool, becomes: str) -> None:
    told = ProviderJob("ftjob-1", status, phase, fine_tuned_model="ft:x", trained_tokens=7)
    step = steps.after_poll(job_value(status="training"), told, usable=usable, poll_seconds=10, now=LATER)
    assert (step.job.status, step.job.provider_status, step.job.trained_tokens) == (becomes, status, 7)
    assert step.job.fine_tuned_model == ("ft:x" if becomes == "ready" else None)
    assert (step.again is None) == (becomes != "training")
    assert step.events[0] == ("provider", f"The provider says: {status}.")


def test_a_job_without_a_model_is_not_ready_whatever_else_is_said() -> None:
    told = ProviderJob("ftjob-1", "succeeded", "succeeded")
    step = steps.after_poll(job_value(status="training"), told, usable=True, poll_seconds=10, now=LATER)
    assert step.job.status == "training"


@pytest.mark.parametrize(
    ("code", "message", "becomes"),
    [
        ("invalid_training_file", "Line 3.", "training_file_rejected"),
        ("server_error", "Sorry.", "training_failed"),
        (None, None, "training_failed"),
    ],
)
def test_a_failure_is_told_in_the_providers_words(code: str | None, message: str | None, becomes: str) -> None:
    told = ProviderJob("ftjob-1", "failed", "failed", error_code=code, error_message=message)
    job = steps.after_poll(job_value(status="training"), told, usable=False, poll_seconds=1, now=LATER).job
    assert job.error is not None
    assert job.error.code == becomes
    assert (message or "gave no reason") in job.error.message


def test_a_status_that_did_not_change_is_not_told_again() -> None:
    told = ProviderJob("ftjob-1", "running", "running")
    job = job_value(status="training", provider_status="running")
    assert steps.after_poll(job, told, usable=False, poll_seconds=1, now=LATER).events == ()


@pytest.mark.parametrize(("polls", "least", "most"), [(0, 9, 11), (5, 22, 28), (30, 54, 66), (10_000, 54, 66)])
def test_polls_back_off_to_a_minute(polls: int, least: float, most: float) -> None:
    delays = [steps.poll_delay(polls, 10) for _ in range(200)]
    assert least <= min(delays) <= max(delays) <= most
    assert max(delays) > min(delays)  # so that not all jobs ask at once


def test_a_longer_poll_than_a_minute_is_kept() -> None:
    assert 270 <= steps.poll_delay(50, 300) <= 330


@pytest.mark.parametrize(("failures", "after"), [(0, 1), (1, 2), (5, 32), (6, 64), (50, 64), (2000, 64)])
def test_failures_are_tried_again_later_and_later(failures: int, after: float) -> None:
    step = steps.after_failure(job_value(failures=failures), TryAgain("It broke."), LATER)
    assert (step.again, step.job.failures) == (after, failures + 1)
    assert step.events == ((("retry", "It broke."),) if failures == 0 else ())


def test_failures_are_counted_apart_from_polls() -> None:
    """A long training that fails once is not looked at as rarely as one that has failed for hours."""
    polled = job_value(status="training", polls=2000)
    failed = steps.after_failure(polled, TryAgain("It broke."), LATER)
    assert (failed.again, failed.job.polls, failed.job.failures) == (1, 2000, 1)
    told = ProviderJob("ftjob-1", "running", "running")
    again = steps.after_poll(failed.job, told, usable=False, poll_seconds=10, now=LATER)
    assert (again.job.polls, again.job.failures) == (2001, 1)


def test_the_provider_may_say_when() -> None:
    first = steps.after_failure(job_value(), TryAgain("Slow down.", after=7), LATER)
    assert (first.again, first.events) == (7, (("retry", "Slow down."),))
    tenth = steps.after_failure(job_value(failures=9), TryAgain("Slow down.", after=0), LATER)
    assert (tenth.again, tenth.events) == (1, ())


@pytest.mark.parametrize(
    ("claimed", "clock", "left"),
    [(0.0, 1e9, 0.0), (1e9, 1e9, steps.SETTLE_SECONDS), (1e9, 1e9 + steps.SETTLE_SECONDS, 0.0), (1e9, 2e9, 0.0)],
)
def test_a_create_that_may_still_take_effect_is_waited_for(claimed: float, clock: float, left: float) -> None:
    assert steps.settling(job_value(claimed_at=claimed), clock) == left


@pytest.mark.parametrize(
    ("failure", "left"),
    [
        (TryAgain("429", effect_possible=False), 0.0),
        (TryAgain("500"), steps.ANSWERED_SETTLE_SECONDS),
        (TryAgain("no answer", answered=False), steps.SETTLE_SECONDS),
    ],
)
def test_how_long_depends_on_how_it_failed(failure: TryAgain, left: float) -> None:
    after = steps.after_failed_create(job_value(claimed_at=1e9), failure, 1e9)
    assert steps.settling(after, 1e9) == left


@pytest.mark.parametrize(
    ("options", "seed"), [({}, None), ({"seed": 0}, 0), ({"seed": True}, None), ({"seed": "1"}, None)]
)
def test_a_seed_is_a_number(options: dict[str, object], seed: int | None) -> None:
    assert steps.seed_of(options) == seed


@pytest.mark.parametrize(
    ("status", "waiting", "seconds", "late"),
    [
        ("queued", False, 7 * 86400 - 1, 0),
        ("queued", False, 7 * 86400 + 5, 5),
        ("uploading", False, 86400 + 5, 5),
        ("uploading", True, 86400 + 5, 0),
        ("training", False, 7 * 86400 + 5, 5),
        ("ready", False, 10**9, 0),
    ],
)
def test_a_job_is_overdue_by_its_states_deadline(status: Status, waiting: bool, seconds: float, late: float) -> None:
    job = job_value(status=status, waiting=waiting, since=LATER)
    assert steps.overdue(job, datetime.fromisoformat(LATER).timestamp() + seconds) == pytest.approx(late)


def test_a_job_from_before_there_were_deadlines_is_measured_by_its_last_change() -> None:
    job = job_value(status="queued", created_at="2020-01-01T00:00:00Z", updated_at=LATER)
    assert steps.overdue(job, datetime.fromisoformat(LATER).timestamp() + 60) == 0


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [("cancelled", "cancelled", None), ("deadline_exceeded", "failed", "deadline_exceeded")],
)
def test_a_job_that_is_to_end_ends_with_its_reason(ending: Ending, status: str, code: str | None) -> None:
    told = ProviderJob("ftjob-1", "cancelled", "cancelled")
    for step in (
        steps.end(job_value(status="training"), ending, LATER),
        steps.after_poll(job_value(status="training"), told, usable=False, poll_seconds=1, now=LATER, ending=ending),
    ):
        assert (step.job.status, step.job.error and step.job.error.code, step.again) == (status, code, None)


def test_what_the_provider_writes_is_told_and_what_it_measures_is_not() -> None:
    news = [
        ProviderEvent("e1", "Job started."),
        ProviderEvent("e2", "Step 1/2: loss 2.0", point=Point(1, 2.0)),
        ProviderEvent("e3", "Too slow.", "warn"),
    ]
    step = steps.with_news(steps.Step(job_value(status="training"), (("provider", "x"),)), news)
    assert step.events == (("provider_info", "Job started."), ("provider_warn", "Too slow."), ("provider", "x"))
    assert step.job.seen_event == "e3"
    assert steps.with_news(step, []) == step


@pytest.mark.parametrize(
    ("status", "waiting", "kinds", "waits"),
    [("uploading", False, ["waiting"], True), ("uploading", True, [], True), ("training", False, ["retry"], False)],
)
def test_a_provider_without_a_place_is_waited_for(status: Status, waiting: bool, kinds: list[str], waits: bool) -> None:
    full = TryAgain("No place.", effect_possible=False, busy=True)
    step = steps.after_failure(job_value(status=status, waiting=waiting), full, LATER)
    assert ([kind for kind, _ in step.events], step.job.waiting) == (kinds, waits)


def test_a_long_wait_for_a_place_is_looked_at_every_minute_unless_the_provider_says_otherwise() -> None:
    for after, again in ((None, 60.0), (600.0, 600.0), (5.0, 5.0)):
        full = TryAgain("No place.", after=after, effect_possible=False, busy=True)
        assert steps.after_failure(job_value(status="uploading", failures=12), full, LATER).again == again


@pytest.mark.parametrize(
    ("before", "after", "options", "files", "untidy"),
    [
        ("training", "ready", {}, {"training_file_id": "f1"}, True),
        ("training", "failed", {}, {"training_file_id": "f1", "validation_file_id": "f2"}, True),
        ("training", "ready", {"keep_files": True}, {"training_file_id": "f1"}, False),
        ("snapshotting", "failed", {}, {}, False),
        ("training", "training", {}, {"training_file_id": "f1"}, False),
        ("ready", "ready", {}, {"training_file_id": "f1"}, False),
    ],
)
def test_a_job_that_ends_leaves_no_files(
    before: Status, after: Status, options: dict[str, bool], files: dict[str, str], untidy: bool
) -> None:
    finished = LATER if after in states.FINAL else None
    job = job_value(status=after, options=options, finished_at=finished, **files)
    step = steps.untidy(job_value(status=before), steps.Step(job, again=None if finished else 1.0))
    assert step.job.untidy == untidy
    assert step.job.is_over == (finished is not None and not untidy)
    assert (step.again == 0.0) == untidy


def test_files_that_could_not_be_deleted_are_a_warning() -> None:
    job = job_value(status="ready", finished_at=LATER, untidy=True, training_file_id="f1")
    for failure, codes in ((None, []), ("It said no.", ["files_not_deleted"])):
        step = steps.tidied(job, failure)
        assert ([warning.code for warning in step.job.warnings], step.job.is_over, step.again) == (codes, True, None)
