"""Vertex through litellm's real code, against generateContent and Google's token endpoint on real sockets."""

import asyncio
import base64
from typing import Any

import msgspec
import openai
import pytest

from tests.gateway.translator.providers import (
    END,
    GEMINI,
    VERTEX_USAGE,
    begin,
    body_of,
    candidate,
    event,
    give_token,
    header_of,
    path_of,
    service_account,
    whole,
)
from tests.gateway.translator.talking import MESSAGES, WEATHER, Talk
from tests.gateway.upstream.server import Peer, Server, serving

MODEL = GEMINI
PUBLISHERS = "/v1/projects/firm/locations/europe-west4/publishers/google/models"


def vertex(talk: Talk, server: Server, tokens: Server) -> openai.AsyncOpenAI:
    """A Vertex on this machine; every test's token endpoint is another, so no token is there already."""
    key = service_account(f"http://127.0.0.1:{tokens.port}/token")
    base_url = f"http://127.0.0.1:{server.port}"
    return talk.as_provider("vertex", base_url, key, project="firm", location="europe-west4")


async def test_an_answer_and_the_token(talk: Talk) -> None:
    asked: list[bytes] = []
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, candidate({"text": "Hello."})))

    async def token(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.say(whole(200, {"access_token": "token-of-the-firm", "expires_in": 3600, "token_type": "Bearer"}))

    async with serving(script) as server, serving(token) as tokens, vertex(talk, server, tokens) as client:
        messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
        answer = await client.chat.completions.create(model=MODEL, messages=messages, max_tokens=50)
    assert answer.model == MODEL
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello.", "stop")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 3)
    assert path_of(seen[0]) == f"{PUBLISHERS}/{MODEL}:generateContent"
    assert header_of(seen[0], "authorization") == "Bearer token-of-the-firm"
    body = body_of(seen[0])
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Say hello."}]}]
    assert body["system_instruction"]["parts"] == [{"text": "Be brief."}]
    assertion = asked[0].rpartition(b"assertion=")[2].split(b"&")[0].split(b".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(assertion + b"=="))
    assert claims["iss"] == "calls@firm.iam.gserviceaccount.com"


async def test_a_stream_comes_as_it_is_made(talk: Talk) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        request = await peer.request()
        assert path_of(request) == f"{PUBLISHERS}/{MODEL}:streamGenerateContent?alt=sse"
        await peer.say(begin(b"text/event-stream"), event(candidate({"text": "Hel"}, finish=None)))
        await heard.wait()
        await peer.say(event(candidate({"text": "lo."})), END)

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        text, finish, usage = "", [], []
        async for chunk in stream:
            assert chunk.model == MODEL
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish += [choice.finish_reason] if choice.finish_reason else []
            if not chunk.choices and chunk.usage:
                usage.append((chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
            if text == "Hel":
                heard.set()
    assert (text, finish, usage) == ("Hello.", ["stop"], [(11, 3)])


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("4965075652664360960", "/v1/projects/firm/locations/europe-west4/endpoints/4965075652664360960"),
        ("projects/77/locations/us-central1/endpoints/12", "/v1/projects/77/locations/us-central1/endpoints/12"),
        ("no-such-model", f"{PUBLISHERS}/no-such-model"),
    ],
)
async def test_the_name_that_is_asked_for(talk: Talk, model: str, path: str) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, candidate({"text": "Hello."})))

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        answer = await client.chat.completions.create(model=model, messages=MESSAGES)
    assert answer.model == model
    assert path_of(seen[0]) == f"{path}:generateContent"


async def test_tools_both_ways(talk: Talk) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, candidate({"functionCall": {"name": "weather", "args": {"city": "Oslo"}}})))
        seen.append(await peer.request())
        await peer.say(whole(200, candidate({"text": "It rains."})))

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        first = await client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=[WEATHER])
        asked = first.choices[0].message.tool_calls
        assert first.choices[0].finish_reason == "tool_calls"
        assert asked is not None
        assert asked[0].type == "function"
        assert msgspec.json.decode(asked[0].function.arguments) == {"city": "Oslo"}
        result = [
            *MESSAGES,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": asked[0].id, "content": "rain"},
        ]
        second = await client.chat.completions.create(model=MODEL, messages=result, tools=[WEATHER])
    assert second.choices[0].message.content == "It rains."
    assert body_of(seen[0])["tools"][0]["function_declarations"][0]["name"] == "weather"
    said = [piece for content in body_of(seen[1])["contents"] for piece in content["parts"]]
    assert any("function_response" in piece or "functionResponse" in piece for piece in said)


async def test_a_schema_for_the_answer(talk: Talk) -> None:
    seen: list[bytes] = []
    schema: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, candidate({"text": '{"city": "Oslo"}'})))

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        answer = await client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            response_format={"type": "json_schema", "json_schema": {"name": "place", "schema": schema}},
        )
    assert answer.choices[0].message.content == '{"city": "Oslo"}'
    assert body_of(seen[0])["generationConfig"]["response_mime_type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "state", "words", "expected"),
    [
        (404, "NOT_FOUND", "Publisher Model `x` was not found.", (404, "model_not_found")),
        (404, "NOT_FOUND", "Endpoint `12` not found.", (404, "model_not_found")),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", (401, "invalid_api_key")),
        (403, "PERMISSION_DENIED", "Permission denied on resource project firm.", (403, "permission_denied")),
        (400, "INVALID_ARGUMENT", "Unable to submit request.", (400, "invalid_request")),
        (429, "RESOURCE_EXHAUSTED", "Resource exhausted.", (429, "rate_limit_exceeded")),
        (500, "INTERNAL", "An internal error has occurred.", (500, "upstream_error")),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals(
    talk: Talk,
    status: int,
    state: str,
    words: str,
    expected: tuple[int, str],
    stream: bool,
) -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        error = {"error": {"code": status, "message": words, "status": state}}
        await peer.say(whole(status, error, b"retry-after: 7"))

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=stream)
    assert (caught.value.status_code, caught.value.code) == expected
    assert words in caught.value.message
    assert len(requests) == 1


async def test_a_token_that_is_refused(talk: Talk) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async def token(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}))

    async with serving(script) as server, serving(token) as tokens, vertex(talk, server, tokens) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert (caught.value.status_code, caught.value.code) == (401, "invalid_api_key")
    assert server.peers == []


async def test_a_caller_who_leaves_in_a_stream(talk: Talk) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(b"text/event-stream"), event(candidate({"text": "Hel"}, finish=None)))
        await peer.gone()
        left.set()

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        await anext(stream)
        await stream.close()
        async with asyncio.timeout(20):
            await left.wait()


async def test_a_blocked_prompts_stream_comes_to_its_end(talk: Talk) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": VERTEX_USAGE, "modelVersion": MODEL}

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(b"text/event-stream"), event(blocked), END)

    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        finishes = [choice.finish_reason async for chunk in stream for choice in chunk.choices]
    assert [finish for finish in finishes if finish] == ["content_filter"]


@pytest.mark.parametrize("rest", [b"", END], ids=["cut", "short"])
async def test_a_broken_stream_is_cut_and_never_finished(talk: Talk, rest: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(b"text/event-stream"), event(candidate({"text": "Hel"}, finish=None)), rest)

    finishes: list[str] = []
    async with serving(script) as server, serving(give_token) as tokens, vertex(talk, server, tokens) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIConnectionError):
            async for chunk in stream:
                finishes += [choice.finish_reason for choice in chunk.choices if choice.finish_reason]
    assert finishes == []
