"""A stock model as a teacher: what it answers, and what its errors are to who asked."""

import asyncio
import ipaddress
import json

import pytest

from finetune.backends.asking import asking
from finetune.backends.base import Access
from finetune.dataset.outcomes import TeacherBusy, TeacherRefused
from gateway.upstream import guarded_http
from gateway.upstream.addresses import Guard
from tests.support.admin import STOCK, unique
from tests.support.processes import Program
from tests.support.upstream import Peer, Received, upstream

LOCAL = Guard((ipaddress.ip_network("127.0.0.0/8"),))


async def asked(url: str, key: str = "sk-teacher") -> str:
    """An answer, asked for from another thread as the builder does."""
    async with asking(Access("openai", f"{url}/v1", key), guarded_http.client(LOCAL), STOCK) as ask:
        return await asyncio.to_thread(ask, "Say it plainly.", "The Keeper shall deliver.")


async def test_a_real_provider_answers(sandbox: Program) -> None:
    assert await asked(sandbox.url, f"sk-{unique('teacher')}")


async def test_it_sends_the_question_and_nothing_else() -> None:
    received: list[Received] = []

    async def script(request: Received, peer: Peer) -> None:
        received.append(request)
        await peer.answer(json.dumps({"choices": [{"message": {"role": "assistant", "content": "Plain."}}]}).encode())

    async with upstream(script) as server:
        assert await asked(server.url) == "Plain."
    [request] = received
    body = json.loads(request.body)
    assert set(body) == {"model", "messages"}
    assert (body["model"], [turn["role"] for turn in body["messages"]]) == (STOCK, ["system", "user"])
    assert request.header("authorization") == ["Bearer sk-teacher"]


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        ("429 Too Many Requests", ("retry-after: 7",), 7.0),
        ("500 Internal Server Error", (), None),
        ("503 Service Unavailable", (), None),
        ("408 Request Timeout", (), None),
    ],
)
async def test_what_may_pass_is_busy(status: str, headers: tuple[str, ...], after: float | None) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(b'{"error": {"message": "Not now."}}', status, *headers)

    async with upstream(script) as server:
        with pytest.raises(TeacherBusy) as busy:
            await asked(server.url)
    assert busy.value.after == after


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("401 Unauthorized", b'{"error": {"message": "Wrong key sk-teacher."}}', "provider_auth_failed"),
        ("404 Not Found", b'{"error": {"message": "No such model."}}', "training_failed"),
        ("200 OK", b'{"choices": []}', "training_failed"),
        ("200 OK", b"<html>", "training_failed"),
    ],
)
async def test_what_will_not_pass_is_refused_in_the_providers_words(status: str, body: bytes, code: str) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, status)

    async with upstream(script) as server:
        with pytest.raises(TeacherRefused) as refused:
            await asked(server.url)
    assert refused.value.code == code
    assert "sk-teacher" not in refused.value.message


async def test_a_provider_that_is_not_there_is_busy() -> None:
    with pytest.raises(TeacherBusy):
        await asked("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b'{"choices": [{"message": {"role": "assistant", "content": null, "refusal": "No."}}]}'),
        ("400 Bad Request", b'{"error": {"message": "Filtered.", "code": "content_filter"}}'),
        ("400 Bad Request", b'{"error": {"message": "Too long.", "code": "context_length_exceeded"}}'),
    ],
)
async def test_a_model_that_declines_answers_nothing(status: str, body: bytes) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, status)

    async with upstream(script) as server:
        assert await asked(server.url) == ""
