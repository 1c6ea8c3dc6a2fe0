"""When a base model ends and whose word that is, what cannot be tuned any more, which warnings are given: as tables."""

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune import retirement
from finetune.base_models import Announced, Ends, Offer, Shipped, Source
from finetune.base_models import shipped as real
from finetune.retirement import Dates, Retirement
from finetune.values import Job, Notice
from tests.support.jobs import NOW, job_value

OURS = Shipped(
    as_of="2026-11-01",
    sources={
        "notice": Source("Acme's notice of spring", "https://acme.example/notice"),
        "closing": Source("Acme's notice of summer", "https://acme.example/closing"),
    },
    ends={
        "openai": Ends(
            "Acme",
            (
                Announced("small-2024-07-18", "notice", "2027-01-14"),
                Announced("old-0613", "notice", "2026-10-23"),
            ),
            "2027-01-06",
            "closing",
        ),
        "azure_openai": Ends("Acme's friend", (Announced("small-2024-07-18", "notice", "2027-10-01"),)),
    },
    offers={"openai": Offer(("small-2024-07-18", "old-0613"), ("big",), {"small": "small-2024-07-18"})},
    defaults={},
)
SHIPPED = "Acme's notice of spring (as known on 2026-11-01)"
PROVIDER = "the provider"


def midnight(day: str) -> str:
    return f"{day}T00:00:00.000Z"


@pytest.mark.parametrize(
    ("model", "kind", "told", "at", "says"),
    [
        ("small-2024-07-18", "openai", {}, "2027-01-14", SHIPPED),
        ("small", "openai", {}, "2027-01-14", SHIPPED),
        ("ft:small-2024-07-18:firm:spring:abc", "openai", {}, "2027-01-14", SHIPPED),
        ("ft:small-2024-07-18:firm:spring:abc:ckpt-step-9", "openai", {}, "2027-01-14", SHIPPED),
        ("accounts/firm/ft:small-2024-07-18:firm::abc", "openai", {}, "2027-01-14", SHIPPED),
        ("small-2024-07-18", "azure_openai", {}, "2027-10-01", SHIPPED),
        ("small", "azure_openai", {}, None, None),  # no name there says which snapshot it is
        ("small-2024-07-18", "openai_compatible", {}, None, None),  # another's model of that name
        ("small-2025-01-01", "openai", {}, None, None),
        ("smaller", "openai", {}, None, None),
        # the earlier date holds, and its word is kept
        ("small-2024-07-18", "openai", {"small-2024-07-18": "2026-12-24"}, "2026-12-24", PROVIDER),
        ("small-2024-07-18", "openai", {"small-2024-07-18": "2027-03-01"}, "2027-01-14", SHIPPED),
        ("small-2024-07-18", "openai", {"small-2024-07-18": "2027-01-14"}, "2027-01-14", PROVIDER),
        ("small", "openai", {"small-2024-07-18": "2026-12-24"}, "2026-12-24", PROVIDER),
        ("small", "openai", {"small": "2026-12-24"}, "2026-12-24", PROVIDER),
        ("small-2024-07-18", "openai", {"small": "2026-12-24"}, "2027-01-14", SHIPPED),  # the name may move on
        (
            "ft:small-2024-07-18:firm::a",
            "openai",
            {"ft:small-2024-07-18:firm::a": "2026-12-01"},
            "2026-12-01",
            PROVIDER,
        ),
        ("ft:small-2024-07-18:firm::a", "openai", {"ft:small-2024-07-18:firm::b": "2026-12-01"}, "2027-01-14", SHIPPED),
        # a kind that nothing is shipped of
        ("llama", "openai_compatible", {"llama": "2027-02-01"}, "2027-02-01", PROVIDER),
        (
            "llama",
            "openai_compatible",
            {"llama-2024-01-01": "2027-02-01", "llama-2025-01-01": "2028-02-01"},
            "2028-02-01",
            PROVIDER,
        ),
        ("llama", "openai_compatible", {"llama-large-2024-01-01": "2027-02-01"}, None, None),
        # what cannot be read is nothing
        ("small-2024-07-18", "openai", {"small-2024-07-18": "soon"}, "2027-01-14", SHIPPED),
        ("", "openai", {}, None, None),
        ("ft:", "openai", {}, None, None),
    ],
)
def test_when_a_model_ends_and_who_says_so(
    model: str, kind: str, told: dict[str, str], at: str | None, says: str | None
) -> None:
    dates = Dates(told, OURS)
    expected = Retirement(midnight(at), says) if at and says else None
    assert dates.retirement(model, kind) == expected
    assert dates.retires_at(model, kind) == (midnight(at) if at else None)


def test_a_model_may_end_before_its_base() -> None:
    dates = Dates({"ours": "2026-12-01"}, OURS)
    assert dates.retires_at("small", "openai", "ours") == midnight("2026-12-01")
    assert dates.retires_at("small", "openai", "theirs") == midnight("2027-01-14")


@pytest.mark.parametrize(
    ("model", "kind", "now", "told", "words"),
    [
        ("small-2024-07-18", "openai", "2026-12-01", {}, None),
        ("small", "openai", "2026-12-01", {}, None),
        ("new-model", "openai", "2026-12-01", {}, None),  # the provider may know more than the shipped data
        ("llama", "openai_compatible", "2030-01-01", {}, None),
        ("small-2024-07-18", "openai_compatible", "2030-01-01", {}, None),
        # the last day for a job is a day for a job
        ("small", "openai", "2027-01-06", {}, None),
        (
            "small",
            "openai",
            "2027-01-07",
            {},
            "takes no new fine-tuning jobs after 2027-01-06, says Acme's notice of summer",
        ),
        ("new-model", "openai", "2027-01-07", {}, "takes no new fine-tuning jobs"),
        # the first day without the model is none
        ("small", "azure_openai", "2030-01-01", {}, None),
        ("small-2024-07-18", "azure_openai", "2027-09-30", {}, None),
        (
            "small-2024-07-18",
            "azure_openai",
            "2027-10-01",
            {},
            "was retired on 2027-10-01, says Acme's notice of spring",
        ),
        ("old-0613", "openai", "2026-12-01", {}, "was retired on 2026-10-23"),
        (
            "small",
            "openai",
            "2026-12-01",
            {"small-2024-07-18": "2026-11-30"},
            "was retired on 2026-11-30, says the provider",
        ),
        ("llama", "openai_compatible", "2026-12-01", {"llama": "2026-11-30"}, "was retired"),
        # families, and kinds of models
        ("big", "openai", "2026-12-01", {}, "cannot be fine-tuned"),
        ("big-mini", "openai", "2026-12-01", {}, "cannot be fine-tuned"),
        ("big.1-large", "openai", "2026-12-01", {}, "cannot be fine-tuned"),
        ("bigger", "openai", "2026-12-01", {}, None),
        ("big", "openai_compatible", "2026-12-01", {}, None),
        ("text-embedding-3-small", "openai", "2026-12-01", {}, "no model that writes text"),
        ("whisper-1", "openai_compatible", "2026-12-01", {}, "no model that writes text"),
        ("ft:small-2024-07-18:audio-firm::a", "openai", "2026-12-01", {}, None),  # a suffix says nothing
    ],
)
def test_what_can_be_tuned(model: str, kind: str, now: str, told: dict[str, str], words: str | None) -> None:
    reason = Dates(told, OURS).why_not_tunable(model, kind, midnight(now))
    assert (reason is None) == (words is None), reason
    assert (words or "") in (reason or "")


@pytest.mark.parametrize(
    ("left", "given_before", "due"),
    [
        (91, (), None),
        (90.01, (), None),
        (90, (), "retires_in_90_days"),
        (31, (), "retires_in_90_days"),
        (30, (), "retires_in_30_days"),  # two are due: the nearest is given
        (30, ("retires_in_90_days",), "retires_in_30_days"),
        (30, ("retires_in_30_days",), None),  # and the other is not given after it
        (7, (), "retires_in_7_days"),
        (7, ("retires_in_90_days", "retires_in_30_days"), "retires_in_7_days"),
        (6.9, ("retires_in_7_days",), None),
        (0.01, ("retires_in_7_days",), None),
        (0, ("retires_in_7_days",), "retired"),
        (-400, (), "retired"),
        (-400, ("retired",), None),
        (45, ("small_vault", "retires_in_90_days"), None),
    ],
)
def test_which_warning_is_due(left: float, given_before: tuple[str, ...], due: str | None) -> None:
    now = datetime.fromisoformat(NOW)
    ends = datetime.fromtimestamp(now.timestamp() + left * 86400, now.tzinfo).isoformat()
    assert retirement.warning_due(ends, NOW, frozenset(given_before)) == due
    assert retirement.warning_due(None, NOW, frozenset(given_before)) is None


@given(st.lists(st.floats(-100, 200, allow_nan=False), max_size=40))
def test_day_after_day_no_warning_is_given_twice_and_none_after_a_nearer_one(days: list[float]) -> None:
    """Rounds at any moments, as they come in time."""
    known = Retirement("2027-01-14T00:00:00.000Z", PROVIDER)
    end = datetime.fromisoformat(known.at)
    job, given = job_value(status="ready", fine_tuned_model="ft:1"), []
    for left in sorted(days, reverse=True):
        now = retirement.moment(datetime.fromtimestamp(end.timestamp() - left * 86400, end.tzinfo).isoformat())
        assert now is not None
        job, events = retirement.after_round(job, known, now)
        given += [words for kind, words in events if kind == "warning"]
    codes = [warning.code for warning in job.warnings]
    assert len(given) == len(codes) == len(set(codes))
    assert codes == sorted(codes, key=lambda code: -retirement.WARNINGS[code])
    assert bool(codes) == any(left <= 90 for left in days)


def rounded(known: Retirement | None, now: str, **changes: Any) -> tuple[Job, list[str]]:
    job, events = retirement.after_round(job_value(status="ready", fine_tuned_model="ft:1", **changes), known, now)
    return job, [kind for kind, _ in events]


def test_a_round_with_nothing_new_changes_nothing() -> None:
    job = job_value(status="ready", fine_tuned_model="ft:1")
    assert retirement.after_round(job, None, NOW) == (job, ())
    known = Retirement("2030-01-01T00:00:00.000Z", PROVIDER)
    dated, kinds = rounded(known, NOW)
    assert (dated.retires_at, dated.warnings, kinds) == (known.at, (), ["retirement"])
    assert retirement.after_round(dated, known, "2026-11-23T12:00:00.000Z") == (dated, ())


def test_a_warning_says_what_ends_when_and_who_says_so() -> None:
    job, kinds = rounded(Retirement("2026-11-25T00:00:00.000Z", PROVIDER), NOW)
    assert kinds == ["retirement", "warning"]
    [warning] = job.warnings
    assert warning.code == "retires_in_7_days"
    assert re.search(
        r"ft:1 is retired on 2026-11-25, in 2 days, says the provider\..*another base model", warning.message
    )
    assert job.updated_at == NOW


def test_an_end_that_is_put_off_takes_back_what_is_no_longer_true() -> None:
    near = (
        Notice("small_vault", "It is small."),
        Notice("retires_in_90_days", "In 90 days."),
        Notice("retires_in_30_days", "In 30 days."),
    )
    later, kinds = rounded(
        Retirement("2027-01-20T00:00:00.000Z", PROVIDER), NOW, warnings=near, retires_at="2026-12-01T00:00:00.000Z"
    )
    assert [warning.code for warning in later.warnings] == ["small_vault", "retires_in_90_days"]
    assert kinds == ["retirement"]
    never, kinds = rounded(None, NOW, warnings=near, retires_at="2026-12-01T00:00:00.000Z")
    assert ([warning.code for warning in never.warnings], never.retires_at) == (["small_vault"], None)
    assert kinds == ["retirement"]
    again, _ = retirement.after_round(later, Retirement("2026-12-01T00:00:00.000Z", PROVIDER), NOW)
    assert [warning.code for warning in again.warnings][-1] == "retires_in_30_days", "true again, so given again"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2027-01-14", "2027-01-14T00:00:00.000Z"),
        ("2027-01-14T10:00:00Z", "2027-01-14T10:00:00.000Z"),
        ("2027-01-14T10:00:00+02:00", "2027-01-14T08:00:00.000Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("Jan 14, 2027", None),
        ("", None),
        (None, None),
    ],
)
def test_a_providers_date(text: str | None, read: str | None) -> None:
    assert retirement.moment(text) == read


@given(st.text())
def test_whatever_a_provider_calls_a_date_is_read_or_is_nothing(text: str) -> None:
    read = retirement.moment(text)
    assert read is None or (datetime.fromisoformat(read) and read.endswith("Z"))


@pytest.mark.parametrize(
    ("before", "listed", "after"),
    [
        ({}, {"a": "2027-01-01", "b": None}, {"a": "2027-01-01"}),
        ({"a": "2027-01-01"}, {"a": "2027-02-01"}, {"a": "2027-02-01"}),
        ({"a": "2027-01-01"}, {"a": None}, {}),  # taken back
        ({"a": "2027-01-01"}, {"b": None}, {"a": "2027-01-01"}),  # no longer listed: it has ended, and still when
        ({}, {"a": "soon"}, {}),
    ],
)
def test_what_a_provider_told_before_and_tells_now(
    before: dict[str, str], listed: dict[str, str | None], after: dict[str, str]
) -> None:
    assert retirement.merged(before, listed) == after


def test_what_is_kept_of_a_provider_is_bounded_by_the_latest_ends() -> None:
    listed: dict[str, str | None] = {f"m-{day}": f"{2000 + day}-01-01" for day in range(900)}
    told = retirement.merged({}, listed)
    assert len(told) == retirement.MOST_TOLD
    assert "m-899" in told
    assert "m-0" not in told


# what is shipped


def test_every_date_that_is_shipped_can_be_read_and_has_a_source() -> None:
    data = real()
    assert retirement.moment(data.as_of)
    for ends in data.ends.values():
        assert not ends.tuning_ends or (retirement.moment(ends.tuning_ends) and ends.source in data.sources)
        for row in ends.models:
            assert retirement.moment(row.shuts_down), row
            assert row.source in data.sources, row
        assert len({row.model for row in ends.models}) == len(ends.models)
    assert all(source.says and source.where for source in data.sources.values())


@pytest.mark.parametrize(
    ("model", "kind", "at"),
    [
        ("gpt-4o-mini-2024-07-18", "openai", "2027-01-14"),
        ("gpt-4.1", "openai", "2027-01-14"),
        ("gpt-4o", "openai", "2027-01-14"),
        ("gpt-3.5-turbo", "openai", "2026-10-23"),
        ("gpt-4.1-mini", "azure_openai", "2027-10-14"),
        ("gpt-4o-mini", "azure_openai", "2027-10-01"),
    ],
)
def test_what_is_shipped(model: str, kind: str, at: str) -> None:
    assert retirement.of({}).retires_at(model, kind) == midnight(at)


def test_the_model_that_is_taken_by_default_can_be_tuned_as_long_as_any_can() -> None:
    for backend, model in real().defaults.items():
        assert retirement.of({}).why_not_tunable(model, backend, midnight("2027-01-06")) is None
        assert model in real().offer(backend).tunable
