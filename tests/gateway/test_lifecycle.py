"""One call through a real gateway, its upstream a script that sees every byte. The sandbox has its own tests."""

import asyncio
import gzip
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes
from tests.support.processes import Program
from tests.support.raw import Answer, Raw, request
from tests.support.upstream import Peer, Received, Upstream, completion, echo_model

Json = dict[str, Any]
CHAT = "/v1/chat/completions"
ASKED = {"include_usage": True}
BODY: Json = {"model": STOCK, "messages": [{"role": "user", "content": "Hello"}]}


async def chat(http: httpx2.AsyncClient, firm: Firm, body: Any = None, **headers: str) -> httpx2.Response:
    """A chat call of the firm's."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(BODY if body is None else body)
    return await http.post(CHAT, content=content, headers={**firm.auth, **named})


def code_of(answer: httpx2.Response) -> str:
    """The code of an error in the OpenAI API's shape."""
    assert set(answer.json()) == {"error"}, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-call-id"].startswith("call_")
    assert answer.headers["content-type"] == "application/json"
    return str(error["code"])


# what is relayed


async def test_the_answer_comes_back_byte_for_byte(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    body = b'{ "odd":1.0e2,  "model":"' + STOCK.encode() + b'", "text":"\\u00e4 \xc3\xa4", "unknown":{"a":[null]}}\n'

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, "201 Made", "x-request-id: req_1", "X-Odd: a, b", "set-cookie: a=1", "set-cookie: b=2")

    provider.script = script
    answer = await chat(http, firm)
    assert (answer.status_code, answer.content) == (201, body)
    assert answer.headers["x-request-id"] == "req_1"
    assert answer.headers["x-odd"] == "a, b"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_the_request_goes_up_byte_for_byte_but_for_the_models_value(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    sent = b'{"messages" : [ {"role":"user","content":"\\u00e4 \xc3\xa4 model"} ],\n "model" :  "default" , "x":1e2}'
    assert (await chat(http, firm, sent)).status_code == 200
    assert provider.last.body == sent.replace(b'"default"', b'"' + STOCK.encode() + b'"')
    untouched = sent.replace(b'"default"', b'"gpt-4.1"')
    assert (await chat(http, firm, untouched)).status_code == 200
    assert provider.last.body == untouched
    await chat(http, firm, b'{"messages":[]}')
    assert json.loads(provider.last.body) == {"model": STOCK, "messages": []}


async def test_headers_pass_but_for_credentials_control_and_the_hops_own(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    await chat(
        http,
        firm,
        x_api_key=firm.key,
        api_key=firm.key,
        cookie="session=1",
        openai_organization="org-1",
        openai_project="proj-1",
        x_forwarded_for="10.1.1.1",
        x_forwarded_host="inside",
        x_tenant_id=firm.name,
        x_provider="main",
        x_workflow="assistant",
        x_workflow_run_id="run-1",
        x_model_policy="stock",
        te="trailers",
        connection="keep-alive, x-named",
        x_named="for the hop alone",
        accept_encoding="gzip, br",
        idempotency_key="kept",
        x_stainless_lang="python",
        user_agent="the caller",
    )
    received = provider.last
    seen = dict(received.headers)
    assert provider.last.target == "/v1/chat/completions"
    assert provider.last.header("authorization") == [f"Bearer {firm.account.key}"]
    assert seen["host"] == urlsplit(provider.url).netloc
    assert (seen["idempotency-key"], seen["x-stainless-lang"], seen["user-agent"]) == ("kept", "python", "the caller")
    assert provider.last.header("accept-encoding") == ["identity"]
    gone = {"x-api-key", "api-key", "cookie", "openai-organization", "openai-project", "te", "x-named", "connection"}
    assert not (gone & set(seen))
    assert not [
        name for name in seen if name.startswith(("x-forwarded", "x-tenant", "x-provider", "x-workflow", "x-model"))
    ]
    assert firm.key not in str(provider.last.headers) + provider.last.body.decode()


async def test_the_query_is_relayed_and_the_prefix_may_be_left_out(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    answer = await http.post("/chat/completions?api-version=1&x=%2F", json=BODY, headers=firm.auth)
    assert answer.status_code == 200
    assert provider.last.target == "/v1/chat/completions?api-version=1&x=%2F"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
async def test_the_providers_errors_are_the_callers(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, status: int
) -> None:
    body = b'{"error":{"message":"Because.","code":"theirs"},"more":1}'

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, f"{status} Theirs", "retry-after: 7")

    provider.script = script
    answer = await chat(http, firm)
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (status, body, "7")
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["status"], record["error"], record["attempts"]) == (status, None, 1)


async def test_a_stream_comes_piece_by_piece_before_its_end(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    pieces = [b'data: {"id":"c1","model":"m-1","choices":[{"delta":{"content":"%d"}}]}\n\n' % n for n in range(5)]
    pieces.append(b'data: {"id":"c1","model":"m-1","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":4,')
    pieces.append(b'"completion_tokens":5}}\n\ndata: [DONE]\n\n')
    go = asyncio.Semaphore(0)

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream("x-request-id: req_1")
        for piece in pieces:
            await peer.chunk(piece)
            await go.acquire()  # the next only once the caller has this one
        await peer.chunk(b"")

    provider.script = script
    sent = {**BODY, "stream": True, "stream_options": ASKED}
    async with http.stream("POST", CHAT, json=sent, headers=firm.auth) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        received = answer.aiter_raw()
        for piece in pieces:
            got = b""
            while len(got) < len(piece):
                got += await asyncio.wait_for(anext(received), 5)
            assert got == piece
            go.release()
        assert [rest async for rest in received] == []
    assert json.loads(provider.last.body) == sent
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["stream"], record["served_model"], record["response_id"]) == (True, "m-1", "c1")
    assert (record["input_tokens"], record["output_tokens"]) == (4, 5)
    assert 0 < record["time_to_first_chunk_ms"] <= record["duration_ms"]


async def test_a_large_stream_is_whole_though_its_caller_is_slow(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    event = b'data: {"choices":[{"delta":{"content":"' + b"x" * 8000 + b'"}}]}\n\n'

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        for _number in range(500):
            await peer.chunk(event)
        await peer.chunk(b"")

    provider.script = script
    size = 0
    async with http.stream("POST", CHAT, json={**BODY, "stream": True}, headers=firm.auth) as answer:
        async for part in answer.aiter_raw():
            size += len(part)
            await asyncio.sleep(0)
    assert size == 500 * len(event)


# which model, and what is said of it


async def test_every_answer_says_what_happened_to_it(http: httpx2.AsyncClient, firm: Firm) -> None:
    answer = await chat(http, firm, x_workflow="assistant", x_tenant_id=firm.name)
    assert answer.headers["x-fine-tuned"] == "false"
    assert answer.headers["x-model-reason"] == "no_active_job"
    record = await firm.recorded(answer.headers["x-call-id"])
    assert {name: record[name] for name in record if name in _EXPECTED} == _EXPECTED
    assert (record["tenant"], record["key_id"][:4]) == (firm.name, "key_")
    assert record["span_id"]
    assert record["duration_ms"] > 0
    opted = await chat(http, firm, x_model_policy="stock")
    assert opted.headers["x-model-reason"] == "opted_out"
    other = await chat(http, firm, {**BODY, "model": "gpt-4.1"})
    assert (other.headers["x-model-reason"], other.json()["model"]) == ("no_active_job", "gpt-4.1")
    first, second = answer.headers["x-call-id"], opted.headers["x-call-id"]
    assert first < second  # ordered by time


_EXPECTED = {
    "workflow": "assistant",
    "endpoint": "chat/completions",
    "requested_model": STOCK,
    "routed_model": STOCK,
    "served_model": STOCK,
    "provider": "main",
    "fine_tuned": False,
    "reason": "no_active_job",
    "job_id": None,
    "attempts": 1,
    "status": 200,
    "error": None,
    "response_id": "chatcmpl-1",
    "stream": False,
    "input_tokens": 7,
    "output_tokens": 3,
    "time_to_first_chunk_ms": None,
    "cancelled": False,
}


async def test_the_span_says_it_too(http: httpx2.AsyncClient, firm: Firm, collector: Collector) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await chat(http, firm, traceparent=parent, x_workflow="assistant")
    record = await firm.recorded(answer.headers["x-call-id"])
    [span] = await asyncio.to_thread(collector.of_call, answer.headers["x-call-id"], 1)
    assert span.name == f"chat {STOCK}"
    assert span.kind == 3  # CLIENT
    assert span.trace_id.hex() == record["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert span.span_id.hex() == record["span_id"]
    said = attributes(span)
    assert said["fine_tuned"] is False
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": STOCK,
        "gen_ai.response.model": STOCK,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "127.0.0.1",
        "http.response.status_code": 200,
        "housestyle.tenant": firm.name,
        "housestyle.workflow": "assistant",
        "housestyle.requested_model": STOCK,
        "housestyle.reason": "no_active_job",
        "housestyle.revision": record["revision"],
    }
    assert {name: said.get(name) for name in expected} == expected
    assert "Hello" not in str(said)
    assert "Whereas" not in str(said)
    assert firm.account.key not in str(said)


async def test_the_trace_goes_on_at_the_provider(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await chat(http, firm, traceparent=parent)
    record = await firm.recorded(answer.headers["x-call-id"])
    [sent] = provider.last.header("traceparent")
    assert sent == f"00-{record['trace_id']}-{record['span_id']}-01"


async def test_of_two_parents_neither_is_believed(
    gateway: Program, firm: Firm, provider: Upstream, collector: Collector
) -> None:
    parents = [f"traceparent: 00-{trace * 32}-b7ad6b7169203331-01" for trace in "12"]

    def ask() -> Answer:
        with Raw(gateway.url) as caller:
            credential = f"authorization: {firm.auth['authorization']}"
            return caller.ask("POST", CHAT, credential, *parents, "tracestate: a=1", body=json.dumps(BODY).encode())

    answer = await asyncio.to_thread(ask)
    [call_id] = answer.header("x-call-id")
    record = await firm.recorded(call_id)
    assert record["trace_id"] not in ("1" * 32, "2" * 32)
    assert provider.last.header("traceparent") == [f"00-{record['trace_id']}-{record['span_id']}-01"]
    assert provider.last.header("tracestate") == []
    [span] = await asyncio.to_thread(collector.of_call, call_id, 1)
    assert (span.trace_id.hex(), span.parent_span_id) == (record["trace_id"], b"")


async def test_a_fine_tuned_model_answers_and_falls_back_when_it_is_refused(
    admin: Admin, sandbox: Program, vault: Path, http: httpx2.AsyncClient, collector: Collector
) -> None:
    firm = Firm(admin, sandbox.url, vault=vault)
    account = firm.account
    job = await asyncio.to_thread(firm.ready_job)
    firm.activate(job)
    tuned = job["fine_tuned_model"]

    answer = await chat(http, firm)
    assert (answer.json()["model"], answer.headers["x-fine-tuned"]) == (tuned, "true")
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["requested_model"], record["routed_model"], record["served_model"]) == (STOCK, tuned, tuned)
    assert (record["fine_tuned"], record["reason"], record["job_id"]) == (True, "active_job", job["id"])
    tokens = record["input_tokens"], record["output_tokens"]
    assert record["cost_usd"] == pytest.approx((tokens[0] * 0.3 + tokens[1] * 1.2) / 1e6)  # its own price
    [span] = await asyncio.to_thread(collector.of_call, answer.headers["x-call-id"], 1)
    assert attributes(span)["fine_tuned"] is True
    assert attributes(span)["housestyle.job_id"] == job["id"]

    account.order("refuse_model", {}, model=tuned)
    fallen = await chat(http, firm)
    assert (fallen.status_code, fallen.json()["model"]) == (200, "gpt-4o-mini-2024-07-18")
    assert (fallen.headers["x-fine-tuned"], fallen.headers["x-model-reason"]) == ("false", "fallback_stock")
    record = await firm.recorded(fallen.headers["x-call-id"])
    assert (record["attempts"], record["fine_tuned"], record["reason"], record["job_id"]) == (
        2,
        False,
        "fallback_stock",
        None,
    )
    tokens = record["input_tokens"], record["output_tokens"]
    assert record["cost_usd"] == pytest.approx((tokens[0] * 0.15 + tokens[1] * 0.6) / 1e6)  # the second attempt's alone
    first, second = (attributes(s) for s in await asyncio.to_thread(collector.of_call, fallen.headers["x-call-id"], 2))
    assert (first["fine_tuned"], first["housestyle.reason"], first["gen_ai.request.model"]) == (
        True,
        "active_job",
        tuned,
    )
    assert first["error.type"]
    assert (second["fine_tuned"], second["housestyle.reason"]) == (False, "fallback_stock")
    assert "error.type" not in second

    calls = len(account.calls("POST", "/v1/chat"))
    remembered = await chat(http, firm)  # the fault is used up: only memory keeps it at the stock model
    assert remembered.headers["x-model-reason"] == "fallback_stock"
    assert len(account.calls("POST", "/v1/chat")) == calls + 1
    assert (await firm.recorded(remembered.headers["x-call-id"]))["attempts"] == 1


async def test_with_fallback_fail_the_refusal_is_the_callers(
    admin: Admin, sandbox: Program, vault: Path, http: httpx2.AsyncClient
) -> None:
    firm = Firm(admin, sandbox.url, vault=vault, fallback="fail")
    job = await asyncio.to_thread(firm.ready_job)
    firm.activate(job)
    firm.account.order("refuse_model", {}, model=job["fine_tuned_model"])
    answer = await chat(http, firm)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert answer.headers["x-model-reason"] == "active_job"
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["attempts"], record["fine_tuned"], record["status"]) == (1, True, 404)
    assert (await chat(http, firm)).status_code == 200  # nothing is remembered


async def test_another_tenants_model_is_not_there(
    admin: Admin, sandbox: Program, vault: Path, http: httpx2.AsyncClient
) -> None:
    firm, other = (Firm(admin, sandbox.url, vault=vault) for _ in range(2))
    shared = Firm(admin, sandbox.url)  # at the same account as the first
    admin.put(f"{shared.path}/providers/main", {**shared.provider, "api_key": firm.account.key})
    model = (await asyncio.to_thread(firm.ready_job))["fine_tuned_model"]
    assert (await chat(http, firm, {**BODY, "model": model})).headers["x-model-reason"] == "pinned_fine_tune"

    def arrived() -> list[int]:
        """Not the job manager's calls: it may still be about a job that is ready."""
        accounts = (firm.account, other.account)
        return [len(account.calls(path=path)) for account in accounts for path in ("/v1/chat/", f"/v1/models/{model}")]

    before = arrived()
    for stranger in (other, shared):
        answer = await chat(http, stranger, {**BODY, "model": model})
        assert (answer.status_code, code_of(answer)) == (404, "model_not_found")
        assert (answer.headers["x-fine-tuned"], answer.headers["x-model-reason"]) == ("false", "foreign_fine_tune")
        record = await stranger.recorded(answer.headers["x-call-id"])
        assert (record["attempts"], record["reason"], record["span_id"]) == (0, "foreign_fine_tune", None)
        assert (await http.get(f"/v1/models/{model}", headers=stranger.auth)).status_code == 404
    assert arrived() == before
    mine, not_mine = [
        {entry["id"] for entry in (await http.get("/v1/models", headers=one.auth)).json()["data"]}
        for one in (firm, shared)
    ]
    assert mine - not_mine == {model}
    assert STOCK in not_mine
    assert (await http.get(f"/v1/models/{model}", headers=firm.auth)).json()["id"] == model
    assert (await chat(http, other, {**BODY, "model": "ft:gpt-4o-mini:made-elsewhere"})).status_code == 404


# who may call


async def test_another_tenants_model_that_is_named_late_is_the_spans_reason_too(
    gateway: Program, firm: Firm, provider: Upstream, collector: Collector
) -> None:
    begun = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        begun.set()
        await peer.gone()

    provider.script = script
    field = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n%b\r\n'
    file = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 100_000
    first, last = field % b"whisper-1" + file, b"\r\n" + field % b"ft:gpt-4o-mini:other::x" + b"--b--\r\n"
    headers = ("content-type: multipart/form-data; boundary=b", "transfer-encoding: chunked")
    head = request("POST", "/v1/audio/transcriptions", f"authorization: {firm.auth['authorization']}", *headers)
    with Raw(gateway.url) as caller:
        await asyncio.to_thread(caller.send, head, b"%x\r\n%b\r\n" % (len(first), first))
        await asyncio.wait_for(begun.wait(), 20)
        await asyncio.to_thread(caller.send, b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))
        answer = await asyncio.to_thread(caller.answer)
    assert (answer.status, answer.header("x-model-reason")) == (404, ["foreign_fine_tune"])
    [call_id] = answer.header("x-call-id")
    assert (await firm.recorded(call_id))["reason"] == "foreign_fine_tune"
    [span] = await asyncio.to_thread(collector.of_call, call_id, 1)
    said = attributes(span)
    assert (said["housestyle.reason"], said["error.type"]) == ("foreign_fine_tune", "model_not_found")


async def test_refusals_for_who_calls(admin: Admin, http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    service = {"authorization": f"Bearer {admin.post('/keys', {'role': 'service'})['key']}"}
    own_admin = {"authorization": f"Bearer {admin.post(f'{firm.path}/keys', {'role': 'tenant_admin'})['key']}"}
    platform = {"authorization": f"Bearer {admin.post('/keys', {'role': 'platform_admin'})['key']}"}

    async def refused(headers: dict[str, str]) -> tuple[int, str]:
        answer = await http.post(CHAT, json=BODY, headers=headers)
        return answer.status_code, code_of(answer)

    assert await refused({}) == (401, "invalid_api_key")
    assert await refused({"authorization": "Bearer hs_unknown"}) == (401, "invalid_api_key")
    assert await refused({**firm.auth, "x-api-key": "hs_other"}) == (401, "invalid_api_key")
    assert await refused({**firm.auth, "x-tenant-id": "another"}) == (403, "tenant_mismatch")
    assert await refused(service) == (400, "tenant_required")
    assert await refused({**service, "x-tenant-id": "nobody"}) == (404, "tenant_not_found")
    assert await refused(own_admin) == (403, "forbidden_role")
    assert await refused(platform) == (403, "forbidden_role")
    assert provider.requests == []
    served = await http.post(CHAT, json=BODY, headers={**service, "x-tenant-id": firm.name})
    assert served.status_code == 200
    assert (await firm.recorded(served.headers["x-call-id"]))["status"] == 200
    admin.put(firm.path, {"suspended": True})
    assert await refused(firm.auth) == (403, "tenant_suspended")
    assert await refused({**service, "x-tenant-id": firm.name}) == (403, "tenant_suspended")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", CHAT, b"{", 400, "invalid_json"),
        ("POST", CHAT, b"[]", 400, "invalid_json"),
        ("POST", CHAT, b"", 400, "invalid_json"),
        ("POST", CHAT, b'{"model":"\xff"}', 400, "invalid_json"),
        ("POST", CHAT, b'{"model":7}', 400, "invalid_model_field"),
        ("POST", CHAT, b'{"messages":"' + b"x" * 200_000 + b'"}', 413, "request_too_large"),
        ("POST", "/v1/fine_tuning/jobs", b"{}", 403, "endpoint_not_allowed"),
        ("POST", "/v1/files", b"{}", 403, "endpoint_not_allowed"),
        ("GET", "/v1/organization/users", b"", 403, "endpoint_not_allowed"),
        ("GET", "/v1/batches", b"", 403, "endpoint_not_allowed"),
        ("DELETE", "/v1/models/gpt-4o-mini", b"", 403, "endpoint_not_allowed"),
        ("GET", "/v1/models/..%2Ffiles", b"", 403, "endpoint_not_allowed"),
    ],
)
async def test_refusals_for_what_is_asked(
    http: httpx2.AsyncClient,
    firm: Firm,
    provider: Upstream,
    method: str,
    path: str,
    body: bytes,
    status: int,
    code: str,
) -> None:
    answer = await http.request(method, path, content=body, headers=firm.auth)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert answer.headers["x-fine-tuned"] == "false"
    assert provider.requests == []
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["status"], record["error"], record["attempts"], record["span_id"]) == (status, code, 0, None)


async def test_a_provider_that_is_not_there(http: httpx2.AsyncClient, firm: Firm, admin: Admin) -> None:
    answer = await chat(http, firm, x_provider="other")
    assert (answer.status_code, code_of(answer)) == (404, "provider_not_configured")
    admin.delete(f"{firm.path}/providers/main")
    answer = await chat(http, firm)
    assert (answer.status_code, code_of(answer)) == (404, "provider_not_configured")


async def test_a_call_without_a_known_key_leaves_no_record(http: httpx2.AsyncClient, firm: Firm) -> None:
    answer = await http.post(CHAT, json=BODY, headers={"authorization": "Bearer hs_no", "x-tenant-id": firm.name})
    assert answer.status_code == 401
    assert firm.admin.get(f"{firm.path}/why")["items"] == []


# what goes wrong upstream


async def test_a_provider_that_cannot_be_reached(http: httpx2.AsyncClient, admin: Admin) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        firm = Firm(admin, f"http://127.0.0.1:{closed.getsockname()[1]}")
        answer = await chat(http, firm)
    assert (answer.status_code, code_of(answer)) == (502, "upstream_unreachable")
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["status"], record["error"], record["attempts"]) == (502, "upstream_unreachable", 1)


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-"])
async def test_an_answer_that_cannot_be_read(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, said: bytes
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.send(said)
        await peer.leave()

    provider.script = script
    answer = await chat(http, firm)
    assert (answer.status_code, code_of(answer)) == (502, "upstream_protocol_error")


@pytest.mark.parametrize("listing", [b'{"data":7}', b"nonsense"])
async def test_a_list_of_models_that_cannot_be_read_is_the_attempts_error(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, collector: Collector, listing: bytes
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(listing)

    provider.script = script
    answer = await http.get("/v1/models", headers=firm.auth)
    assert (answer.status_code, code_of(answer)) == (502, "upstream_protocol_error")
    [span] = await asyncio.to_thread(collector.of_call, answer.headers["x-call-id"], 1)
    assert attributes(span)["error.type"] == "upstream_protocol_error"
    assert span.status.code == 2  # ERROR


async def test_a_provider_that_takes_too_long(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, collector: Collector
) -> None:
    gone = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.gone()
        gone.set()

    provider.script = script
    answer = await chat(http, firm)
    assert (answer.status_code, code_of(answer)) == (504, "upstream_timeout")
    await asyncio.wait_for(gone.wait(), 5)
    [span] = await asyncio.to_thread(collector.of_call, answer.headers["x-call-id"], 1)
    assert attributes(span)["error.type"] == "upstream_timeout"


EVENT = b'data: {"id":"c1","choices":[{"delta":{"content":"Hi"}}]}\n\n'


USAGE = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_obfuscation": False}])
async def test_usage_is_known_of_a_stream_whose_caller_did_not_ask_for_it(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, options: dict[str, bool] | None
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        stream = EVENT * 3 + USAGE + DONE
        for start in range(0, len(stream), 50):  # cut anywhere
            await peer.chunk(stream[start : start + 50])
        await peer.chunk(b"")

    provider.script = script
    sent = {**BODY, "stream": True, **({} if options is None else {"stream_options": options})}
    answer = await http.post(CHAT, json=sent, headers=firm.auth)
    assert answer.content == EVENT * 3 + DONE, "as if nothing had been asked"
    asked = json.loads(provider.last.body)
    assert asked.pop("stream_options") == {**(options or {}), "include_usage": True}
    assert asked == {**BODY, "stream": True}
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["input_tokens"], record["output_tokens"]) == (4, 5)


async def test_a_provider_that_does_not_take_the_option_is_not_sent_it(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        await peer.chunk(EVENT + DONE)
        await peer.chunk(b"")

    provider.script = script
    firm.admin.put(f"{firm.path}/providers/main", {**firm.provider, "options": {"stream_usage": False}})
    answer = await http.post(CHAT, json={**BODY, "stream": True}, headers=firm.auth)
    assert answer.content == EVENT + DONE
    assert json.loads(provider.last.body) == {**BODY, "stream": True}


async def test_of_a_cut_stream_only_whole_events_go_on_where_usage_was_asked_for_the_caller(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        await peer.chunk(EVENT + EVENT[:20])
        await received.wait()
        peer.cut()

    received = asyncio.Event()
    provider.script = script
    got = b""
    with pytest.raises(httpx2.RemoteProtocolError):
        async with http.stream("POST", CHAT, json={**BODY, "stream": True}, headers=firm.auth) as answer:
            async for part in answer.aiter_raw():
                got += part
                received.set()
    assert got.startswith(EVENT)
    rest = got.removeprefix(EVENT)
    assert json.loads(rest.removeprefix(b"data: "))["error"]["code"] == "upstream_disconnected"


@pytest.mark.parametrize(("sent", "at_boundary"), [(EVENT, True), (EVENT + EVENT[:20], False), (EVENT[:-1], False)])
async def test_a_cut_stream_ends_with_an_error_event_only_between_events(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, sent: bytes, at_boundary: bool
) -> None:
    received = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        await peer.chunk(sent)
        await received.wait()
        peer.cut()

    provider.script = script
    got = b""
    with pytest.raises(httpx2.RemoteProtocolError):
        body = {**BODY, "stream": True, "stream_options": ASKED}
        async with http.stream("POST", CHAT, json=body, headers=firm.auth) as answer:
            async for part in answer.aiter_raw():
                got += part
                if len(got) >= len(sent):
                    received.set()
    assert got.startswith(sent)
    assert b"[DONE]" not in got
    rest = got.removeprefix(sent)
    if at_boundary:
        assert rest.endswith(b"\n\n")
        assert json.loads(rest.removeprefix(b"data: "))["error"]["code"] == "upstream_disconnected"
    else:
        assert rest == b""
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["status"], record["error"], record["cancelled"]) == (200, "upstream_disconnected", False)


async def test_a_cut_answer_is_not_taken_for_a_whole_one(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        whole = completion(STOCK)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(whole)}\r\n\r\n"
        await peer.send(head.encode() + whole[:30])
        await peer.leave()

    provider.script = script
    with pytest.raises(httpx2.RemoteProtocolError):
        await chat(http, firm)


# streams and connections


@pytest.mark.parametrize("kind", ["Text/Event-Stream", "text/event-stream; charset=utf-8"])
async def test_a_stream_is_one_however_its_type_is_written(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, kind: str
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(EVENT + USAGE + DONE, kind=kind)

    provider.script = script
    answer = await chat(http, firm, {**BODY, "stream": True})
    assert answer.content == EVENT + DONE
    assert (await firm.recorded(answer.headers["x-call-id"]))["input_tokens"] == 4


async def test_a_stream_that_is_compressed_though_it_was_not_asked_to_be_goes_on_as_it_comes(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    sent = gzip.compress(EVENT + DONE)

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(sent, "200 OK", "content-encoding: gzip", kind="text/event-stream")

    provider.script = script
    async with http.stream("POST", CHAT, json={**BODY, "stream": True}, headers=firm.auth) as answer:
        assert b"".join([part async for part in answer.aiter_raw()]) == sent


async def test_connections_to_the_provider_are_used_again_and_a_dead_one_is_replaced(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    ports: list[int] = []

    async def script(request: Received, peer: Peer) -> None:
        ports.append(id(peer._writer))  # one writer a connection
        await echo_model(request, peer)
        if len(ports) == 3:
            peer.cut()

    provider.script = script
    for _ in range(4):
        assert (await chat(http, firm)).status_code == 200
    assert ports[0] == ports[1] == ports[2]
    assert len(provider.requests) == 4


# what is kept from call to call


@pytest.mark.parametrize("new_call_first", [False, True])
async def test_a_call_that_began_before_a_change_leaves_nothing_of_it(
    gateway: Program, http: httpx2.AsyncClient, firm: Firm, provider: Upstream, new_call_first: bool
) -> None:
    body = msgspec.json.encode({**BODY, "model": "default"})
    await chat(http, firm, body)
    place = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    length = f"content-length: {len(body)}\r\nexpect: 100-continue"
    writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\n{length}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # it is identified
    changed = {**firm.provider, "api_key": "sk-new", "default_model": "gpt-new"}
    await asyncio.to_thread(firm.admin.put, f"{firm.path}/providers/main", changed)
    if new_call_first:
        await chat(http, firm, body)
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()
    await chat(http, firm, body)
    seen = [(call.header("authorization"), json.loads(call.body)["model"]) for call in provider.requests]
    old, new = ([f"Bearer {firm.provider['api_key']}"], STOCK), (["Bearer sk-new"], "gpt-new")
    assert seen == ([old, new, old, new] if new_call_first else [old, old, new])
