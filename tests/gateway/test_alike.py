"""What calls say alike: never another's, however many calls there were before; with a call's own, the whole record."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from gateway import call as calls
from gateway import price_lists
from gateway.alike import Alike, Own
from gateway.call import Alikes, CallState
from gateway.compiling import TenantRoutes
from gateway.spans import Attempt
from gateway.trace_context import Trace
from gateway.why import Lines, WhyRecord
from gateway.wire import body as wire_body
from gateway.wire.served import Served
from policies.values import Caller, Decision, FineTune, Provider, Reason, Role, Route
from tests.support.why import parts, record

PRICES = price_lists.load(None)
BODIES = {
    (model, stream): wire_body.read(msgspec.json.encode({"model": model, "stream": stream}))
    for model in ("gpt-4o-mini", "default", "x" * 300)
    for stream in (True, False)
}
TUNED = FineTune("job_1", "main", "ft:1", "gpt-4o-mini")
DECISIONS = (
    None,
    Decision(Reason.ACTIVE_JOB, True, "main", "ft:1", "job_1"),
    Decision(Reason.FALLBACK_STOCK, False, "main", "gpt-4o-mini", None),
    Decision(Reason.OPTED_OUT, False, "other", None, None),
)


def routes(tenant: str, revision: int, active: bool) -> TenantRoutes:
    """A tenant whose fine-tune is known, or not."""
    provider = Provider("main", "gpt-4o-mini", "account")
    tunes = {TUNED.model: TUNED} if active else {}
    return TenantRoutes(
        Route(tenant, revision, "default_only", "stock", {"main": provider}, "main", tunes, None, 1.0),
        suspended=False,
        upstreams={},
    )


MAYBE = st.none() | st.sampled_from(["a", "b"])
ATTEMPTS = st.builds(
    Attempt,
    span_id=st.integers(1, 3),
    operation=st.sampled_from(["chat", "responses"]),
    provider_kind=st.sampled_from(["openai", "openai_compatible"]),
    host=MAYBE,
    port=st.sampled_from([443, None]),
    fine_tuned=st.booleans(),
    reason=st.sampled_from([Reason.ACTIVE_JOB, Reason.FALLBACK_STOCK]),
    job_id=st.sampled_from(["job_1", None]),
    routed_model=st.sampled_from(["ft:1", "gpt-4o-mini", None]),
    stream=st.booleans(),
    started=st.just(10**18),
    ended=st.just(2 * 10**18),
    status=st.sampled_from([200, 503, None]),
    error=MAYBE,
    served=st.builds(
        Served,
        model=st.sampled_from(["ft:1", "gpt-4o-mini", None]),
        response_id=MAYBE,
        finish_reasons=st.sampled_from([(), ("stop",), ("stop", "length")]),
        input_tokens=st.sampled_from([None, 0, 7]),
        output_tokens=st.sampled_from([None, 5]),
    ),
)
CALLS = st.tuples(
    st.builds(
        CallState,
        call_id=st.sampled_from(["call_1", "call_2"]),
        arrived=st.just(1_795_000_000.5),
        begun=st.just(0),
        trace=st.just(Trace(5)),
        endpoint=st.sampled_from(["chat/completions", "responses"]),
        workflow=MAYBE,
        body=st.none() | st.sampled_from(sorted(BODIES)).map(BODIES.__getitem__),
        decision=st.sampled_from(DECISIONS),
        refusal=st.sampled_from([None, Reason.FOREIGN_FINE_TUNE]),
        attempts=st.lists(ATTEMPTS, max_size=2),
        status=st.sampled_from([200, 503]),
        error=MAYBE,
        first_chunk=st.sampled_from([None, 7]),
        events=st.booleans(),
        cancelled=st.booleans(),
    ),
    st.builds(routes, st.sampled_from(["smith", "jones"]), st.integers(1, 2), st.just(True)),
    st.sampled_from([Caller("key_1", Role.CALLER, "smith"), Caller("key_2", Role.SERVICE, None)]),
)
Made = tuple[CallState, TenantRoutes, Caller]


@given(st.lists(CALLS, min_size=1, max_size=8), st.data())
def test_a_call_says_what_it_would_say_if_it_were_the_first(made: list[Made], data: st.DataObject) -> None:
    """Also after one that differs in a single thing: each is told again with something of another's."""
    alikes = Alikes(PRICES)
    for call, its_routes, caller in made:
        other, others_routes, another = data.draw(st.sampled_from(made))
        name = data.draw(st.sampled_from(["workflow", "decision", "status", "attempts", "events", "error", "body"]))
        mixed = replace(call, **{name: getattr(other, name)})
        for one in ((call, its_routes, caller), (mixed, its_routes, caller), (call, others_routes, another)):
            known = alikes.of(*one)
            fresh = Alikes(PRICES).of(*one)
            last = one[0].attempts[-1] if one[0].attempts else None
            assert asdict(known.alike) == asdict(calls.alike(*one, last)) == asdict(fresh.alike)
            assert known.rates == fresh.rates
            assert alikes.of(*one) is known, "the next is told with the same object"


CHANGES: list[dict[str, Any]] = [
    *({name: value} for name, value in [("workflow", "b"), ("endpoint", "responses"), ("status", 503)]),
    *({name: value} for name, value in [("error", "x"), ("cancelled", True), ("events", True), ("attempts", [])]),
    {"refusal": Reason.FOREIGN_FINE_TUNE},
    {"decision": DECISIONS[2]},
    {"body": BODIES["default", False]},
    {"body": BODIES["gpt-4o-mini", True]},
]
ATTEMPT = Attempt(1, "chat", "openai", "h", 1, True, "active_job", "job_1", "ft:1", stream=False, status=200)
CALL = CallState(
    "call_1",
    1_795_000_000.5,
    0,
    Trace(5),
    "chat/completions",
    "a",
    body=BODIES["gpt-4o-mini", False],
    decision=DECISIONS[1],
    attempts=[ATTEMPT],
    status=200,
)
WHOSE = (routes("smith", 1, True), Caller("key_1", Role.CALLER, "smith"))
TRIED: list[dict[str, Any]] = [
    *({"operation": "responses"}, {"provider_kind": "anthropic"}, {"host": "g"}, {"port": 2}, {"reason": "other"}),
    *({"job_id": None}, {"routed_model": None}, {"stream": True}, {"status": 500}, {"error": "x"}),
    {"served": Served("ft:1")},
    {"served": Served(finish_reasons=("stop",))},
]


def test_what_differs_in_anything_is_another() -> None:
    alikes = Alikes(PRICES)
    ones = [alikes.of(CALL, *WHOSE)]
    ones += [alikes.of(replace(CALL, **change), *WHOSE) for change in CHANGES]
    ones += [alikes.of(replace(CALL, attempts=[replace(ATTEMPT, **change)]), *WHOSE) for change in TRIED]
    ones += [alikes.of(CALL, routes(*place, True), WHOSE[1]) for place in (("jones", 1), ("smith", 2))]
    ones.append(alikes.of(CALL, WHOSE[0], Caller("key_2", Role.CALLER, "smith")))
    assert len({id(one.alike) for one in ones}) == len(ones)
    same = 1  # a stream is one, whether it was asked for or answered
    assert len({repr(one.alike) for one in ones}) == len(ones) - same
    own = replace(CALL, call_id="call_2", arrived=1.0, trace=Trace(6), attempts=[replace(ATTEMPT, span_id=2)])
    assert alikes.of(own, *WHOSE) is ones[0]


def test_no_more_is_remembered_than_is_worth_it() -> None:
    alikes = Alikes(PRICES)
    for number in range(9000):
        assert alikes.of(replace(CALL, workflow=f"w{number}"), *WHOSE).alike.workflow == f"w{number}"
    assert len(alikes._known) <= 4096
    many = replace(CALL, attempts=[replace(ATTEMPT, served=Served(finish_reasons=("stop",) * 100))])
    assert alikes.of(many, *WHOSE) is not alikes.of(many, *WHOSE)


# the record of both


def test_the_two_parts_are_the_record() -> None:
    assert {*Own.__struct_fields__, *Alike.__struct_fields__} - {"tried"} == {*WhyRecord.__struct_fields__}


VALUES = st.fixed_dictionaries(
    {
        "workflow": st.none() | st.text(),
        "error": st.none() | st.text(),
        "response_id": st.none() | st.text(),
        "served_model": st.none() | st.text(),
        "input_tokens": st.none() | st.integers(-(2**63), 2**64 - 1),
        "cost_usd": st.none() | st.floats(0, 1e9),
        "duration_ms": st.floats(0, 1e12),
        "fine_tuned": st.booleans(),
        "status": st.integers(0, 999),
    }
)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_line_is_the_record(made: list[dict[str, Any]]) -> None:
    """The second time from what was kept."""
    records = [record(number, **values) for number, values in enumerate(made)]
    lines = Lines()
    for _ in range(2):
        head, *told = lines.entry([parts(one) for one in records]).split(b"\n")
        assert head == b"%d %b" % (len(records), min(one.time for one in records).encode())
        assert [msgspec.json.decode(line, type=WhyRecord) for line in told] == records
