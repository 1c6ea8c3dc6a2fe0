"""The contract's table "Which model answers", row by row; the order of its rows; what holds for any input."""

import hashlib
import itertools
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.substitution import (
    TABLE,
    Owners,
    decide,
    fall_back,
    in_fine_tuned_arm,
    is_foreign,
    refuses_model,
    same_model,
    stock_model,
)
from policies.values import Call, Decision, FineTune, Provider, Reason, Refusal, Route, Rule

BASE = "gpt-4.1-mini-2025-04-14"
MINE = "ft:gpt-4.1-mini-2025-04-14:smith::1"
OLDER = "ft:gpt-4.1-mini-2025-04-14:smith::0"
HOUSE = "smith-7b"  # a fine-tune without the form of one, at another provider
THEIRS = "ft:gpt-4.1-mini-2025-04-14:jones::1"
PLAIN_THEIRS = "jones-7b"
TWICE = "firm-7b"  # ours at `azure`, another tenant's at `openai`

OPENAI = Provider("openai", "gpt-4.1-mini", "account-1")
AZURE = Provider("azure", "gpt-4o", "account-2")
ACTIVE = FineTune("job_1", "openai", MINE, BASE)

OWNERS: Owners = {
    ("account-1", MINE): frozenset({"smith"}),
    ("account-1", OLDER): frozenset({"smith", "jones"}),
    ("account-2", HOUSE): frozenset({"smith"}),
    ("account-1", THEIRS): frozenset({"jones"}),
    ("account-1", PLAIN_THEIRS): frozenset({"jones"}),
    ("account-1", TWICE): frozenset({"jones"}),
    ("account-2", TWICE): frozenset({"smith"}),
}

ROUTE = Route(
    tenant="smith",
    revision=17,
    rule="default_only",
    fallback="stock",
    providers={"openai": OPENAI, "azure": AZURE},
    default_provider="openai",
    fine_tunes={
        MINE: ACTIVE,
        OLDER: FineTune("job_0", "openai", OLDER, BASE),
        HOUSE: FineTune("job_2", "azure", HOUSE, "mistral-7b"),
        TWICE: FineTune("job_3", "azure", TWICE, "mistral-7b"),
    },
    active=ACTIVE,
    share=1.0,
)
CALL = Call(rewritten=True, requested="gpt-4.1-mini", provider=None, opted_out=False, arm_key="run-1")

NO_SHARE = 2.0**-64  # nobody falls in the fine-tuned arm, short of a digest that begins with 64 zeros

# What a row says: (reason, model sent upstream, fine_tuned, provider, job).
Said = tuple[Reason, str | None, bool, str, str | None]


def said(call: Call, route: Route = ROUTE, *, active_refused: bool = False) -> Said:
    decision = decide(call, route, OWNERS, active_refused=active_refused)
    assert isinstance(decision, Decision), decision
    return told(decision, call)


def told(decision: Decision, call: Call) -> Said:
    model = call.requested if decision.model is None else decision.model
    return decision.reason, model, decision.fine_tuned, decision.provider, decision.job_id


def call_of(**changes: Any) -> Call:
    return replace(CALL, **changes)


def route_of(**changes: Any) -> Route:
    return replace(ROUTE, **changes)


ROWS: list[tuple[str, Mapping[str, Any], Mapping[str, Any], Said]] = [
    # endpoint_not_tunable: as asked, wherever the tenant stands
    (
        "a route that is not rewritten",
        {"rewritten": False, "requested": None},
        {},
        (Reason.ENDPOINT_NOT_TUNABLE, None, False, "openai", None),
    ),
    (
        "a stock model on a route that is not rewritten",
        {"rewritten": False, "requested": "gpt-4.1-mini"},
        {},
        (Reason.ENDPOINT_NOT_TUNABLE, "gpt-4.1-mini", False, "openai", None),
    ),
    (
        "X-Provider on a route that is not rewritten",
        {"rewritten": False, "requested": None, "provider": "azure"},
        {},
        (Reason.ENDPOINT_NOT_TUNABLE, None, False, "azure", None),
    ),
    # pinned_fine_tune: named outright, at its own provider
    ("the active model by name", {"requested": MINE}, {}, (Reason.PINNED_FINE_TUNE, MINE, True, "openai", "job_1")),
    ("an older model by name", {"requested": OLDER}, {}, (Reason.PINNED_FINE_TUNE, OLDER, True, "openai", "job_0")),
    (
        "a model by name without any active job",
        {"requested": OLDER},
        {"active": None},
        (Reason.PINNED_FINE_TUNE, OLDER, True, "openai", "job_0"),
    ),
    ("a model at another provider", {"requested": HOUSE}, {}, (Reason.PINNED_FINE_TUNE, HOUSE, True, "azure", "job_2")),
    (
        "a model at another provider than X-Provider",
        {"requested": MINE, "provider": "azure"},
        {},
        (Reason.PINNED_FINE_TUNE, MINE, True, "openai", "job_1"),
    ),
    (
        "a name that is ours at our provider and another's at the default one",
        {"requested": TWICE},
        {},
        (Reason.PINNED_FINE_TUNE, TWICE, True, "azure", "job_3"),
    ),
    # opted_out
    ("X-Model-Policy: stock", {"opted_out": True}, {}, (Reason.OPTED_OUT, "gpt-4.1-mini", False, "openai", None)),
    (
        "stock and no model",
        {"opted_out": True, "requested": None},
        {},
        (Reason.OPTED_OUT, "gpt-4.1-mini", False, "openai", None),
    ),
    (
        "stock and another model",
        {"opted_out": True, "requested": "gpt-4o"},
        {},
        (Reason.OPTED_OUT, "gpt-4o", False, "openai", None),
    ),
    (
        "stock at X-Provider, its default",
        {"opted_out": True, "requested": "default", "provider": "azure"},
        {},
        (Reason.OPTED_OUT, "gpt-4o", False, "azure", None),
    ),
    # no_active_job
    ("no active job", {}, {"active": None}, (Reason.NO_ACTIVE_JOB, "gpt-4.1-mini", False, "openai", None)),
    (
        "no active job, empty model",
        {"requested": ""},
        {"active": None},
        (Reason.NO_ACTIVE_JOB, "gpt-4.1-mini", False, "openai", None),
    ),
    (
        "no active job, model of another provider",
        {"requested": "default", "provider": "azure"},
        {"active": None},
        (Reason.NO_ACTIVE_JOB, "gpt-4o", False, "azure", None),
    ),
    ("the rule off", {}, {"rule": "off"}, (Reason.NO_ACTIVE_JOB, "gpt-4.1-mini", False, "openai", None)),
    (
        "the rule off, no model",
        {"requested": None},
        {"rule": "off"},
        (Reason.NO_ACTIVE_JOB, "gpt-4.1-mini", False, "openai", None),
    ),
    # model_not_default
    ("another model", {"requested": "gpt-4o"}, {}, (Reason.MODEL_NOT_DEFAULT, "gpt-4o", False, "openai", None)),
    (
        "another date than the base's",
        {"requested": "gpt-4.1-mini-2024-01-01"},
        {},
        (Reason.MODEL_NOT_DEFAULT, "gpt-4.1-mini-2024-01-01", False, "openai", None),
    ),
    (
        "`default` in capitals is a name",
        {"requested": "Default"},
        {},
        (Reason.MODEL_NOT_DEFAULT, "Default", False, "openai", None),
    ),
    (
        "the default of another provider than the one that is called",
        {"requested": "gpt-4o", "provider": "openai"},
        {},
        (Reason.MODEL_NOT_DEFAULT, "gpt-4o", False, "openai", None),
    ),
    # stock_arm
    ("the stock arm", {}, {"share": NO_SHARE}, (Reason.STOCK_ARM, "gpt-4.1-mini", False, "openai", None)),
    (
        "the stock arm, no model",
        {"requested": None},
        {"share": NO_SHARE},
        (Reason.STOCK_ARM, "gpt-4.1-mini", False, "openai", None),
    ),
    (
        "the stock arm, the base model",
        {"requested": BASE},
        {"share": NO_SHARE},
        (Reason.STOCK_ARM, BASE, False, "openai", None),
    ),
    (
        "the stock arm under the rule all",
        {"requested": "gpt-4o"},
        {"share": NO_SHARE, "rule": "all"},
        (Reason.STOCK_ARM, "gpt-4o", False, "openai", None),
    ),
    # active_job
    ("the default model", {}, {}, (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")),
    ("no model", {"requested": None}, {}, (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")),
    ("an empty model", {"requested": ""}, {}, (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")),
    ("`default`", {"requested": "default"}, {}, (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")),
    ("the base model, dated", {"requested": BASE}, {}, (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")),
    (
        "the base model, undated, where the default is another",
        {"requested": "gpt-4.1-mini"},
        {"providers": {"openai": replace(OPENAI, default_model="o4-mini"), "azure": AZURE}},
        (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1"),
    ),
    (
        "a dated model of an undated base",
        {"requested": BASE},
        {
            "providers": {"openai": replace(OPENAI, default_model="o4-mini")},
            "active": replace(ACTIVE, base_model="gpt-4.1-mini"),
        },
        (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1"),
    ),
    (
        "any model under the rule all",
        {"requested": "gpt-4o"},
        {"rule": "all"},
        (
            Reason.ACTIVE_JOB,
            MINE,
            True,
            "openai",
            "job_1",
        ),
    ),
    (
        "the job's provider, whatever X-Provider says",
        {"requested": "gpt-4o", "provider": "azure"},
        {},
        (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1"),
    ),
    (
        "an active job at another provider than the default",
        {"requested": None},
        {"active": ROUTE.fine_tunes[HOUSE]},
        (Reason.ACTIVE_JOB, HOUSE, True, "azure", "job_2"),
    ),
]


@pytest.mark.parametrize(("call", "route", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table(call: Mapping[str, Any], route: Mapping[str, Any], expected: Said) -> None:
    assert said(call_of(**call), route_of(**route)) == expected


@pytest.mark.parametrize("rewritten", [True, False])
@pytest.mark.parametrize(
    ("requested", "provider"),
    [
        pytest.param(THEIRS, None, id="another tenant's, in the form of a fine-tune"),
        pytest.param(PLAIN_THEIRS, None, id="another tenant's, in any form"),
        pytest.param("ft:gpt-4o:elsewhere::9", None, id="a fine-tune that nobody here knows"),
        pytest.param("ft:", None, id="the bare prefix"),
        pytest.param(THEIRS, "azure", id="another tenant's, at a provider where nobody has it"),
    ],
)
def test_foreign_fine_tunes_are_refused(requested: str, provider: str | None, rewritten: bool) -> None:
    for rule in ("default_only", "all", "off"):
        call = call_of(requested=requested, provider=provider, rewritten=rewritten)
        assert decide(call, route_of(rule=rule), OWNERS) == Refusal("model_not_found", Reason.FOREIGN_FINE_TUNE)


def test_a_foreign_name_is_foreign_at_its_account_only() -> None:
    call = call_of(requested=PLAIN_THEIRS, provider="azure")
    assert said(call, route_of(active=None)) == (Reason.NO_ACTIVE_JOB, PLAIN_THEIRS, False, "azure", None)


def test_a_name_that_repeats_is_foreign_where_the_call_itself_goes_to_the_other_account() -> None:
    call = call_of(requested=TWICE, rewritten=False)
    assert decide(call, ROUTE, OWNERS) == Refusal("model_not_found", Reason.FOREIGN_FINE_TUNE)
    assert said(replace(call, provider="azure"))[0] is Reason.ENDPOINT_NOT_TUNABLE


def test_a_model_of_two_tenants_is_foreign_to_neither() -> None:
    for tenant in ("smith", "jones"):
        assert not is_foreign(OLDER, OPENAI, route_of(tenant=tenant, fine_tunes={}), OWNERS)
    assert is_foreign(OLDER, OPENAI, route_of(tenant="third"), OWNERS)


@pytest.mark.parametrize("provider", ["nowhere", "OpenAI", "openai "])
def test_an_unknown_provider_is_refused_before_anything_else(provider: str) -> None:
    for requested in (None, MINE, THEIRS, "gpt-4o"):
        refusal = decide(call_of(requested=requested, provider=provider), ROUTE, OWNERS)
        assert refusal == Refusal("provider_not_configured")


def test_without_a_default_provider_a_call_must_name_one() -> None:
    route = route_of(default_provider=None, active=None)
    assert decide(CALL, route, OWNERS) == Refusal("provider_not_configured")
    assert said(call_of(provider="azure"), route)[3] == "azure"


@pytest.mark.parametrize("requested", [None, MINE])
def test_a_fine_tune_whose_provider_is_not_there_is_refused(requested: str | None) -> None:
    route = route_of(rule="all", providers={"azure": AZURE}, default_provider="azure")
    assert decide(call_of(requested=requested), route, OWNERS) == Refusal("provider_not_configured")


@pytest.mark.parametrize("model", [THEIRS, PLAIN_THEIRS])
@pytest.mark.parametrize("requested", [None, "", "default"])
def test_a_default_model_that_is_another_tenants_is_refused(requested: str | None, model: str) -> None:
    route = route_of(active=None, providers={"openai": replace(OPENAI, default_model=model)})
    refusal = decide(call_of(requested=requested), route, OWNERS)
    assert refusal == Refusal("model_not_found", Reason.FOREIGN_FINE_TUNE)


def test_the_rows_stand_in_the_contracts_order() -> None:
    assert [row.reason for row in TABLE] == [
        "foreign_fine_tune",
        "endpoint_not_tunable",
        "pinned_fine_tune",
        "opted_out",
        "no_active_job",
        "model_not_default",
        "stock_arm",
        "active_job",
    ]


@pytest.mark.parametrize("requested", ["gpt-4.1-mini", "gpt-4o", MINE, THEIRS])
@pytest.mark.parametrize("rewritten", [True, False])
@pytest.mark.parametrize("opted_out", [True, False])
@pytest.mark.parametrize("active", [ACTIVE, None])
@pytest.mark.parametrize("rule", ["default_only", "all", "off"])
@pytest.mark.parametrize("share", [1.0, NO_SHARE])
def test_where_several_rows_apply_the_earliest_decides(
    requested: str,
    rewritten: bool,
    opted_out: bool,
    active: FineTune | None,
    rule: Rule,
    share: float,
) -> None:
    applying = {
        "foreign_fine_tune": requested == THEIRS,
        "endpoint_not_tunable": not rewritten,
        "pinned_fine_tune": requested == MINE,
        "opted_out": opted_out,
        "no_active_job": active is None or rule == "off",
        "model_not_default": rule != "all" and requested != "gpt-4.1-mini",
        "stock_arm": share < 1,
        "active_job": True,
    }
    call = call_of(requested=requested, rewritten=rewritten, opted_out=opted_out)
    decision = decide(call, route_of(active=active, rule=rule, share=share), OWNERS)
    assert decision.reason == next(name for name, applies in applying.items() if applies)


@pytest.mark.parametrize("requested", [None, "", "default", "gpt-4.1-mini", BASE, "gpt-4o", MINE])
@pytest.mark.parametrize("route", [ROUTE, route_of(active=None), route_of(share=NO_SHARE), route_of(rule="all")])
def test_a_body_is_touched_only_where_its_model_changes(requested: str | None, route: Route) -> None:
    decision = decide(call_of(requested=requested), route, OWNERS)
    assert isinstance(decision, Decision)
    assert decision.model != requested or requested is None


@pytest.mark.parametrize(
    ("asked", "base", "same"),
    [
        ("gpt-4.1-mini", "gpt-4.1-mini", True),
        ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", True),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", True),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini-2025-04-14", True),
        ("gpt-4.1-mini-2025-04-15", "gpt-4.1-mini-2025-04-14", False),
        ("gpt-4.1", "gpt-4.1-mini-2025-04-14", False),
        ("gpt-4.1-mini", "gpt-4.1", False),
        ("claude-haiku-4-20250514", "claude-haiku-4", True),
        ("claude-haiku-4@20250514", "claude-haiku-4", True),
        ("claude-haiku-4@20250514", "claude-haiku-4-20250514", False),
        ("claude-haiku-4", "claude-haiku-4@20250514", True),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", True),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo", True),
        ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-0125", False),
        ("gpt-3.5-turbo-16k", "gpt-3.5-turbo", False),
        ("gpt-4.1-mini-2025-4-14", "gpt-4.1-mini", False),
        ("gpt-4.1-mini-2025-04-14-preview", "gpt-4.1-mini", False),
        ("GPT-4.1-mini", "gpt-4.1-mini", False),
        ("gpt-4.1-mini-2025-04-14\n", "gpt-4.1-mini", False),
        ("", "gpt-4.1-mini", False),
    ],
)
def test_dated_and_undated_names(asked: str, base: str, same: bool) -> None:
    assert same_model(asked, base) is same


@pytest.mark.parametrize(
    ("requested", "stock"),
    [(None, "gpt-4.1-mini"), ("", "gpt-4.1-mini"), ("default", "gpt-4.1-mini"), ("o3", "o3"), ("DEFAULT", "DEFAULT")],
)
def test_the_stock_model(requested: str | None, stock: str) -> None:
    assert stock_model(call_of(requested=requested), OPENAI) == stock


# the arms of a share


def test_the_arm_is_the_digest_as_a_fraction_below_the_share() -> None:
    digest = hashlib.sha256(b"smith\0job_1\0run-1").digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    assert in_fine_tuned_arm("smith", "job_1", "run-1", fraction + 1e-9)
    assert not in_fine_tuned_arm("smith", "job_1", "run-1", fraction - 1e-9)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_share_is_met(share: float) -> None:
    calls = 20_000
    hits = sum(in_fine_tuned_arm("smith", "job_1", f"run-{n}", share) for n in range(calls))
    assert abs(hits - calls * share) < 5 * math.sqrt(calls * share * (1 - share))


def test_a_whole_share_takes_everybody() -> None:
    assert all(in_fine_tuned_arm("smith", "job_1", f"run-{n}", 1.0) for n in range(1000))


@given(st.text(), st.floats(0, 1, exclude_min=True), st.floats(0, 1, exclude_min=True))
def test_who_is_in_the_arm_stays_in_it_when_the_share_grows(key: str, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    assert in_fine_tuned_arm("smith", "job_1", key, larger) >= in_fine_tuned_arm("smith", "job_1", key, smaller)


def test_jobs_and_tenants_divide_their_callers_differently() -> None:
    def arms(tenant: str, job: str) -> list[bool]:
        return [in_fine_tuned_arm(tenant, job, f"run-{n}", 0.5) for n in range(200)]

    seen = {tuple(arms(tenant, job)) for tenant, job in itertools.product(("smith", "jones"), ("job_1", "job_2"))}
    assert len(seen) == 4


def test_one_key_stays_in_one_arm() -> None:
    route = route_of(share=0.5)
    arms = {key: {said(call_of(arm_key=key), route)[0] for _ in range(5)} for key in map(str, range(50))}
    assert all(len(reasons) == 1 for reasons in arms.values())
    assert {reason for reasons in arms.values() for reason in reasons} == {Reason.STOCK_ARM, Reason.ACTIVE_JOB}


def test_any_text_can_be_a_key() -> None:
    for key in ("", "\ud800", "\0", "é" * 1000):
        assert in_fine_tuned_arm("smith", "job_1", key, 1.0)


# after the upstream refused the model


@pytest.mark.parametrize(
    ("status", "code", "refuses"),
    [
        (404, None, True),
        (404, "anything", True),
        (400, "model_not_found", True),
        (400, "invalid_model", True),
        (400, "model_not_available", True),
        (400, "DeploymentNotFound", True),
        (403, "model_not_found", True),
        (403, "invalid_model", True),
        (400, None, False),
        (400, "deploymentnotfound", False),
        (400, "context_length_exceeded", False),
        (403, "unsupported_country_region_territory", False),
        (401, "model_not_found", False),
        (429, "model_not_found", False),
        (500, "model_not_found", False),
        (200, None, False),
    ],
)
def test_what_refuses_the_model(status: int, code: str | None, refuses: bool) -> None:
    assert refuses_model(status, code) is refuses


@pytest.mark.parametrize(
    ("requested", "provider", "expected"),
    [
        ("gpt-4.1-mini", None, (Reason.FALLBACK_STOCK, "gpt-4.1-mini", False, "openai", None)),
        (BASE, None, (Reason.FALLBACK_STOCK, BASE, False, "openai", None)),
        (None, None, (Reason.FALLBACK_STOCK, "gpt-4.1-mini", False, "openai", None)),
        ("default", "azure", (Reason.FALLBACK_STOCK, "gpt-4o", False, "azure", None)),
    ],
)
def test_the_second_attempt_goes_to_the_stock_model(requested: str, provider: str | None, expected: Said) -> None:
    call = call_of(requested=requested, provider=provider)
    refused = decide(call, ROUTE, OWNERS)
    assert isinstance(refused, Decision)
    second = fall_back(refused, call, ROUTE, OWNERS)
    assert second is not None
    assert told(second, call) == expected
    assert said(call, active_refused=True) == expected, "remembered, it is decided so at once"


def test_with_fallback_fail_there_is_no_second_attempt() -> None:
    route = route_of(fallback="fail")
    refused = decide(CALL, route, OWNERS)
    assert isinstance(refused, Decision)
    assert fall_back(refused, CALL, route, OWNERS) is None
    assert said(CALL, route, active_refused=True) == (Reason.ACTIVE_JOB, MINE, True, "openai", "job_1")


@pytest.mark.parametrize(
    ("call", "route"),
    [
        (call_of(requested=MINE), ROUTE),
        (call_of(opted_out=True), ROUTE),
        (CALL, route_of(active=None)),
        (call_of(requested="gpt-4o"), ROUTE),
        (CALL, route_of(share=NO_SHARE)),
        (call_of(rewritten=False), ROUTE),
    ],
)
def test_only_the_active_job_falls_back(call: Call, route: Route) -> None:
    first = decide(call, route, OWNERS)
    assert isinstance(first, Decision)
    assert fall_back(first, call, route, OWNERS) is None
    assert decide(call, route, OWNERS, active_refused=True) == first


@pytest.mark.parametrize("model", [THEIRS, PLAIN_THEIRS])
def test_nothing_falls_back_to_a_default_model_that_is_another_tenants(model: str) -> None:
    call = call_of(requested=None)
    route = route_of(providers={"openai": replace(OPENAI, default_model=model)})
    refused = decide(call, route, OWNERS)
    assert isinstance(refused, Decision)
    assert fall_back(refused, call, route, OWNERS) is None
    assert decide(call, route, OWNERS, active_refused=True) == refused


def test_a_refused_active_model_opens_no_way_to_a_foreign_one() -> None:
    refusal = decide(call_of(requested=THEIRS), ROUTE, OWNERS, active_refused=True)
    assert refusal == Refusal("model_not_found", Reason.FOREIGN_FINE_TUNE)


# what holds for any input

NAMES = st.sampled_from(["openai", "azure", "litellm"])
ACCOUNTS = st.sampled_from(["account-1", "account-2"])
STOCK = st.sampled_from(["gpt-4.1-mini", "gpt-4o", BASE, "default", "mistral-7b", "x"])
TUNED = st.sampled_from([MINE, OLDER, THEIRS, PLAIN_THEIRS, HOUSE, TWICE])
REQUESTED = st.one_of(st.none(), st.just(""), STOCK, TUNED, st.text(), st.text().map(lambda text: "ft:" + text))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Call, Route, Owners]:
    """A call, a route and who owns what: what belongs to the tenant is among its own and its owned."""
    names = draw(st.lists(NAMES, min_size=1, unique=True))
    providers = {name: Provider(name, draw(STOCK | TUNED), draw(ACCOUNTS)) for name in names}
    theirs = draw(st.sets(st.tuples(ACCOUNTS, TUNED)))
    owners = {place: frozenset({"jones"}) for place in theirs}
    fine_tunes: dict[str, FineTune] = {}
    for number, model in enumerate(draw(st.lists(TUNED, unique=True))):
        made = FineTune(f"job_{number}", draw(NAMES), model, draw(STOCK))
        if made.provider in providers:
            place = (providers[made.provider].account, model)
            owners[place] = owners.get(place, frozenset()) | {"smith"}
        fine_tunes[model] = made
    route = Route(
        tenant="smith",
        revision=draw(st.integers(0, 9)),
        rule=draw(st.sampled_from(["default_only", "all", "off"])),
        fallback=draw(st.sampled_from(["stock", "fail"])),
        providers=providers,
        default_provider=draw(st.none() | NAMES),
        fine_tunes=fine_tunes,
        active=draw(st.none() | st.sampled_from(list(fine_tunes.values()))) if fine_tunes else None,
        share=draw(st.floats(0, 1, exclude_min=True)),
    )
    call = Call(
        rewritten=draw(st.booleans()),
        requested=draw(REQUESTED),
        provider=draw(st.none() | NAMES | st.text()),
        opted_out=draw(st.booleans()),
        arm_key=draw(st.text()),
    )
    return call, route, owners


@given(worlds(), st.booleans())
@settings(max_examples=400)
def test_every_call_is_decided(world: tuple[Call, Route, Owners], active_refused: bool) -> None:
    call, route, owners = world
    decision = decide(call, route, owners, active_refused=active_refused)
    if isinstance(decision, Refusal):
        assert (decision.code, decision.reason) in {
            ("provider_not_configured", None),
            ("model_not_found", Reason.FOREIGN_FINE_TUNE),
        }
        return
    assert decision.reason in set(Reason) - {Reason.FOREIGN_FINE_TUNE}
    assert decision.provider in route.providers
    assert decision.fine_tuned is (decision.reason in {Reason.ACTIVE_JOB, Reason.PINNED_FINE_TUNE})
    assert (decision.job_id is not None) is decision.fine_tuned
    if not call.rewritten:
        assert decision.model is None, "a body that is not rewritten is not touched"


@given(worlds(), st.booleans())
@settings(max_examples=400)
def test_a_foreign_model_is_never_sent_anywhere(world: tuple[Call, Route, Owners], active_refused: bool) -> None:
    call, route, owners = world
    decision = decide(call, route, owners, active_refused=active_refused)
    if isinstance(decision, Refusal):
        return
    sent = call.requested if decision.model is None else decision.model
    owning = owners.get((route.providers[decision.provider].account, sent or ""), frozenset())
    assert not owning or "smith" in owning
    assert not (sent or "").startswith("ft:") or sent in route.fine_tunes


@given(worlds())
@settings(max_examples=200)
def test_the_same_call_is_decided_the_same_way(world: tuple[Call, Route, Owners]) -> None:
    call, route, owners = world
    assert decide(call, route, owners) == decide(call, route, owners)


@pytest.mark.parametrize(
    "model", ["FT:gpt-4o:a::1", " ft:gpt-4o:a::1", "openai/ft:gpt-4o:a::1", "\ufeffft:a::1\n", "ft:a/b"]
)
def test_a_fine_tuned_models_id_is_known_however_it_is_written(model: str) -> None:
    assert is_foreign(model, Provider("main", "m", "account"), _BARE, {})


def test_owners_are_known_in_any_case() -> None:
    owners = {("account", "acme-ft"): frozenset({"acme"})}
    assert is_foreign("Acme-FT", Provider("main", "m", "account"), _BARE, owners)
    assert not is_foreign("Acme-FT", Provider("main", "m", "another"), _BARE, owners)


_BARE = Route("other", 1, "default_only", "stock", {}, None, {}, None, 1.0)
