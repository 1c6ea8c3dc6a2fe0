"""What is refused on the way to a provider that speaks something else: by the provider, in OpenAI's shape, and by the
gateway; the fallback to the stock model; what nothing of it says. Mirrors nothing: see conftest."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.gateway.translated.firms import (
    CLAUDE,
    KINDS,
    SECRETS,
    Kind,
    answering,
    assistant,
    new_firm,
    provider,
    record,
)
from tests.gateway.translator.providers import path_of, whole
from tests.gateway.translator.talking import MESSAGES
from tests.gateway.upstream.server import Peer
from tests.support.admin import BASE_MODEL, STOCK, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes
from tests.support.processes import Program, gateway_environ, running

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
BEDROCK = KINDS["bedrock"]
BODY = {"model": "default", "messages": MESSAGES}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "invalid_api_key"),
        (403, "permission_denied"),
        (404, "model_not_found"),
        (429, "rate_limit_exceeded"),
        (500, "upstream_error"),
    ],
)
@every_kind
async def test_a_providers_refusal_in_openais_shape(
    admin: Admin, collector: Collector, kind: Kind, status: int, code: str, stream: bool
) -> None:
    firm = new_firm(admin)
    seen: list[bytes] = []
    refuse = answering(kind.refusal("Not so."), status, seen, b"retry-after: 7")
    async with provider(firm, kind, refuse), assistant(firm) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="default", messages=MESSAGES, stream=stream)
        row = await record(firm, caught.value.response.headers["x-call-id"])
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert "Not so." in caught.value.message
    assert caught.value.response.json()["error"].keys() == {"message", "type", "param", "code"}
    assert len(seen) == 1
    assert (caught.value.response.headers.get("retry-after") == "7") is (status == 429)
    assert (row["status"], row["attempts"], row["reason"], row["stream"]) == (status, 1, "no_active_job", stream)
    [span] = await asyncio.to_thread(collector.of_call, row["call_id"])
    said = attributes(span)
    assert (said["http.response.status_code"], said["error.type"]) == (status, str(status))


# fallback


@pytest.fixture
def tuned(admin: Admin, sandbox: Program, vault: Path) -> tuple[Firm, str]:
    """A tenant with an active fine-tuned model; and that model."""
    firm = Firm(admin, sandbox.url, vault=vault)
    job = firm.ready_job()
    firm.activate(job)
    return firm, str(job["fine_tuned_model"])


async def test_a_refused_model_falls_back_to_stock(
    tuned: tuple[Firm, str], collector: Collector, http: httpx2.AsyncClient
) -> None:
    firm, model = tuned
    asked: list[str] = []

    async def script(peer: Peer) -> None:
        while True:
            path = path_of(await peer.request()).replace("%3A", ":")
            asked.append(path.split("/")[2])
            if asked[-1] == CLAUDE:
                await peer.say(whole(200, BEDROCK.hello))
            else:
                await peer.say(whole(400, {"message": "The provided model identifier is invalid."}))

    async with provider(firm, BEDROCK, script, "main"):
        answer = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
        row = await record(firm, answer.headers["x-call-id"])
        again = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
    assert (answer.status_code, answer.json()["model"]) == (200, CLAUDE)
    assert (answer.headers["x-fine-tuned"], answer.headers["x-model-reason"]) == ("false", "fallback_stock")
    assert asked == [model, CLAUDE, CLAUDE]  # the refusal is remembered
    assert again.headers["x-model-reason"] == "fallback_stock"
    assert (row["attempts"], row["routed_model"], row["fine_tuned"]) == (2, CLAUDE, False)
    spans = [attributes(span) for span in await asyncio.to_thread(collector.of_call, row["call_id"], 2)]
    said = ("fine_tuned", "housestyle.reason", "gen_ai.request.model", "error.type", "gen_ai.provider.name")
    assert [[span.get(name) for name in said] for span in spans] == [
        [True, "active_job", model, "model_not_found", "aws.bedrock"],
        [False, "fallback_stock", CLAUDE, None, "aws.bedrock"],
    ]
    job = firm.admin.get(f"{firm.path}/jobs")["items"][0]
    async with asyncio.timeout(20):
        while "model_refused" not in {one["code"] for one in firm.job(job)["warnings"]}:  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_firms_own_model_answers(tuned: tuple[Firm, str], collector: Collector, stream: bool) -> None:
    firm, model = tuned
    asked: list[str] = []

    async def script(peer: Peer) -> None:
        while True:
            asked.append(path_of(await peer.request()).replace("%3A", ":").split("/")[2])
            await peer.say(*(BEDROCK.stream if stream else [whole(200, BEDROCK.hello)]))

    async with provider(firm, BEDROCK, script, "main"), assistant(firm) as client:
        create = client.chat.completions.with_raw_response.create
        raw = await create(model=BASE_MODEL, messages=MESSAGES, stream=stream)
        assert b"Hel" in await raw.http_response.aread()
        row = await record(firm, raw.headers["x-call-id"])
    assert asked == [model]
    assert (raw.headers["x-fine-tuned"], raw.headers["x-model-reason"]) == ("true", "active_job")
    assert (row["routed_model"], row["served_model"], row["fine_tuned"]) == (model, model, True)
    [span] = await asyncio.to_thread(collector.of_call, row["call_id"])
    said = attributes(span)
    assert (said["fine_tuned"], said["gen_ai.response.model"], said["gen_ai.usage.output_tokens"]) == (True, model, 3)


@pytest.mark.parametrize(
    ("status", "words", "falls_back"),
    [
        (404, "Not here.", True),
        (403, "You don't have access to the model with the specified model ID.", True),
        (403, "The security token included in the request is invalid.", False),
        (400, "messages: at least one message is required", False),
        (429, "Too many requests.", False),
        (500, "Internal failure.", False),
    ],
)
async def test_what_is_a_refusal_of_the_model(
    tuned: tuple[Firm, str], http: httpx2.AsyncClient, status: int, words: str, falls_back: bool
) -> None:
    firm, _ = tuned
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            await peer.request()
            asked += 1
            await peer.say(whole(200, BEDROCK.hello) if asked > 1 else whole(status, {"message": words}))

    async with provider(firm, BEDROCK, script, "main"):
        answer = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
    expected = (200, "fallback_stock", 2) if falls_back else (status, "active_job", 1)
    assert (answer.status_code, answer.headers["x-model-reason"], asked) == expected


async def test_models_are_told_from_the_routes(tuned: tuple[Firm, str], http: httpx2.AsyncClient) -> None:
    firm, model = tuned
    seen: list[bytes] = []
    async with provider(firm, BEDROCK, answering(BEDROCK.hello, seen=seen), "main"):
        listed = await http.get("/v1/models", headers=firm.auth)
        one = await http.get(f"/v1/models/{model}", headers=firm.auth)
        stock = await http.get(f"/models/{CLAUDE}", headers=firm.auth)
        none = await http.get(f"/v1/models/{STOCK}", headers=firm.auth)
    assert {entry["id"] for entry in listed.json()["data"]} == {CLAUDE, model}
    assert (one.json()["id"], stock.json()["id"]) == (model, CLAUDE)
    assert (none.status_code, none.json()["error"]["code"]) == (404, "model_not_found")
    assert seen == []


async def test_another_firm_does_not_reach_it(admin: Admin, tuned: tuple[Firm, str], http: httpx2.AsyncClient) -> None:
    owner, model = tuned
    seen: list[bytes] = []
    async with provider(owner, BEDROCK, answering(BEDROCK.hello, seen=seen), "main"):
        other = new_firm(admin)
        async with provider(other, BEDROCK, answering(BEDROCK.hello, seen=seen)):
            answer = await http.post("/v1/chat/completions", json={**BODY, "model": model}, headers=other.auth)
    assert (answer.status_code, answer.headers["x-model-reason"]) == (404, "foreign_fine_tune")
    assert seen == []


# the gateway's own words


@pytest.mark.parametrize("route", ["responses", "messages", "completions", "embeddings", "messages/count_tokens"])
@every_kind
async def test_a_route_that_such_a_provider_does_not_serve(
    admin: Admin, http: httpx2.AsyncClient, kind: Kind, route: str
) -> None:
    firm = new_firm(admin)
    seen: list[bytes] = []
    async with provider(firm, kind, answering(kind.hello, seen=seen)):
        answer = await http.post(f"/v1/{route}", json={"model": "default", "input": ""}, headers=firm.auth)
        row = await record(firm, answer.headers["x-call-id"])
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "endpoint_not_supported")
    assert kind.name in error["message"]
    assert (row["status"], row["error"], row["attempts"]) == (400, "endpoint_not_supported", 0)
    assert seen == []


@pytest.mark.parametrize(
    ("name", "change", "status", "word"),
    [
        ("bedrock", {"options": {}}, 400, "`region`"),
        ("bedrock", {"options": {"region": "eu/../x"}}, 422, "options"),
        ("vertex", {"options": {"location": "europe-west4"}}, 400, "`project`"),
        ("vertex", {"options": {"project": "firm"}}, 400, "`location`"),
        ("vertex", {"api_key": '{"type": "service_account"}'}, 401, "service account"),
        ("bedrock", {"api_key": None}, 401, "`api_key`"),
        ("litellm", {"default_model": "llama-3"}, 404, "llama-3"),
        ("litellm", {"options": {"provider": "groq"}}, 404, "llama-3"),
    ],
)
async def test_a_provider_that_is_set_up_by_half_says_what_is_missing(
    admin: Admin, http: httpx2.AsyncClient, name: str, change: dict[str, Any], status: int, word: str
) -> None:
    firm = new_firm(admin)
    kind = KINDS[name]
    row = {"kind": name, "default_model": kind.model, "is_default": True, **kind.row(1, 1), **change}
    answer = admin.ask("PUT", f"{firm.path}/providers/cloud", row)
    if status != 422:
        assert answer.status_code == 200, answer.text
        answer = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
    assert answer.status_code == status
    assert word in answer.json()["error"]["message"] + str(answer.json()["error"]["param"])


@every_kind
async def test_a_provider_that_is_not_there(admin: Admin, http: httpx2.AsyncClient, kind: Kind) -> None:
    firm = new_firm(admin)
    async with provider(firm, kind, answering(kind.hello)):
        pass
    answer = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
    row = await record(firm, answer.headers["x-call-id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert (row["status"], row["attempts"]) == (502, 1)


async def test_what_only_the_gateway_may_say_to_its_translator(admin: Admin, http: httpx2.AsyncClient) -> None:
    firm = new_firm(admin)
    async with provider(firm, BEDROCK, answering(BEDROCK.hello)):
        answer = await http.post(
            "/v1/chat/completions", json=BODY, headers={**firm.auth, "x-housestyle-provider": "e30="}
        )
        steered = {**BODY, "api_base": "http://127.0.0.1:1", "mock_response": "made up"}
        refused = await http.post("/v1/chat/completions", json=steered, headers=firm.auth)
    assert answer.status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unknown_parameter")


# secrets


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@every_kind
async def test_no_secret_is_told(
    admin: Admin, gateway: Program, collector: Collector, http: httpx2.AsyncClient, kind: Kind, status: int
) -> None:
    """Not even where a provider says it, in words of its own."""
    firm = new_firm(admin)
    words = " ".join(["No:", *SECRETS[kind.name]])
    async with provider(firm, kind, answering(kind.hello if status == 200 else kind.refusal(words), status)):
        answer = await http.post("/v1/chat/completions", json=BODY, headers=firm.auth)
        row = await record(firm, answer.headers["x-call-id"])
    assert answer.status_code == status
    assert status == 200 or "No: …" in answer.text
    [span] = await asyncio.to_thread(collector.of_call, row["call_id"])
    told = [answer.text, str(answer.headers), str(row), str(span), gateway.log.read_text()]
    told.append(str(admin.get(f"{firm.path}/providers")))
    assert not [secret for secret in SECRETS[kind.name] for text in told if secret in text]


# the translator's Python


def test_a_python_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_TRANSLATOR_PYTHON="/nowhere/bin/python")
    with (
        pytest.raises(RuntimeError, match="HOUSESTYLE_TRANSLATOR_PYTHON: there is no /nowhere/bin/python"),
        running(["serve", "--port", "0"], environ, tmp_path / "log"),
    ):
        raise AssertionError("it serves")


async def test_a_python_without_litellm_is_said_to_the_caller(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no litellm here >&2\nexit 1\n")
    await asyncio.to_thread(python.chmod, 0o700)
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_TRANSLATOR_PYTHON=str(python))
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
        firm = new_firm(admin)
        async with provider(firm, BEDROCK, answering(BEDROCK.hello)), assistant(firm) as client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model="default", messages=MESSAGES)
            row = await record(firm, caught.value.response.headers["x-call-id"])
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")
    assert "HOUSESTYLE_TRANSLATOR_PYTHON" in caught.value.message
    assert (row["status"], row["error"]) == (502, "upstream_unreachable")
