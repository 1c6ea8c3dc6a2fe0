"""Chat completions at providers that speak something else, as the official SDK sees them: whole and streamed, with
tools and with a schema for the answer; and what spans and records say of them. Mirrors nothing: see conftest."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.gateway.translated.firms import CLAUDE, KINDS, Kind, answering, assistant, new_firm, provider, record
from tests.gateway.translator.providers import body_of, path_of, whole
from tests.gateway.translator.talking import MESSAGES, WEATHER
from tests.gateway.upstream.server import Peer, Server
from tests.support.admin import Admin
from tests.support.otlp import Collector, attributes
from tests.support.upstream import echo_model, upstream

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def span_of(collector: Collector, call_id: str) -> dict[str, Any]:
    """The attributes of a call's one span."""
    [span] = await asyncio.to_thread(collector.of_call, call_id)
    return {"name": span.name, **attributes(span)}


def common(kind: Kind, server: Server, served: str) -> dict[str, Any]:
    """What the span of any answered call says, whatever protocol its provider speaks."""
    return {
        "name": f"chat {kind.model}",
        "fine_tuned": False,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": kind.provider_name,
        "gen_ai.request.model": kind.model,
        "gen_ai.response.model": served,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.response.status_code": 200,
        "housestyle.reason": "no_active_job",
        "housestyle.requested_model": "default",
    }


@every_kind
async def test_an_answer_its_span_and_its_record(admin: Admin, collector: Collector, kind: Kind) -> None:
    firm = new_firm(admin)
    seen: list[bytes] = []
    async with provider(firm, kind, answering(kind.hello, seen=seen)) as server, assistant(firm) as client:
        raw = await client.chat.completions.with_raw_response.create(model="default", messages=MESSAGES, max_tokens=50)
        answer = raw.parse()
        row = await record(firm, raw.headers["x-call-id"])
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello.", "stop")
    assert (raw.headers["x-fine-tuned"], raw.headers["x-model-reason"]) == ("false", "no_active_job")
    assert firm.key.encode() not in seen[0]
    assert kind.model.rpartition("/")[2] in path_of(seen[0]).replace("%3A", ":") + str(body_of(seen[0]).get("model"))
    span = await span_of(collector, raw.headers["x-call-id"])
    assert span.items() >= common(kind, server, answer.model).items()
    assert not {"error.type", "gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"} & span.keys()
    assert span["gen_ai.response.id"] == answer.id
    said = ("requested_model", "routed_model", "served_model", "provider", "reason", "response_id")
    assert [row[name] for name in said] == ["default", kind.model, answer.model, "cloud", "no_active_job", answer.id]
    assert (row["status"], row["attempts"], row["input_tokens"], row["output_tokens"]) == (200, 1, 11, 3)
    assert (row["stream"], row["fine_tuned"], row["error"], row["cancelled"]) == (False, False, None, False)


@pytest.mark.parametrize("asked", [False, True], ids=["usage not asked for", "usage asked for"])
@every_kind
async def test_a_stream_comes_as_it_is_made_and_its_usage_is_known(
    admin: Admin, collector: Collector, kind: Kind, asked: bool
) -> None:
    firm = new_firm(admin)
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(kind.stream[0])
        await heard.wait()  # the rest is said only when the first part has come through
        await peer.say(kind.stream[1])

    options: Any = {"stream_options": {"include_usage": True}} if asked else {}
    async with provider(firm, kind, script) as server, assistant(firm) as client:
        create = client.chat.completions.with_raw_response.create
        raw = await create(model="default", messages=MESSAGES, stream=True, **options)
        chunks: list[ChatCompletionChunk] = []
        async for chunk in raw.parse():
            chunks.append(chunk)
            heard.set()
        row = await record(firm, raw.headers["x-call-id"])
    said = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in said) == "Hello."
    assert [choice.finish_reason for choice in said if choice.finish_reason] == ["stop"]
    told = [chunk.usage.prompt_tokens for chunk in chunks if chunk.usage]
    assert (told, all(chunk.choices for chunk in chunks)) == (([11], False) if asked else ([], True))
    span = await span_of(collector, raw.headers["x-call-id"])
    assert span.items() >= common(kind, server, chunks[0].model).items()
    assert span["gen_ai.request.stream"] is True
    assert span["gen_ai.response.time_to_first_chunk"] > 0
    assert (row["stream"], row["input_tokens"], row["output_tokens"]) == (True, 11, 3)
    assert row["time_to_first_chunk_ms"] > 0


@every_kind
async def test_a_streams_bytes_are_events_and_end_with_the_word_for_it(
    admin: Admin, http: httpx2.AsyncClient, kind: Kind
) -> None:
    firm = new_firm(admin)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(*kind.stream)

    body = {"model": "default", "messages": MESSAGES, "stream": True}
    async with provider(firm, kind, script):
        answer = await http.post("/chat/completions", json=body, headers=firm.auth)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, last, after = answer.text.split("\n\n")
    assert (last, after) == ("data: [DONE]", "")
    assert {json.loads(one.removeprefix("data: "))["object"] for one in events} == {"chat.completion.chunk"}


@every_kind
async def test_tools_both_ways(admin: Admin, kind: Kind) -> None:
    firm = new_firm(admin)
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.say(whole(200, kind.tool if len(seen) == 1 else kind.hello))

    async with provider(firm, kind, script), assistant(firm) as client:
        create = client.chat.completions.create
        first = await create(model="default", messages=MESSAGES, tools=[WEATHER])
        message, [called] = first.choices[0].message, first.choices[0].message.tool_calls or []
        result = {"role": "tool", "tool_call_id": called.id, "content": "rain"}
        history: Any = [*MESSAGES, message.model_dump(exclude_none=True), result]
        second = await create(model="default", messages=history, tools=[WEATHER])
    assert first.choices[0].finish_reason == "tool_calls"
    assert called.type == "function"
    assert (called.function.name, json.loads(called.function.arguments)) == ("weather", {"city": "Oslo"})
    assert second.choices[0].message.content == "Hello."
    assert b"weather" in seen[0]
    assert b"rain" in seen[1]


@every_kind
async def test_tools_in_a_stream(admin: Admin, kind: Kind) -> None:
    firm = new_firm(admin)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(kind.tool_stream)

    name, arguments, finishes = "", "", []
    async with provider(firm, kind, script), assistant(firm) as client:
        stream = await client.chat.completions.create(model="default", messages=MESSAGES, tools=[WEATHER], stream=True)
        async for chunk in stream:
            for choice in chunk.choices:
                finishes += [choice.finish_reason] if choice.finish_reason else []
                for call in choice.delta.tool_calls or []:
                    assert call.function is not None
                    name += call.function.name or ""
                    arguments += call.function.arguments or ""
    assert (name, json.loads(arguments), finishes) == ("weather", {"city": "Oslo"}, ["tool_calls"])


SCHEMA: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@every_kind
async def test_a_schema_for_the_answer(admin: Admin, kind: Kind) -> None:
    firm = new_firm(admin)
    seen: list[bytes] = []
    schema: Any = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
    async with provider(firm, kind, answering(kind.structured, seen=seen)), assistant(firm) as client:
        answer = await client.chat.completions.create(model="default", messages=MESSAGES, response_format=schema)
    assert json.loads(answer.choices[0].message.content or "") == {"city": "Oslo"}
    assert answer.choices[0].finish_reason == "stop"
    assert b"city" in seen[0]  # the provider was told of it in its own words


async def test_the_provider_of_a_call_is_the_one_that_it_names(admin: Admin) -> None:
    async with upstream(echo_model) as plain:
        firm = new_firm(admin, plain.url)
        kind = KINDS["bedrock"]
        seen: list[bytes] = []
        script = answering(kind.hello, seen=seen)
        async with provider(firm, kind, script, is_default=False), assistant(firm) as client:
            create = client.chat.completions.with_raw_response.create
            await create(model=CLAUDE, messages=MESSAGES)
            raw = await create(model=CLAUDE, messages=MESSAGES, extra_headers={"X-Provider": "cloud"})
            row = await record(firm, raw.headers["x-call-id"])
        assert (len(plain.requests), len(seen), row["provider"]) == (1, 1, "cloud")
