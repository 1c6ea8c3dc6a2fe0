"""Spans that are not made, and spans that do not arrive: the calls, their records and what goes upstream are the same.
Real gateways; what a sender does with its batches, one by one, is in tests/gateway/test_span_sender.py."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.agreement import asking
from tests.agreement.comparing import disagreements, miscounted
from tests.agreement.stage import cases, end, staged
from tests.agreement.values import Case
from tests.support.admin import NO_TLS, Admin
from tests.support.callers import answer_either
from tests.support.firms import Firm
from tests.support.otlp import attributes
from tests.support.processes import gateway_environ, running, wait_until
from tests.support.redis import door
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, upstream

CALLS = 20


def all_unsampled(found: list[Case]) -> bool:
    """No call has a span."""
    return not any(case.spans for case in found)


def half_sampled(found: list[Case]) -> bool:
    """Some have, some have not: which, their trace ids say."""
    upstream_of = [case for case in found if case.received]
    return 0.25 < sum(bool(case.spans) for case in upstream_of) / len(upstream_of) < 0.75


@pytest.mark.parametrize(
    ("sampler", "argument", "holds"),
    [("always_off", "", all_unsampled), ("traceidratio", "0.5", half_sampled)],
)
async def test_an_unsampled_call_has_its_record_and_says_upstream_that_it_is_unsampled(
    tmp_path: Path, sampler: str, argument: str, holds: Callable[[list[Case]], bool]
) -> None:
    environ = {"OTEL_TRACES_SAMPLER": sampler, **({"OTEL_TRACES_SAMPLER_ARG": argument} if argument else {})}
    async with staged(tmp_path, **environ) as (stage, collector):
        asks = asking.calls(stage.tenants, 1, 5)
        heard = await stage.make(asks)
        samples = await asyncio.to_thread(stage.settled_samples, len(asks))
        records = [record for tenant in stage.tenants for record in await asyncio.to_thread(stage.records, tenant)]
        await asyncio.to_thread(end, stage.gateway)
        found = cases(stage, asks, heard, records, list(collector.spans))
    assert holds(found)
    assert all(record["trace_id"] for record in records)
    for case in found:
        assert {received.flags for received in case.received} <= {"01" if case.spans else "00"}
        for received in case.received:
            received.flags = "01"
    wrong = [words for case in found for words in disagreements(case) if " 0 spans, not " not in words]
    assert wrong + miscounted(found, samples) == []


class Collector:
    """It takes spans, or answers 500, or takes a request and says nothing. `calls` are those whose spans it took."""

    def __init__(self) -> None:
        self.mode = "takes"
        self.calls: list[str] = []

    async def answer(self, request: Received, peer: Peer) -> None:
        """One request."""
        if self.mode == "says nothing":
            await peer.gone()
        elif self.mode == "refuses":
            await peer.answer(b"", "500 Failed")
        else:
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                spans = [span for scope in resource.scope_spans for span in scope.spans]
                self.calls += [attributes(span)["housestyle.call_id"] for span in spans]
            await peer.answer(b"")


def test_a_collector_that_fails_is_no_calls_concern_and_is_counted_and_comes_back(tmp_path: Path) -> None:
    collector = Collector()
    with (
        in_thread(upstream(answer_either)) as provider,
        in_thread(upstream(collector.answer)) as behind,
        in_thread(door(int(behind.url.rpartition(":")[2]))) as way,
    ):
        environ = gateway_environ(
            tmp_path / "data",
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{way.port}",
            OTEL_EXPORTER_OTLP_TIMEOUT="1000",
            OTEL_BSP_SCHEDULE_DELAY="50",
        )
        with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
            firm = Firm(admin, provider.url)

            def counted(name: str) -> float:
                text = httpx2.get(f"{gateway.url}/metrics", verify=NO_TLS).text
                return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

            def call() -> list[str]:
                answers = [firm.say(stream=number % 2 == 0) for number in range(CALLS)]
                assert {answer.status_code for answer in answers} == {200}
                assert all(answer.content.endswith((b"[DONE]\n\n", b"}")) for answer in answers)
                return [answer.headers["x-call-id"] for answer in answers]

            lost = 0
            for mode in ("away", "refuses", "says nothing"):
                taken = call()
                wait_until(lambda: set(taken) <= set(collector.calls), what="the spans")  # noqa: B023
                failures, collector.mode = counted("housestyle_span_export_failures_total"), mode
                if mode == "away":
                    way.shut()
                missed = call()
                lost += CALLS
                wait_until(lambda: counted("housestyle_dropped_spans_total") == lost, what=f"the loss: {mode}")  # noqa: B023
                assert counted("housestyle_span_export_failures_total") > failures
                assert not set(missed) & set(collector.calls)
                assert {firm.why(call_id)["reason"] for call_id in missed} == {"no_active_job"}
                collector.mode = "takes"
                if mode == "away":
                    way.open()
            taken = call()
            wait_until(lambda: set(taken) <= set(collector.calls), what="the spans")
            assert counted("housestyle_dropped_spans_total") == 3 * CALLS
        assert len(collector.calls) == len(set(collector.calls)) == 4 * CALLS
        events = [line for line in (tmp_path / "log").read_text().splitlines() if "span_export" in line]
        said = ["failing" if "span_export_failing" in line else "recovered" for line in events]
        assert said == ["failing", "recovered"] * 3
