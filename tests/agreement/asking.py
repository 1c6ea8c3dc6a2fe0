"""The calls: every kind of them for every tenant, in an order made by chance; and how one is made."""

import asyncio
import contextlib
import random
import time
from typing import Any

import httpx2
import msgspec

from tests.agreement.provider import Provider
from tests.agreement.values import Ask, Heard, Tenant

PROMPT = "a-prompt-that-is-nobodys-business"  # nothing in it is ever escaped: it is looked for in logs
OTHER = "gpt-4.1"  # no tenant's default, and no job's base
_FOREIGN = "ft:gpt-4o-mini-2024-07-18:somebody::foreign"
_CHAT, _COMPLETIONS, _RESPONSES, _MESSAGES = "chat/completions", "completions", "responses", "messages"

# What each kind adds to a plain chat call.
KINDS: dict[str, dict[str, Any]] = {
    "chat": {},
    "chat, nobody's choice": {"model": "default"},
    "chat, another model": {"model": OTHER},
    "chat, streamed": {"stream": True},
    "chat, streamed with usage": {"stream": True, "usage": True},
    "completions, streamed": {"path": _COMPLETIONS, "stream": True},
    "responses": {"path": _RESPONSES},
    "responses, streamed": {"path": _RESPONSES, "stream": True},
    "messages": {"path": _MESSAGES},
    "messages, streamed": {"path": _MESSAGES, "stream": True},
    "embeddings": {"path": "embeddings", "model": "text-embedding-3-small"},
    "pinned": {"model": None},
    "opted out": {"opted_out": True},
    "500": {"act": "500"},
    "429, streamed": {"act": "429", "stream": True},
    "cut": {"act": "cut", "stream": True},
    "cut, messages": {"act": "cut", "stream": True, "path": _MESSAGES},
    "torn": {"act": "torn", "stream": True, "path": _RESPONSES},
    "left before the answer": {"act": "hold", "leaves": "before"},
    "left in the stream": {"act": "hold in stream", "stream": True, "leaves": "inside"},
    "left in the stream, messages": {"act": "hold in stream", "stream": True, "leaves": "inside", "path": _MESSAGES},
    "unreachable": {"opted_out": True, "unreachable": True, "refusal": (502, "upstream_unreachable")},
    "bad key": {"key": "hs_nobodys", "refusal": (401, "invalid_api_key")},
    "foreign": {"model": _FOREIGN, "refusal": (404, "model_not_found")},
    "bad JSON": {"raw": b'{"model":', "refusal": (400, "invalid_json")},
}


def calls(tenants: list[Tenant], rounds: int, seed: int) -> list[Ask]:
    """Each kind so many times for each tenant."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    todo = [(kind, tenant) for kind in KINDS for tenant in tenants for _ in range(rounds)]
    chance.shuffle(todo)
    return [_call(number, kind, tenant, chance) for number, (kind, tenant) in enumerate(todo)]


def _call(number: int, kind: str, tenant: Tenant, chance: random.Random) -> Ask:
    added = dict(KINDS[kind])
    path, stream = added.get("path", _CHAT), added.get("stream", False)
    model = added.pop("model", tenant.stock) or tenant.tuned
    raw, usage = added.pop("raw", None), added.pop("usage", False)
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    if usage:
        body["stream_options"] = {"include_usage": True}
    if path == "embeddings":
        body = {"model": model, "input": PROMPT}
    # Who leaves before the answer never hears a call's id: its trace tells it from the others.
    traced = chance.random() < 0.7 or added.get("leaves") == "before"
    return Ask(
        number=number,
        kind=kind,
        tenant=tenant.name,
        model=None if raw else model,
        body=raw or msgspec.json.encode(body),
        workflow=chance.choice([None, "assistant", "review"]),
        trace_id=f"{chance.getrandbits(128):032x}" if traced else None,
        parent_id=f"{chance.getrandbits(64):016x}" if traced else None,
        tracestate=f"congo=t{number}" if traced and chance.random() < 0.5 else None,
        **{"path": path, **added},
    )


async def make(ask: Ask, tenant: Tenant, http: httpx2.AsyncClient, provider: Provider) -> Heard:
    """Makes the call. Raises nothing that the call is meant to end with."""
    heard = Heard(begun=time.time())
    headers = {**ask.headers, "authorization": f"Bearer {ask.key or tenant.key}"}
    request = http.build_request("POST", f"/v1/{ask.path}", content=ask.body, headers=headers)
    if ask.leaves == "before":
        task = asyncio.create_task(http.send(request, stream=True))
        await provider.arrived(ask.number)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    else:
        answer = await http.send(request, stream=True)
        try:
            heard.status, heard.headers = answer.status_code, dict(answer.headers)
            heard.whole = await _read(ask, answer)
        finally:
            await answer.aclose()
    heard.ended = time.time()
    return heard


async def _read(ask: Ask, answer: httpx2.Response) -> bool:
    """Whether it ended as an answer ends."""
    parts = answer.aiter_raw()
    if ask.leaves:
        await anext(parts)
        return False
    try:
        told = b"".join([part async for part in parts])
    except httpx2.RemoteProtocolError:
        return False
    return b"upstream_disconnected" not in told
