"""The kind `litellm`: any provider that litellm knows, each by the key and the one name that its tenant gave it."""

import asyncio
from typing import Any

import msgspec
import openai
import pytest

from gateway.translating import credential_header
from tests.gateway.translator.providers import begin, body_of, header_of, part, path_of, whole
from tests.gateway.translator.talking import MESSAGES, Talk
from tests.gateway.upstream.server import Peer, serving


def completion(model: str) -> dict[str, Any]:
    """An answer of a provider that speaks the OpenAI API."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "service_tier": "default"}
    return {**answer, "choices": [choice], "usage": usage}


@pytest.mark.parametrize("provider", ["groq", "openai", "hosted_vllm", "deepseek"])
async def test_providers_with_openais_protocol(talk: Talk, provider: str) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, completion("llama-3")))

    async with serving(script) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        async with talk.as_provider("litellm", url, "tenants-key", provider=provider) as client:
            answer = await client.chat.completions.create(model=f"{provider}/llama-3", messages=MESSAGES, user="u1")
    assert answer.choices[0].message.content == "Hello."
    assert path_of(seen[0]) == "/v1/chat/completions"
    assert header_of(seen[0], "authorization") == "Bearer tenants-key"
    assert body_of(seen[0])["model"] == "llama-3"
    assert "user" not in body_of(seen[0])


async def test_a_provider_with_another_protocol(talk: Talk) -> None:
    seen: list[bytes] = []
    said = {"type": "text", "text": "Hello."}
    usage = {"input_tokens": 11, "output_tokens": 3}
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "claude-x", "content": [said]}

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, {**message, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}))

    async with serving(script) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with talk.as_provider("litellm", url, "tenants-key", provider="anthropic") as client:
            answer = await client.chat.completions.create(model="anthropic/claude-x", messages=MESSAGES, max_tokens=9)
    assert answer.choices[0].message.content == "Hello."
    assert path_of(seen[0]) == "/v1/messages"
    assert header_of(seen[0], "x-api-key") == "tenants-key"


async def test_a_stream_and_the_caller_who_leaves_it(talk: Talk) -> None:
    left = asyncio.Event()
    delta = {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "llama-3", "choices": [delta]}

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(b"text/event-stream"), part(b"data: " + msgspec.json.encode(chunk) + b"\n\n"))
        await peer.gone()
        left.set()

    async with serving(script) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        async with talk.as_provider("litellm", url, "tenants-key", provider="openai") as client:
            stream = await client.chat.completions.create(model="openai/llama-3", messages=MESSAGES, stream=True)
            first = await anext(stream)
            assert first.choices[0].delta.content == "Hel"
            await stream.close()
            async with asyncio.timeout(20):
                await left.wait()


@pytest.mark.parametrize(
    "model",
    [
        "openai/gpt-5",  # the key is another provider's
        "groq",
        "bedrock/amazon.nova-lite-v1:0",
        "groq/http://attacker.example/v1",
        "groq//attacker.example",
    ],
)
async def test_a_key_goes_to_its_own_provider_alone(talk: Talk, model: str) -> None:
    async with talk.as_provider("litellm", "", "tenants-key", provider="groq") as client:
        with pytest.raises(openai.NotFoundError) as caught:
            await client.chat.completions.create(model=model, messages=MESSAGES)
    assert caught.value.code == "model_not_found"


async def test_a_parameter_that_the_provider_does_not_have(talk: Talk) -> None:
    async with talk.as_provider("bedrock", "http://127.0.0.1:1", "key", region="eu-central-1") as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="amazon.nova-lite-v1:0", messages=MESSAGES, logprobs=True)
    assert caught.value.code == "unsupported_parameter"
    assert "logprobs" in caught.value.message


@pytest.mark.parametrize(
    "extra",
    [
        {"api_base": "http://attacker.example"},
        {"base_url": "http://attacker.example"},
        {"api_key": "another"},
        {"mock_response": "made up"},
        {"custom_llm_provider": "openai"},
        {"aws_region_name": "us-east-1"},
        {"aws_role_name": "arn:aws:iam::1:role/x"},
        {"vertex_credentials": "/etc/passwd"},
        {"extra_headers": {"authorization": "x"}},
        {"success_callback": ["langfuse"]},
        {"num_retries": 9},
        {"fallbacks": ["openai/gpt-5"]},
        {"model_list": []},
    ],
    ids=lambda extra: next(iter(extra)),
)
async def test_litellms_own_parameters_are_refused(talk: Talk, extra: dict[str, Any]) -> None:
    header = credential_header("bedrock", "http://127.0.0.1:1", "key", {"region": "eu-central-1"})
    status, answer = await talk.raw(header, {"model": "amazon.nova-lite-v1:0", "messages": MESSAGES, **extra})
    assert (status, answer["error"]["code"]) == (400, "unknown_parameter")
    assert answer["error"]["param"] in extra


async def test_without_the_gateways_credential_nothing_is_asked(talk: Talk) -> None:
    status, answer = await talk.raw(None, {"model": "m", "messages": MESSAGES})
    assert (status, answer["error"]["code"]) == (400, "invalid_credential")
