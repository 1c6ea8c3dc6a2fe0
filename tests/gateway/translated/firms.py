"""A tenant whose provider speaks another protocol, and what such a provider says: one table of kinds. No tests here."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import openai
from msgspec import Struct

from tests.gateway.translator.providers import (
    END,
    ENDED,
    EVENT_STREAM,
    GEMINI,
    begin,
    candidate,
    converse,
    event,
    frame,
    give_token,
    part,
    private_key,
    said,
    service_account,
    whole,
)
from tests.gateway.upstream.server import Peer, Script, Server, serving
from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm

Json = dict[str, Any]

CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0"
LLAMA = "hosted_vllm/llama-3"
_BEDROCK_KEY, _LITELLM_KEY, _TOKEN = "bedrock-key-51c0ffee", "litellm-key-51c0ffee", "token-of-the-firm"
_NOBODY = "http://127.0.0.1:1"
# What no log, error, record or span may hold: whole keys, and a line out of the middle of the one that has lines.
SECRETS = {
    "bedrock": [_BEDROCK_KEY],
    "vertex": [_TOKEN, private_key().splitlines()[5]],
    "litellm": [_LITELLM_KEY],
}


class Kind(Struct, frozen=True):
    """A kind of provider. `tool` answers with a call of `weather`; a stream says "Hel" first, then the rest;
    `refusal` is an error's body of its own shape; `row` are the provider's settings on two ports of this machine."""

    name: str
    model: str
    provider_name: str
    hello: Json
    tool: Json
    stream: tuple[bytes, bytes]
    tool_stream: bytes
    structured: Json
    refusal: Callable[[str], Json]
    row: Callable[[int, int], Json]


def _bedrock(port: int, _: int) -> Json:
    return {"base_url": f"http://127.0.0.1:{port}", "api_key": _BEDROCK_KEY, "options": {"region": "eu-central-1"}}


def _vertex(port: int, tokens: int) -> Json:
    options = {"project": "firm", "location": "europe-west4"}
    key = service_account(f"http://127.0.0.1:{tokens}/token")
    return {"base_url": f"http://127.0.0.1:{port}", "api_key": key, "options": options}


def _litellm(port: int, _: int) -> Json:
    return {"base_url": f"http://127.0.0.1:{port}/v1", "api_key": _LITELLM_KEY}


def _completion(message: Json, finish: str = "stop") -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    made = {"id": "c1", "object": "chat.completion", "created": 1, "model": "llama-3"}
    return {**made, "choices": [choice], "usage": usage}


def _chunk(delta: Json | None, finish: str | None = None) -> bytes:
    made = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "llama-3"}
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    usage = {"usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}} if delta is None else {}
    return part(b"data: " + json.dumps({**made, "choices": choices, **usage}).encode() + b"\n\n")


_CITY = {"city": "Oslo"}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(_CITY)}}
_CALLED = {"functionCall": {"name": "weather", "args": _CITY}}
_STARTED = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "call_1", "name": "weather"}}}
_INPUT = {"contentBlockIndex": 0, "delta": {"toolUse": {"input": json.dumps(_CITY)}}}
_SSE = b"text/event-stream"

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "bedrock",
            CLAUDE,
            "aws.bedrock",
            hello=converse({"text": "Hello."}),
            tool=converse({"toolUse": {"toolUseId": "call_1", "name": "weather", "input": _CITY}}, stop="tool_use"),
            stream=(
                begin(EVENT_STREAM) + frame("messageStart", {"role": "assistant"}) + said("Hel"),
                said("lo.") + ENDED,
            ),
            tool_stream=begin(EVENT_STREAM)
            + frame("messageStart", {"role": "assistant"})
            + frame("contentBlockStart", _STARTED)
            + frame("contentBlockDelta", _INPUT)
            + frame("contentBlockStop", {"contentBlockIndex": 0})
            + frame("messageStop", {"stopReason": "tool_use"})
            + END,
            structured=converse(
                {"toolUse": {"toolUseId": "call_1", "name": "json_tool_call", "input": _CITY}}, stop="tool_use"
            ),
            refusal=lambda words: {"message": words},
            row=_bedrock,
        ),
        Kind(
            "vertex",
            GEMINI,
            "gcp.vertex_ai",
            hello=candidate({"text": "Hello."}),
            tool=candidate(_CALLED),
            stream=(
                begin(_SSE) + event(candidate({"text": "Hel"}, finish=None)),
                event(candidate({"text": "lo."})) + END,
            ),
            tool_stream=begin(_SSE) + event(candidate(_CALLED)) + END,
            structured=candidate({"text": json.dumps(_CITY)}),
            refusal=lambda words: {"error": {"code": 400, "message": words, "status": "X"}},
            row=_vertex,
        ),
        Kind(
            "litellm",
            LLAMA,
            "litellm",
            hello=_completion({"content": "Hello."}),
            tool=_completion({"tool_calls": [_CALL]}, "tool_calls"),
            stream=(
                begin(_SSE) + _chunk({"role": "assistant", "content": "Hel"}),
                _chunk({"content": "lo."}) + _chunk({}, "stop") + _chunk(None) + part(b"data: [DONE]\n\n") + END,
            ),
            tool_stream=begin(_SSE)
            + _chunk({"role": "assistant", "tool_calls": [{"index": 0, **_CALL}]})
            + _chunk({}, "tool_calls")
            + part(b"data: [DONE]\n\n")
            + END,
            structured=_completion({"content": json.dumps(_CITY)}),
            refusal=lambda words: {"error": {"message": words, "type": "x", "param": None, "code": None}},
            row=_litellm,
        ),
    )
}


def new_firm(admin: Admin, plain: str = _NOBODY) -> Firm:
    """A tenant; its provider `main` speaks the OpenAI API at `plain`."""
    return Firm(admin, plain)


@contextlib.asynccontextmanager
async def provider(firm: Firm, kind: Kind, script: Script, name: str = "cloud", **more: Any) -> AsyncIterator[Server]:
    """A provider of this kind that answers by `script`, the firm's default one from now on."""
    async with serving(script) as server, serving(_tokens) as tokens:
        row = {"kind": kind.name, "default_model": kind.model, "is_default": True, **kind.row(server.port, tokens.port)}
        firm.admin.put(f"{firm.path}/providers/{name}", {**row, **more})
        yield server


@contextlib.asynccontextmanager
async def assistant(firm: Firm) -> AsyncIterator[openai.AsyncOpenAI]:
    """The firm's Assistant: the official SDK with another `base_url`."""
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60) as http:
        url = f"{firm.admin.url}/v1"
        yield openai.AsyncOpenAI(base_url=url, api_key=firm.key, max_retries=0, timeout=60, http_client=http)


def answering(body: Json, status: int = 200, seen: list[bytes] | None = None, *headers: bytes) -> Script:
    """A provider that says the same to everything."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if seen is not None:
                seen.append(request)
            await peer.say(whole(status, body, *headers))

    return script


async def record(firm: Firm, call_id: str) -> Any:
    """The call's record, once it is settled."""
    async with asyncio.timeout(20):
        while (answer := firm.admin.ask("GET", f"{firm.path}/why/{call_id}")).status_code != 200:  # noqa: ASYNC110 - polls
            await asyncio.sleep(0.02)
    return answer.json()


async def record_of(firm: Firm, workflow: str) -> Any:
    """The record of the one call of a workflow, once it is settled: whoever left never heard of the call's id."""
    async with asyncio.timeout(20):
        while not (found := firm.admin.get(f"{firm.path}/why?workflow={workflow}")["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    [made] = found
    return made


async def _tokens(peer: Peer) -> None:
    while True:
        await give_token(peer)
