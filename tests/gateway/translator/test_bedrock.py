"""Bedrock through litellm's real code, against its Converse API on real sockets."""

import asyncio

import msgspec
import openai
import pytest

from gateway.translating import credential_header
from tests.gateway.translator.providers import (
    END,
    ENDED,
    EVENT_STREAM,
    begin,
    body_of,
    converse,
    frame,
    header_of,
    path_of,
    said,
    whole,
)
from tests.gateway.translator.talking import MESSAGES, WEATHER, Talk, bedrock
from tests.gateway.upstream.server import Peer, serving

MODEL = "anthropic.claude-sonnet-4-20250514-v1:0"


async def test_an_answer_and_the_signature(talk: Talk) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, converse({"text": "Hello."})))

    async with serving(script) as server, bedrock(talk, server.port, "secret", access_key_id="AKIDEXAMPLE") as client:
        answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=50, temperature=0.5)
    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    assert answer.choices[0].message.content == "Hello."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 3)
    assert path_of(seen[0]).replace("%3A", ":") == f"/model/{MODEL}/converse"
    signature = header_of(seen[0], "authorization") or ""
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/bedrock/aws4_request" in signature
    body = body_of(seen[0])
    assert body["messages"] == [{"role": "user", "content": [{"text": "Say hello."}]}]
    assert body["inferenceConfig"] == {"maxTokens": 50, "temperature": 0.5}


async def test_a_bedrock_api_key_is_a_bearer_token(talk: Talk) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, converse({"text": "Hello."})))

    async with serving(script) as server, bedrock(talk, server.port) as client:
        await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert header_of(seen[0], "authorization") == "Bearer bedrock-api-key"


async def test_a_custom_models_arn_is_asked_for_whole(talk: Talk) -> None:
    seen: list[bytes] = []
    arn = "arn:aws:bedrock:eu-central-1:123456789012:custom-model-deployment/a1b2c3d4e5f6"

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, converse({"text": "Hello."})))

    async with serving(script) as server, bedrock(talk, server.port) as client:
        answer = await client.chat.completions.create(model=arn, messages=MESSAGES)
    assert answer.model == arn
    assert path_of(seen[0]) == f"/model/{arn.replace(':', '%3A').replace('/', '%2F')}/converse"


async def test_a_stream_comes_as_it_is_made(talk: Talk) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        request = await peer.request()
        assert path_of(request).endswith("/converse-stream")
        await peer.say(begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}), said("Hel"))
        await heard.wait()  # the rest is said only when the first part has come through
        await peer.say(said("lo."), ENDED)

    async with serving(script) as server, bedrock(talk, server.port) as client:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        text, finish, usage = "", [], []
        async for chunk in stream:
            assert (chunk.object, chunk.model) == ("chat.completion.chunk", MODEL)
            for choice in chunk.choices:
                assert chunk.usage is None
                text += choice.delta.content or ""
                finish += [choice.finish_reason] if choice.finish_reason else []
            if not chunk.choices and chunk.usage:
                usage.append((chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
            if text == "Hel":
                heard.set()
    assert (text, finish, usage) == ("Hello.", ["stop"], [(11, 3)])


async def test_without_being_asked_for_usage_is_not_told(talk: Talk) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}), said("Hello."), ENDED)

    async with serving(script) as server, bedrock(talk, server.port) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        chunks = [chunk async for chunk in stream]
    assert chunks
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_tools_both_ways(talk: Talk) -> None:
    seen: list[bytes] = []
    call = {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Oslo"}}}

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(whole(200, converse(call, stop="tool_use")))
        seen.append(await peer.request())
        await peer.say(whole(200, converse({"text": "It rains."})))

    async with serving(script) as server, bedrock(talk, server.port) as client:
        first = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, tools=[WEATHER], tool_choice="auto"
        )
        asked = first.choices[0].message.tool_calls
        assert first.choices[0].finish_reason == "tool_calls"
        assert asked is not None
        assert asked[0].type == "function"
        assert (asked[0].id, asked[0].function.name) == ("call_1", "weather")
        result = [
            *MESSAGES,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ]
        second = await client.chat.completions.create(model=MODEL, messages=result, tools=[WEATHER])
        assert second.choices[0].message.content == "It rains."
    tool = body_of(seen[0])["toolConfig"]["tools"][0]["toolSpec"]
    assert (tool["name"], tool["inputSchema"]["json"]["required"]) == ("weather", ["city"])
    results = body_of(seen[1])["messages"][-1]["content"]
    assert results[0]["toolResult"]["toolUseId"] == "call_1"


async def test_tools_in_a_stream(talk: Talk) -> None:
    begun = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "call_1", "name": "weather"}}}

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}))
        await peer.say(frame("contentBlockStart", begun))
        for piece in ('{"city":', ' "Oslo"}'):
            await peer.say(frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": piece}}}))
        await peer.say(frame("contentBlockStop", {"contentBlockIndex": 0}))
        await peer.say(frame("messageStop", {"stopReason": "tool_use"}), END)

    async with serving(script) as server, bedrock(talk, server.port) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=[WEATHER], stream=True)
        name, arguments, finish = "", "", ""
        async for chunk in stream:
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or []:
                    assert call.function is not None
                    name += call.function.name or ""
                    arguments += call.function.arguments or ""
    assert (name, arguments, finish) == ("weather", '{"city": "Oslo"}', "tool_calls")


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (404, "Could not resolve the foundation model from the provided model identifier.", (404, "model_not_found")),
        (400, "The provided model identifier is invalid.", (404, "model_not_found")),
        (403, "You don't have access to the model with the specified model ID.", (403, "model_not_found")),
        (403, "The security token included in the request is invalid.", (403, "permission_denied")),
        (400, "messages: at least one message is required", (400, "invalid_request")),
        (400, "Input is too long for requested model.", (400, "context_length_exceeded")),
        (429, "Too many requests, please wait before trying again.", (429, "rate_limit_exceeded")),
        (500, "Internal failure.", (500, "upstream_error")),
        (503, "Bedrock is unable to process your request.", (503, "upstream_error")),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals(talk: Talk, status: int, words: str, expected: tuple[int, str], stream: bool) -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.say(whole(status, {"message": words}, b"retry-after: 7"))

    async with serving(script) as server, bedrock(talk, server.port) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=stream)
    assert (caught.value.status_code, caught.value.code) == expected
    assert words in caught.value.message
    assert len(requests) == 1  # nothing is tried again here: the caller decides that
    if status in (429, 503):
        assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_leaves_before_the_answer(talk: Talk, stream: bool) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.gone()
        left.set()

    async with serving(script) as server, bedrock(talk, server.port) as client:
        call = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=stream))
        await arrived.wait()
        call.cancel()
        async with asyncio.timeout(20):
            await left.wait()


async def test_a_caller_who_leaves_in_a_stream(talk: Talk) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}), said("Hel"))
        await peer.gone()
        left.set()

    async with serving(script) as server, bedrock(talk, server.port) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        await anext(stream)
        await stream.close()
        async with asyncio.timeout(20):
            await left.wait()


async def test_a_caller_who_does_not_read_and_leaves(talk: Talk) -> None:
    blocked, left = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}))
        try:
            while not peer.writer.is_closing():  # a write to a connection that has ended says nothing
                peer.writer.write(said("x" * 8192))
                if peer.writer.transport.get_write_buffer_size():  # it is taken more slowly than it is made
                    blocked.set()
                    await peer.writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        left.set()

    body = msgspec.json.encode({"model": MODEL, "messages": MESSAGES, "stream": True})
    async with serving(script) as server:
        header = credential_header("bedrock", f"http://127.0.0.1:{server.port}", "key", {"region": "eu-central-1"})
        _, writer = await asyncio.open_unix_connection(str(talk.socket), limit=1024)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" + b": ".join(header))
        writer.write(b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(30):
            await blocked.wait()
            writer.transport.abort()
            await left.wait()


STARTED = (begin(EVENT_STREAM), frame("messageStart", {"role": "assistant"}), said("Hel"))


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        said("lo.")[:40],
        END,  # the stream's end, without the message's
        frame("throttlingException", {"message": "Too many."}, "exception") + END,
        frame("modelStreamErrorException", {"message": "The model failed."}, "exception") + END,
    ],
    ids=["cut", "cut in a frame", "short", "throttled", "failed"],
)
async def test_a_broken_stream_is_cut_and_never_finished(talk: Talk, rest: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(*STARTED, rest)

    finishes: list[str] = []
    async with serving(script) as server, bedrock(talk, server.port) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIConnectionError):
            async for chunk in stream:
                finishes += [choice.finish_reason for choice in chunk.choices if choice.finish_reason]
    assert finishes == []


async def test_an_answer_that_breaks_is_not_asked_for_again(talk: Talk) -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.say(whole(200, converse({"text": "Hello."}))[:-10])

    async with serving(script) as server, bedrock(talk, server.port) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_protocol_error")
    assert len(requests) == 1
