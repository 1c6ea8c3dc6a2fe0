"""/v1/chat/completions: a reply written by the asked model, whole or streamed.

Tools, response formats and sampling parameters are accepted and make no difference to the text: it is a
word-level model that answers. What a request may contain is chatrequest.py's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from finetune.sandbox import chatrequest, models, writer
from finetune.sandbox.chatrequest import ChatRequest
from finetune.sandbox.exchange import account_of, sandbox_of
from finetune.sandbox.ngram import NgramModel
from finetune.sandbox.store import new_id
from finetune.sandbox.text import tokenise
from finetune.sandbox.validation import content_text
from finetune.sandbox.wire import answer, decode_object

_TOKENS_A_CHUNK = 3
_TOKENS_A_MESSAGE = 4


class Reply(Struct, frozen=True, kw_only=True):
    id: str
    created: int
    model: str
    pieces: tuple[str, ...]
    """The text in tokens; joined, they are the text."""
    finish_reason: str
    prompt_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def head(self, kind: str) -> dict[str, object]:
        """What the answer and each of its chunks begin with."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_sandbox",
        }

    def usage(self) -> dict[str, object]:
        written = len(self.pieces)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self.prompt_tokens + written,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


async def create(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    body = decode_object(await request.body())
    now = sandbox.clock()
    name, model = models.served(sandbox.store, account, chatrequest.asked_model(body), now)
    asked = chatrequest.read(body)
    reply = compose(asked, name, model, sandbox.settings.seed, now)
    if not asked.stream:
        return answer(_whole(reply))
    events = _streamed(reply, asked.include_usage, sandbox.settings.chunk_seconds)
    return StreamingResponse(events, media_type="text/event-stream; charset=utf-8")


def compose(asked: ChatRequest, name: str, model: NgramModel, server_seed: int, now: float) -> Reply:
    """The reply: its text depends on seeds, messages and what the model has learnt; ids and times, which are new in
    every run, do not matter to it."""
    order = msgspec.json.encode([server_seed, asked.seed, _base_of(name), asked.messages], order="sorted")
    source = Random(hashlib.sha256(order).digest())  # noqa: S311 - repeatable on purpose, guards nothing
    text = writer.write(model, _last_user_text(asked.messages), source)
    pieces, finish_reason = _limited(text, asked)
    return Reply(
        id=new_id("chatcmpl-", 29),
        created=int(now),
        model=name,
        pieces=tuple(pieces),
        finish_reason=finish_reason,
        prompt_tokens=sum(_tokens_of(message) for message in asked.messages),
    )


def _base_of(name: str) -> str:
    """The model that a fine-tuned one was made from; any other's own name."""
    return name.split(":")[1] if name.startswith("ft:") else name


def _last_user_text(messages: Sequence[dict[str, Any]]) -> str:
    for message in reversed(messages):
        if message["role"] == "user":
            return content_text(message.get("content")) or ""
    return ""


def _tokens_of(message: dict[str, Any]) -> int:
    return len(tokenise(content_text(message.get("content")) or "")) + _TOKENS_A_MESSAGE


def _limited(text: str, asked: ChatRequest) -> tuple[list[str], str]:
    """The text in tokens, up to the first stop word and the token limit."""
    places = [place for stop in asked.stop if (place := text.find(stop)) >= 0]
    if places:
        text = text[: min(places)]
    pieces = tokenise(text)
    if pieces:
        pieces[0] = pieces[0].lstrip(" ")
    if asked.max_tokens is not None and len(pieces) > asked.max_tokens:
        return pieces[: asked.max_tokens], "length"
    return pieces, "stop"


def _whole(reply: Reply) -> dict[str, object]:
    message: dict[str, object] = {
        "role": "assistant",
        "content": reply.text,
        "refusal": None,
        "annotations": [],
    }
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    return reply.head("chat.completion") | {"choices": [choice], "usage": reply.usage()}


async def _streamed(reply: Reply, include_usage: bool, pause: float) -> AsyncIterator[bytes]:
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": "", "refusal": None}]
    starts = range(0, len(reply.pieces), _TOKENS_A_CHUNK)
    deltas.extend({"content": "".join(reply.pieces[at : at + _TOKENS_A_CHUNK])} for at in starts)
    for delta in deltas:
        yield _event(reply, _choices(delta), include_usage)
        await asyncio.sleep(pause)
    yield _event(reply, _choices({}, reply.finish_reason), include_usage)
    if include_usage:
        yield _sse(reply.head("chat.completion.chunk") | {"choices": [], "usage": reply.usage()})
    yield b"data: [DONE]\n\n"


def _choices(delta: dict[str, object], finish_reason: str | None = None) -> list[dict[str, object]]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]


def _event(reply: Reply, choices: list[dict[str, object]], include_usage: bool) -> bytes:
    chunk = reply.head("chat.completion.chunk") | {"choices": choices}
    return _sse(chunk | {"usage": None} if include_usage else chunk)


def _sse(chunk: dict[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


ROUTES = [Route("/v1/chat/completions", create, methods=["POST"])]
