"""The bench's own processes, for real: the judge refuses what was not rewritten, streams are paced and counted."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench.client import Answer, Caller
from tests.bench.kernel import Meter, resident_kb, tree
from tests.bench.load import body
from tests.bench.running import control, module
from tests.bench.sink import spans_of
from tests.bench.upstream import TUNED
from tests.gateway.upstream.certificates import Authority
from tests.support.processes import wait_until


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    folder = tmp_path_factory.mktemp("upstream")
    Authority(folder).server("localhost")
    with module("tests.bench.upstream", str(folder / "server-1.pem")) as (pid, ports):
        yield pid, f"http://127.0.0.1:{ports[0]}"


async def _asked(url: str, credential: str, content: bytes) -> Answer:
    caller = Caller(url, credential, content)
    try:
        return await caller.call()
    finally:
        caller.close()


async def test_a_body_with_the_credentials_own_model_is_answered(upstream: tuple[int, str]) -> None:
    _, url = upstream
    answer = await _asked(url, "sk-t7", body(1024, TUNED % "t7"))
    assert answer.status == 200
    assert json.loads(b"".join(answer.parts))["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("credential", "model"), [("sk-t7", "gpt-4o-mini"), ("sk-t7", TUNED % "t70"), ("t7", TUNED % "t7")]
)
async def test_any_other_is_refused(upstream: tuple[int, str], credential: str, model: str) -> None:
    _, url = upstream
    before = await asyncio.to_thread(control, url)
    assert (await _asked(url, credential, body(1024, model))).status == 400
    after = await asyncio.to_thread(control, url)
    assert after["refused"] == before.get("refused", 0) + 1
    assert after["requests"] == before.get("requests", 0) + 1


async def test_a_stream_has_as_many_chunks_as_were_asked_for(upstream: tuple[int, str]) -> None:
    _, url = upstream
    before = await asyncio.to_thread(control, url)
    answer = await _asked(url, "sk-t0", body(1024, TUNED % "t0", "12x1"))
    after = await asyncio.to_thread(control, url)
    assert answer.status == 200
    assert answer.chunks == 12
    assert after["chunks"] - before.get("chunks", 0) == 12
    assert answer.begun <= answer.first <= answer.ended
    assert b"".join(answer.parts).endswith(b"data: [DONE]\n\n")


async def test_a_stream_whose_caller_leaves_is_open_no_more(upstream: tuple[int, str]) -> None:
    _, url = upstream
    caller = Caller(url, "sk-t0", body(1024, TUNED % "t0", "1000x10"))
    await caller.begin()
    await asyncio.to_thread(wait_until, lambda: control(url).get("open", 0) == 1)
    caller.close()
    await asyncio.to_thread(wait_until, lambda: control(url)["open"] == 0)


async def test_the_kernel_counts_what_a_process_uses(upstream: tuple[int, str]) -> None:
    pid, url = upstream
    assert tree(pid) == [pid]
    content = body(100 * 1024, TUNED % "t0")
    meter = Meter(tree(pid))
    for _ in range(50):
        await _asked(url, "sk-t0", content)
    used = meter.nanoseconds()
    assert used > 50 * 1000, "a microsecond each is less than any of them takes"
    assert resident_kb(pid) >= resident_kb(pid, "Pss") > 0


def test_spans_are_counted_in_both_of_otlps_encodings() -> None:
    export = ExportTraceServiceRequest()
    for spans in (1, 2):
        scope = export.resource_spans.add().scope_spans.add()
        for _ in range(spans):
            scope.spans.add(name="chat")
    assert spans_of(b"", export.SerializeToString()) == 3
    told = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "chat"}] * 4}]}]}
    assert spans_of(b"", json.dumps(told).encode()) == 4
