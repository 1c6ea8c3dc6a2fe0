"""Whether spans, records, headers and metrics agree with what the provider received: each difference in words. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.agreement.expecting import ANYTHING, Expected, expected
from tests.agreement.values import Case

_NAMES = ("x-call-id", "x-fine-tuned", "x-model-reason")
_MISSING = object()


def disagreements(case: Case) -> list[str]:
    """All of one call's."""
    ask = case.ask
    return [f"call {ask.number} ({ask.kind}, {ask.tenant}): {words}" for words in _of(case)]


def _of(case: Case) -> Iterator[str]:
    wanted = expected(case)
    yield from _provider(case)
    if wanted.headers is not None:
        said = {name: value for name, value in case.heard.headers.items() if name in _NAMES}
        yield from _differences("headers", {**wanted.headers, "x-call-id": ANYTHING}, said)
    records = [wanted.record] if wanted.record is not None else []
    yield from _lists("record", records, case.records)
    spans = sorted(case.spans, key=lambda span: span["begun"])
    yield from _lists("span", wanted.spans, spans)
    for record in case.records:
        yield from _within(case, record)
        yield from _together(wanted, record, spans)
    for span in spans:
        yield from _times(case, span)


def _provider(case: Case) -> Iterator[str]:
    """What arrived upstream is the call's own."""
    upstream = case.ask.refusal is None
    if bool(case.received) is not upstream:
        yield f"{len(case.received)} requests upstream"
    for received in case.received:
        told = (received.credential, received.path, received.stream, received.flags, received.tracestate)
        mine = (case.tenant.credential, case.ask.path, case.ask.stream, "01", case.ask.tracestate)
        if told != mine or (case.ask.trace_id not in (None, received.trace_id)):
            yield f"the provider received {told}, not {mine}"
    if upstream and not case.ask.leaves:
        whole = case.received[-1].end != "cut"
        if (case.heard.status, case.heard.whole) != (case.received[-1].status, whole):
            yield f"the caller heard {case.heard.status}, whole: {case.heard.whole}"
    elif case.ask.refusal and case.heard.status != case.ask.refusal[0]:
        yield f"the caller heard {case.heard.status}"


def _lists(what: str, wanted: list[dict[str, Any]], said: list[dict[str, Any]]) -> Iterator[str]:
    if len(wanted) != len(said):
        yield f"{len(said)} {what}s, not {len(wanted)}"
        return
    for one, other in zip(wanted, said, strict=True):
        yield from _differences(what, one, other)


def _differences(what: str, wanted: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(wanted.keys() | said.keys()):
        one, other = wanted.get(name, _MISSING), said.get(name, _MISSING)
        if other is _MISSING or one is _MISSING:
            yield f"{what}: {name} is {'missing' if other is _MISSING else 'too much'}"
        elif one is not ANYTHING and (one != other or type(one) is not type(other)):
            yield f"{what}: {name} is {other!r}, not {one!r}"


def _within(case: Case, record: dict[str, Any]) -> Iterator[str]:
    """Times and sums that only this call can tell: between its beginning and its end, and in order."""
    arrived = datetime.fromisoformat(record["time"]).timestamp()
    if not case.heard.begun - 0.01 <= arrived <= case.heard.ended:  # it is told in milliseconds
        yield f"record: time is {record['time']}"
    first = record["time_to_first_chunk_ms"]
    if not record["duration_ms"] > 0 or (first is not None and not 0 < first <= record["duration_ms"]):
        yield f"record: time_to_first_chunk_ms is {first}, duration_ms {record['duration_ms']}"
    cost = record["cost_usd"]
    if cost is not None and (record["input_tokens"] is None or cost < 0):
        yield f"record: cost_usd is {cost}"


def _times(case: Case, span: dict[str, Any]) -> Iterator[str]:
    if not case.heard.begun <= span["begun"] <= span["ended"]:
        yield f"span: from {span['begun']} to {span['ended']}"


def _together(wanted: Expected, record: dict[str, Any], spans: list[dict[str, Any]]) -> Iterator[str]:
    """What only the two can say of each other: ids that neither caller nor provider has heard."""
    if not spans or not wanted.spans or wanted.record is None:
        return
    for name, of_span in (("trace_id",) * 2, ("span_id",) * 2, ("call_id", "housestyle.call_id")):
        unheard = wanted.record[name] is ANYTHING and wanted.spans[-1][of_span] is ANYTHING
        if unheard and record[name] != spans[-1].get(of_span):
            yield f"record and span: {name} is {record[name]} and {spans[-1].get(of_span)}"


def miscounted(cases: list[Case], samples: Mapping[str, float]) -> list[str]:
    """Where /metrics, of a gateway that served these calls alone, has other numbers."""
    wanted: Counter[str] = Counter()
    for case in cases:
        its = expected(case)
        reason, status = its.counted
        if its.record is None:
            wanted[f'housestyle_unidentified_calls_total{{error="{status}"}}'] += 1
        else:
            wanted[f'housestyle_calls_total{{reason="{reason}",status="{status}"}}'] += 1
        wanted["housestyle_cancelled_calls_total"] += bool(case.ask.leaves)
        wanted["housestyle_fallbacks_total"] += its.fell_back
    counted = {name: value for name, value in samples.items() if name.partition("{")[0] in _COUNTERS}
    return [
        f"{name} is {counted.get(name)}, not {wanted.get(name)}"
        for name in sorted(wanted.keys() | counted.keys())
        if wanted.get(name, 0) != counted.get(name, 0)
    ]


_COUNTERS = frozenset(
    {
        "housestyle_calls_total",
        "housestyle_unidentified_calls_total",
        "housestyle_cancelled_calls_total",
        "housestyle_fallbacks_total",
    }
)
