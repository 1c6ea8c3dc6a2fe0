"""What a call cost, in its Why record, through a real gateway. Prices are of gateway/prices.json."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running
from tests.support.upstream import Peer, Received, Script, Upstream

MINI = "gpt-4o-mini-2024-07-18"


def answering(body: dict[str, Any]) -> Script:
    """A script that always answers this."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(json.dumps(body).encode())

    return script


def streaming(*events: dict[str, Any]) -> Script:
    """A script that streams these."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        for event in events:
            name = f"event: {event['type']}\n" if "type" in event else ""
            await peer.chunk(f"{name}data: {json.dumps(event)}\n\n".encode())
        await peer.chunk(b"")

    return script


async def cost(http: httpx2.AsyncClient, firm: Firm, path: str, body: dict[str, Any]) -> float | None:
    """What a call is said to have cost."""
    answer = await http.post(path, json=body, headers=firm.auth)
    assert answer.status_code == 200, answer.text
    record = await firm.recorded(answer.headers["x-call-id"])
    told: float | None = record["cost_usd"]
    return told


USAGE = {"prompt_tokens": 2000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 1024}}
CHAT = "/v1/chat/completions"


async def test_a_call(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    body = {"model": "gpt-4o-mini", "messages": []}
    by_hand = (976 * 0.15 + 1024 * 0.075 + 100 * 0.6) / 1e6
    provider.script = answering({"id": "c1", "model": MINI, "choices": [], "usage": USAGE})
    assert await cost(http, firm, CHAT, body) == pytest.approx(by_hand, rel=1e-12)
    chunk = {"id": "c1", "model": MINI, "choices": [{"index": 0, "delta": {"content": "Whereas"}}]}
    provider.script = streaming(chunk, {**chunk, "choices": [], "usage": USAGE})
    assert await cost(http, firm, CHAT, {**body, "stream": True}) == pytest.approx(by_hand, rel=1e-12)


async def test_a_call_whose_cost_cannot_be_known(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    body = {"model": "gpt-4o-mini", "messages": []}
    provider.script = answering({"id": "c1", "model": MINI, "choices": []})
    assert await cost(http, firm, CHAT, body) is None
    provider.script = answering({"id": "c1", "model": "our-own", "choices": [], "usage": USAGE})
    assert await cost(http, firm, CHAT, {**body, "model": "our-own"}) is None


async def test_embeddings_have_no_output(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    model = "text-embedding-3-small"
    provider.script = answering({"model": model, "data": [], "usage": {"prompt_tokens": 500, "total_tokens": 500}})
    assert await cost(http, firm, "/v1/embeddings", {"model": model, "input": "x"}) == 500 * 0.02 / 1e6


async def test_an_answer_is_paid_for_once(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    """One that is stored tells of its tokens whenever it is looked at."""
    usage = {"input_tokens": 1000, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 0}}
    provider.script = answering({"id": "resp_1", "object": "response", "model": MINI, "output": [], "usage": usage})
    made = await cost(http, firm, "/v1/responses", {"model": "gpt-4o-mini", "input": "x"})
    assert made == pytest.approx((1000 * 0.15 + 10 * 0.6) / 1e6, rel=1e-12)
    seen = await http.get("/v1/responses/resp_1", headers=firm.auth)
    record = await firm.recorded(seen.headers["x-call-id"])
    assert (record["response_id"], record["cost_usd"]) == ("resp_1", None)


async def test_anthropics_cache_in_a_stream(http: httpx2.AsyncClient, firm: Firm, provider: Upstream) -> None:
    """Haiku 4.5: $1 in, $5 out, $0.10 read from the cache, $1.25 written to it, each for a million tokens."""
    firm.admin.put(
        f"{firm.path}/providers/main",
        {"kind": "anthropic", "base_url": provider.url, "api_key": "sk", "default_model": "claude-haiku-4-5"},
    )
    usage = {
        "input_tokens": 300,
        "cache_read_input_tokens": 5000,
        "cache_creation_input_tokens": 2000,
        "output_tokens": 1,
    }
    message = {"id": "msg_1", "type": "message", "model": "claude-haiku-4-5-20251001", "usage": usage}
    provider.script = streaming(
        {"type": "message_start", "message": message},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 400}},
        {"type": "message_stop"},
    )
    body = {"model": "claude-haiku-4-5", "messages": [], "max_tokens": 500, "stream": True}
    by_hand = (300 * 1.0 + 5000 * 0.1 + 2000 * 1.25 + 400 * 5.0) / 1e6
    assert await cost(http, firm, "/v1/messages", body) == pytest.approx(by_hand, rel=1e-12)


async def test_prices_of_ones_own(provider: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-4o-mini: {input: 0.1, output: 0.4}\nour-*: {input: 0, output: 1}")
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_PRICES=str(file))
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
        firm = Firm(admin, provider.url)
        async with httpx2.AsyncClient(base_url=program.url, verify=NO_TLS, timeout=30) as http:
            mini = await cost(http, firm, CHAT, {"model": "gpt-4o-mini", "messages": []})
            ours = await cost(http, firm, CHAT, {"model": "our-adapter", "messages": []})
    assert mini == pytest.approx((7 * 0.1 + 3 * 0.4) / 1e6, rel=1e-12)
    assert ours == 3e-06
