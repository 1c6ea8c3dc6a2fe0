"""Every route of the data plane, at every kind of provider that is served natively: the paths and credentials that a
provider sees, the model that is written, what is read of the answers, and what is refused."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.admin import BASE_MODEL, STOCK, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes
from tests.support.processes import Program
from tests.support.upstream import Peer, Received, Script, Upstream

Json = dict[str, Any]

USAGE_ANTHROPIC = {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 3}
# route → (the rest of a minimal body, an answer, its stream, tokens in and out)
ANSWERS: dict[str, tuple[Json, Json, list[tuple[str, Json]]]] = {
    "chat/completions": (
        {"messages": []},
        {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
        [
            ("", {"id": "r1", "model": "m", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}),
            ("", {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}),
        ],
    ),
    "completions": (
        {"prompt": ""},
        {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
        [
            ("", {"id": "r1", "model": "m", "choices": [{"text": "x", "finish_reason": "stop"}]}),
            ("", {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}),
        ],
    ),
    "responses": (
        {"input": ""},
        {"id": "r1", "model": "m", "status": "completed", "usage": {"input_tokens": 7, "output_tokens": 3}},
        [
            ("response.created", {"type": "response.created", "response": {"id": "r1", "model": "m"}}),
            ("response.output_text.delta", {"type": "response.output_text.delta", "delta": "x"}),
            (
                "response.completed",
                {
                    "type": "response.completed",
                    "response": {"id": "r1", "model": "m", "usage": {"input_tokens": 7, "output_tokens": 3}},
                },
            ),
        ],
    ),
    "messages": (
        {"messages": [], "max_tokens": 9},
        {"id": "r1", "model": "m", "stop_reason": "end_turn", "usage": USAGE_ANTHROPIC},
        [
            (
                "message_start",
                {
                    "type": "message_start",
                    "message": {"id": "r1", "model": "m", "usage": {**USAGE_ANTHROPIC, "output_tokens": 1}},
                },
            ),
            (
                "message_delta",
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
            ),
            ("message_stop", {"type": "message_stop"}),
        ],
    ),
}


def sse(events: list[tuple[str, Json]]) -> list[bytes]:
    """The events as they go over the wire."""
    return [
        (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(data)}\n\n".encode()
        for name, data in events
    ]


def answering(route: str) -> Script:
    """A provider that answers this route, as a stream where the call asks for one."""

    async def script(request: Received, peer: Peer) -> None:
        if not json.loads(request.body).get("stream"):
            await peer.answer(json.dumps(ANSWERS[route][1]).encode())
            return
        await peer.begin_stream()
        for event in sse(ANSWERS[route][2]):
            await peer.chunk(event)
        await peer.chunk(b"")

    return script


@pytest.fixture
async def tuned(admin: Admin, sandbox: Program, vault: Path, provider: Upstream) -> tuple[Firm, str]:
    """A tenant with an active fine-tuned model, its provider moved to the script; and that model."""
    firm = Firm(admin, sandbox.url, vault=vault)
    job = await asyncio.to_thread(firm.ready_job)
    firm.activate(job)
    firm.provider = {**firm.provider, "base_url": f"{provider.url}/v1"}
    admin.put(f"{firm.path}/providers/main", firm.provider)
    return firm, str(job["fine_tuned_model"])


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", list(ANSWERS))
async def test_a_rewritten_route(
    http: httpx2.AsyncClient,
    tuned: tuple[Firm, str],
    provider: Upstream,
    collector: Collector,
    route: str,
    stream: bool,
    prefix: str,
) -> None:
    firm, model = tuned
    provider.script = answering(route)
    body = {"model": BASE_MODEL, "stream": stream, **ANSWERS[route][0]}
    answer = await http.post(f"{prefix}/{route}", json=body, headers=firm.auth)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-fine-tuned"], answer.headers["x-model-reason"]) == ("true", "active_job")
    sent = json.loads(provider.last.body)
    assert provider.last.target == f"/v1/{route}"
    added = {"stream_options": {"include_usage": True}} if stream and "completions" in route else {}
    assert sent == {**body, **added, "model": model}
    events = sse(ANSWERS[route][2])
    expected = b"".join(events[:-1] if added else events) if stream else json.dumps(ANSWERS[route][1]).encode()
    assert answer.content == expected
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["endpoint"], record["stream"], record["routed_model"], record["served_model"]) == (
        route,
        stream,
        model,
        "m",
    )
    assert (record["response_id"], record["input_tokens"], record["output_tokens"]) == ("r1", 7, 3)
    [span] = await asyncio.to_thread(collector.of_call, answer.headers["x-call-id"], 1)
    seen = attributes(span)
    assert seen["gen_ai.operation.name"] == ("text_completion" if route == "completions" else "chat")
    assert (seen["fine_tuned"], seen["gen_ai.usage.input_tokens"], seen["gen_ai.usage.output_tokens"]) == (True, 7, 3)
    assert seen.get("gen_ai.usage.cache_read.input_tokens") == (2 if route == "messages" else None)


@pytest.mark.parametrize("route", list(ANSWERS))
async def test_another_tenants_model_is_refused_on_every_rewritten_route(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, route: str
) -> None:
    body = {"model": "ft:gpt-4o-mini:other::1", **ANSWERS[route][0]}
    answer = await http.post(f"/v1/{route}", json=body, headers=firm.auth)
    error = answer.json()
    assert answer.status_code == 404
    assert answer.headers["x-model-reason"] == "foreign_fine_tune"
    assert error["error"]["code"] == "model_not_found"
    if route == "messages":
        assert (error["type"], error["error"]["type"]) == ("error", "not_found_error")
        assert error["request_id"] == answer.headers["x-call-id"]
    assert provider.requests == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "embeddings"),
        ("POST", "moderations"),
        ("POST", "messages/count_tokens"),
        ("POST", "images/generations"),
        ("POST", "audio/speech"),
        ("GET", "responses/resp_1?include=a&stream=true"),
        ("DELETE", "responses/resp_1"),
        ("POST", "responses/resp_1/cancel"),
        ("GET", "responses/resp_1/input_items"),
    ],
)
async def test_a_relayed_route_is_left_as_it_is(
    http: httpx2.AsyncClient, tuned: tuple[Firm, str], provider: Upstream, method: str, path: str
) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(b"\x00 anything", "200 OK", kind="application/octet-stream")

    firm, _ = tuned
    provider.script = script
    body = b'{"model" :"gpt-4o-mini" , "input":""}' if method == "POST" else b""
    answer = await http.request(method, f"/v1/{path}", content=body, headers=firm.auth)
    assert (answer.status_code, answer.content) == (200, b"\x00 anything")
    assert (answer.headers["x-fine-tuned"], answer.headers["x-model-reason"]) == ("false", "endpoint_not_tunable")
    assert (provider.last.method, provider.last.target, provider.last.body) == (method, f"/v1/{path}", body)
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["reason"], record["requested_model"]) == ("endpoint_not_tunable", STOCK if body else None)


FOREIGN = "ft:gpt-4o-mini:other::1"
FORM = b'--B\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("embeddings", "application/json", b'{"input":"x","model":"%b"}' % FOREIGN.encode()),
        ("embeddings", "text/plain", b' {"model":"a","model":"%b"}' % FOREIGN.encode()),
        ("embeddings", "application/json", b'{"m\\u006fdel":"%b"}' % FOREIGN.encode()),
        ("audio/transcriptions", "multipart/form-data; boundary=B", FORM % (b"model", FOREIGN.encode()) + b"--B--\r\n"),
        ("messages/count_tokens", "application/json", b'{"model":"%b"}' % FOREIGN.encode()),
    ],
)
async def test_a_relayed_body_that_names_anothers_model_is_refused(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, path: str, kind: str, body: bytes
) -> None:
    headers = {**firm.auth, "content-type": kind}
    for content, more in ((body, {}), (gzip.compress(body), {"content-encoding": "gzip"})):
        answer = await http.post(f"/v1/{path}", content=content, headers={**headers, **more})
        assert (answer.status_code, answer.headers["x-model-reason"]) == (404, "foreign_fine_tune")
    assert provider.requests == []


@pytest.mark.parametrize("at_once", [True, False])
async def test_where_an_upload_names_anothers_model_in_its_middle_the_provider_never_gets_its_end(
    http: httpx2.AsyncClient, firm: Firm, provider: Upstream, at_once: bool
) -> None:
    """Nor the name, where its end arrives with it: a field is not read before it has ended."""
    seen = bytearray()

    async def script(_: Received, peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            while part := await peer.read(65536):
                seen.extend(part)

    async def upload() -> AsyncIterator[bytes]:
        yield FORM.replace(b'"%b"', b'"file"; filename="a.mp3"') % (b"x" * 200_000)
        named, end = FORM % (b"model", FOREIGN.encode()), b"--B--\r\n"
        for part in [named + end] if at_once else [named, end]:
            yield part

    provider.script = script
    headers = {**firm.auth, "content-type": "multipart/form-data; boundary=B"}
    answer = await http.post("/v1/audio/transcriptions", content=upload(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert not at_once or FOREIGN.encode() not in seen
    assert b"0\r\n\r\n" not in seen
    record = await firm.recorded(answer.headers["x-call-id"])
    assert (record["reason"], record["status"]) == ("foreign_fine_tune", 404)


async def test_further_paths(admin: Admin, http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    async def ask(path: str, method: str = "POST", **more: Any) -> tuple[int, str | None]:
        answer = await http.request(method, path, headers={**firm.auth, **more.pop("headers", {})}, **more)
        return answer.status_code, answer.json().get("error", {}).get("code")

    assert await ask("/v1/rerank", json={"model": STOCK}) == (403, "endpoint_not_allowed")
    admin.put(firm.path, {"allowed_paths": ["rerank", "batches/*", "files", "uploads"]})
    assert await ask("/v1/rerank", json={"model": STOCK}) == (200, None)
    assert await ask("/v1/batches/b1/cancel", json={"model": STOCK}) == (200, None)
    for path in ("/v1/batches", "/v1/rerank/x", "/v1/fine_tuning/jobs", "/v1/batches/../fine_tuning/jobs"):
        assert await ask(path, json={"model": STOCK}) == (403, "endpoint_not_allowed"), path
    before = len(provider.requests)
    for purpose, allowed in (("batch", True), ("fine-tune", False), ("Fine-Tune", False)):
        form = FORM % (b"purpose", purpose.encode()) + b"--B--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=B"}
        if allowed:
            provider.script = lambda _, peer: peer.answer(b"{}")
        wanted = (200, None) if allowed else (403, "endpoint_not_allowed")
        assert await ask("/v1/files", content=form, headers=headers) == wanted
        assert await ask("/v1/uploads", json={"purpose": purpose, "model": STOCK}) == wanted
    assert len(provider.requests) == before + 2


# providers


async def test_anthropic(admin: Admin, http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    row = {
        "kind": "anthropic",
        "base_url": provider.url,
        "api_key": "sk-ant",
        "default_model": "claude-x",
        "is_default": True,
    }
    admin.put(f"{firm.path}/providers/claude", row)
    provider.script = answering("messages")
    body = {"model": "default", "messages": [], "max_tokens": 1}
    beta = {"anthropic-beta": "b1,b2", "x-api-key": firm.key}
    answer = await http.post("/v1/messages?beta=true", json=body, headers=beta)
    assert answer.status_code == 200
    received = provider.last
    assert received.target == "/v1/messages?beta=true"
    assert json.loads(received.body)["model"] == "claude-x"
    assert (received.header("x-api-key"), received.header("authorization")) == (["sk-ant"], [])
    assert (received.header("anthropic-version"), received.header("anthropic-beta")) == (["2023-06-01"], ["b1,b2"])
    await http.post("/messages", json=body, headers={**firm.auth, "anthropic-version": "2099-01-01"})
    assert provider.last.header("anthropic-version") == ["2099-01-01"]
    answer = await http.post("/v1/chat/completions", json=body, headers=firm.auth)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "endpoint_not_supported")
    named = await http.post("/v1/chat/completions", json=body, headers={**firm.auth, "x-provider": "main"})
    assert named.status_code == 200
    answer = await http.post("/v1/messages", json=body, headers={"x-api-key": "hs_wrong"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


async def test_openai_does_not_serve_messages(
    admin: Admin, http: httpx2.AsyncClient, firm: Firm, provider: Upstream
) -> None:
    admin.put(f"{firm.path}/providers/main", {**firm.provider, "kind": "openai"})
    answer = await http.post("/v1/messages", json={"model": STOCK}, headers=firm.auth)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "endpoint_not_supported"
    assert provider.requests == []


@pytest.mark.parametrize(
    ("base", "options", "route", "target"),
    [
        (
            "",
            {"api_version": "2025-01-01"},
            "chat/completions",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01",
        ),
        ("", {}, "embeddings", "/openai/deployments/gpt-4o/embeddings?api-version=2024-10-21"),
        ("/openai", {}, "responses", "/openai/responses?api-version=2024-10-21"),
        ("/openai/v1", {}, "chat/completions", "/openai/v1/chat/completions"),
        ("/openai/v1", {"api_version": "preview"}, "responses", "/openai/v1/responses?api-version=preview"),
    ],
)
async def test_azure(
    admin: Admin,
    http: httpx2.AsyncClient,
    firm: Firm,
    provider: Upstream,
    base: str,
    options: Json,
    route: str,
    target: str,
) -> None:
    row = {
        "kind": "azure_openai",
        "base_url": provider.url + base,
        "api_key": "az",
        "default_model": "gpt-4o",
        "options": options,
    }
    admin.put(f"{firm.path}/providers/main", row)
    provider.script = answering(route) if route in ANSWERS else lambda _, peer: peer.answer(b'{"data":[]}')
    answer = await http.post(f"/v1/{route}", json={"model": "gpt-4o", "input": ""}, headers=firm.auth)
    assert answer.status_code == 200, answer.text
    assert provider.last.target == target
    assert (provider.last.header("api-key"), provider.last.header("authorization")) == (["az"], [])


@pytest.mark.parametrize("kind", ["together", "fireworks"])
async def test_providers_that_speak_the_openai_api_by_another_name(
    admin: Admin, http: httpx2.AsyncClient, firm: Firm, provider: Upstream, kind: str
) -> None:
    admin.put(f"{firm.path}/providers/main", {**firm.provider, "kind": kind})
    answer = await http.post("/v1/chat/completions", json={"model": STOCK}, headers=firm.auth)
    assert answer.json()["model"] == STOCK
    assert provider.last.header("authorization") == [f"Bearer {firm.account.key}"]


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed", "501 Not Implemented", None])
async def test_models_where_the_provider_does_not_tell_them(
    admin: Admin, http: httpx2.AsyncClient, tuned: tuple[Firm, str], provider: Upstream, status: str | None
) -> None:
    firm, model = tuned

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(b"{}", status or "500 Oh")

    provider.script = script
    if status is None:  # a kind that has no such route
        admin.put(f"{firm.path}/providers/main", {**firm.provider, "kind": "azure_openai"})
    answer = await http.get("/v1/models", headers=firm.auth)
    assert answer.status_code == 200
    assert {entry["id"] for entry in answer.json()["data"]} == {STOCK, model}
    if status is None:
        assert provider.requests == []
        assert (await http.get(f"/v1/models/{model}", headers=firm.auth)).json()["id"] == model
        assert (await http.get("/v1/models/gpt-9", headers=firm.auth)).status_code == 404


async def test_a_list_that_is_bare_is_filtered_too(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    provider.script = lambda _, peer: peer.answer(b'[{"id":"a"},{"id":"ft:x:y::z"}]')
    assert (await http.get("/v1/models", headers=firm.auth)).json() == [{"id": "a"}]


# bodies


async def test_a_compressed_body_is_read_and_goes_on_decoded(
    http: httpx2.AsyncClient, tuned: tuple[Firm, str], provider: Upstream
) -> None:
    firm, model = tuned
    sent = gzip.compress(b'{"model":"%b", "x":1}' % BASE_MODEL.encode())
    answer = await http.post("/v1/chat/completions", content=sent, headers={**firm.auth, "content-encoding": "gzip"})
    assert answer.status_code == 200
    assert provider.last.body == b'{"model":"%b", "x":1}' % model.encode()
    assert provider.last.header("content-encoding") == []


async def test_a_bomb_is_refused(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    bomb = gzip.compress(b'{"model":"' + bytes(50 << 20) + b'"}')
    headers = {**firm.auth, "content-encoding": "gzip"}
    answer = await http.post("/v1/chat/completions", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    answer = await http.post("/v1/chat/completions", content=b"{}", headers={**firm.auth, "content-encoding": "br"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert provider.requests == []


# fallback


async def test_a_fallback_warns_its_job_and_is_counted(
    http: httpx2.AsyncClient, tuned: tuple[Firm, str], provider: Upstream, gateway: Program
) -> None:
    firm, model = tuned

    async def script(request: Received, peer: Peer) -> None:
        if json.loads(request.body)["model"] == model:
            error = {"type": "error", "error": {"type": "not_found_error", "message": "model: gone"}}
            await peer.answer(json.dumps(error).encode(), "404 Not Found")
        else:
            await answering("messages")(request, peer)

    async def fallbacks() -> float:
        lines = (await http.get("/metrics")).text.splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("housestyle_fallbacks_total")))

    provider.script = script
    before = await fallbacks()
    answer = await http.post("/v1/messages", json={"model": STOCK, "messages": []}, headers=firm.auth)
    assert (answer.status_code, answer.headers["x-model-reason"]) == (200, "fallback_stock")
    assert await fallbacks() == before + 1
    answer = await http.post("/v1/messages", json={"model": STOCK, "messages": []}, headers=firm.auth)
    assert answer.headers["x-model-reason"] == "fallback_stock"  # remembered, and counted all the same
    assert await fallbacks() == before + 2
    [job] = firm.admin.get(f"{firm.path}/jobs")["items"]
    async with asyncio.timeout(10):
        while "model_refused" not in {one["code"] for one in firm.job(job)["warnings"]}:  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.02)
    events = firm.admin.get(f"{firm.job_path(job)}/events")["items"]
    assert [event["kind"] for event in events].count("warning") >= 1
