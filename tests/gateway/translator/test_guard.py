"""Where the translator may connect, and as whom: nothing of the operator's, nothing inside, nothing by a redirect."""

import asyncio
from typing import Any

import openai
import pytest

from tests.gateway.translator.providers import give_token, service_account, whole
from tests.gateway.translator.talking import MESSAGES, Talk, bedrock
from tests.gateway.upstream.server import Peer, serving

BEDROCK = "amazon.nova-lite-v1:0"
REGION = {"region": "eu-central-1"}
SLOW = 120  # a pool's usual hundred connections and more


async def silent(peer: Peer) -> None:
    """Says nothing; nobody ought to come."""
    await peer.gone()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "base_url",
    [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]",
        "http://127.0.0.2:{port}",
        "http://[::1]:{port}",
        "http://localhost.localdomain.invalid.127.0.0.2.nip.invalid",
    ],
)
async def test_an_inside_address_is_not_reached(talk: Talk, base_url: str, stream: bool) -> None:
    async with serving(silent) as server:
        url = base_url.format(port=server.port)
        async with talk.as_provider("bedrock", url, "key", **REGION) as client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model=BEDROCK, messages=MESSAGES, stream=stream)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")
    assert ("is not allowed" in caught.value.message) == (".invalid" not in url)


@pytest.mark.parametrize(
    "token_uri",
    [
        "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
        "http://127.0.0.2:1/token",
        "https://tokens.example.com/token",  # not Google's: it could hold up every tenant's
    ],
)
async def test_a_token_is_asked_for_at_googles_or_the_operators_alone(talk: Talk, token_uri: str) -> None:
    key = service_account(token_uri)
    async with serving(silent) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with talk.as_provider("vertex", url, key, project="firm", location="global") as client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model="gemini-2.5-flash", messages=MESSAGES)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")
    assert "is not allowed" in caught.value.message
    assert server.peers == []


async def test_an_image_inside_is_not_fetched(talk: Talk) -> None:
    picture: Any = [{"type": "image_url", "image_url": {"url": "http://127.0.0.2:1/picture.png"}}]
    async with serving(silent) as server, bedrock(talk, server.port) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=BEDROCK, messages=[{"role": "user", "content": picture}])
    assert (caught.value.status_code, caught.value.code) == (400, "invalid_image_url")
    assert server.peers == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(talk: Talk, status: int) -> None:
    async with serving(silent) as other:

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.say(whole(status, {}, b"location: http://127.0.0.1:%d/elsewhere" % other.port))

        async with serving(script) as server, bedrock(talk, server.port) as client:
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model=BEDROCK, messages=MESSAGES)
    assert caught.value.status_code == 502
    assert other.peers == []


async def test_the_operators_own_credentials_are_never_used(talk: Talk) -> None:
    async with serving(silent) as server:
        for kind, options in (("bedrock", REGION), ("vertex", {"project": "firm", "location": "global"})):
            async with talk.as_provider(kind, f"http://127.0.0.1:{server.port}", None, **options) as client:
                with pytest.raises(openai.AuthenticationError):
                    await client.chat.completions.create(model=BEDROCK, messages=MESSAGES)
    assert server.peers == []


async def test_calls_at_the_same_time_keep_their_own_credentials(talk: Talk) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        request = await peer.request()
        seen.append(request)
        who = request.partition(b"uthorization: Bearer ")[2].partition(b"\r\n")[0].decode()
        text = {"output": {"message": {"role": "assistant", "content": [{"text": who}]}}, "stopReason": "end_turn"}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        await peer.say(whole(200, {**text, "usage": usage, "metrics": {"latencyMs": 1}}, b"connection: close"))

    async with serving(script) as server:

        async def ask(key: str) -> str | None:
            async with bedrock(talk, server.port, key) as client:
                answer = await client.chat.completions.create(model=BEDROCK, messages=MESSAGES)
                return answer.choices[0].message.content

        keys = [f"key-{number}" for number in range(150)]  # more than a pool's usual hundred connections
        assert await asyncio.gather(*map(ask, keys)) == keys
    assert len(seen) == len(keys)


async def test_another_tenants_slow_calls_hold_up_nobody(talk: Talk) -> None:
    arrived: list[Peer] = []
    all_arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.append(peer)
        if len(arrived) == SLOW:
            all_arrived.set()
        await peer.gone()

    async with serving(script) as server, bedrock(talk, server.port) as client:
        waiting = [
            asyncio.ensure_future(client.chat.completions.create(model=BEDROCK, messages=MESSAGES)) for _ in range(SLOW)
        ]
        async with asyncio.timeout(30):
            await all_arrived.wait()
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_token_endpoint_of_the_operators_is_asked(talk: Talk) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(whole(404, {"error": {"code": 404, "message": "Not found.", "status": "NOT_FOUND"}}))

    async with serving(script) as server, serving(give_token) as tokens:
        key = service_account(f"http://127.0.0.1:{tokens.port}/token")
        url = f"http://127.0.0.1:{server.port}"
        async with talk.as_provider("vertex", url, key, project="firm", location="global") as client:
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model="gemini-2.5-flash", messages=MESSAGES)
    assert len(tokens.peers) == 1
