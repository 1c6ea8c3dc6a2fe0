"""Who is let in by the door of a translator on a network, and what it says to whoever is not."""

import json
from typing import Any

import pytest

from gateway.translator.asgi import Message, Receive, Send
from gateway.translator.door import Door

TOKEN, NEXT = "of-the-translator-0123456789abcdef", "of-the-translator-fedcba9876543210"
RIGHT = [(b"authorization", f"Bearer {TOKEN}".encode())]


async def behind(_: Message, __: Receive, send: Send) -> None:
    """What is behind the door."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def unread() -> Message:
    """Nobody asks for the body of a request that is turned away."""
    raise AssertionError("the body was asked for")


async def ask(
    headers: list[tuple[bytes, bytes]],
    method: str = "POST",
    path: str = "/v1/chat/completions",
    door: Door | None = None,
) -> list[Any]:
    """What is sent back."""
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("10.1.2.3", 4711)}
    await (door or Door(behind, [NEXT, TOKEN]))(scope, unread, send)
    return sent


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer {NEXT}", f"BEARER  {TOKEN} "])
async def test_who_shows_any_of_the_tokens_is_let_in(shown: str) -> None:
    begun, _ = await ask([(b"authorization", shown.encode())])
    assert begun["status"] == 204


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer nobody's")],
        [(b"authorization", f"Basic {TOKEN}".encode())],
        [(b"authorization", TOKEN.encode())],
        [(b"authorization", f"Bearer {TOKEN}x".encode())],
        [(b"authorization", f"Bearer {TOKEN[:-1]}".encode())],
        [(b"authorization", f"Bearer {TOKEN},{NEXT}".encode())],
        [*RIGHT, *RIGHT],
        [(b"x-api-key", TOKEN.encode())],
    ],
)
async def test_nobody_else_is_let_in(headers: list[tuple[bytes, bytes]], capsys: pytest.CaptureFixture[str]) -> None:
    begun, body = await ask(headers)
    assert begun["status"] == 401
    assert dict(begun["headers"])[b"x-housestyle-refused"] == b"token"
    assert json.loads(body["body"])["error"]["code"] == "invalid_token"
    said = json.loads(capsys.readouterr().err)
    assert (said["event"], said["times"], said["peer"]) == ("translator_token_refused", 1, "10.1.2.3")
    assert not [word for word in (TOKEN[:-1], "nobody") if word in str(said) + str(begun) + str(body)]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize(
    ("headers", "status"), [([], 200), (RIGHT, 200), ([(b"authorization", b"Bearer another")], 401)]
)
async def test_its_pages_are_for_anybody_who_shows_no_wrong_token(
    path: str, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    assert (await ask(headers, "GET", path))[0]["status"] == status


async def test_whoever_tries_and_tries_is_not_said_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door(behind, [TOKEN])
    for _ in range(100):
        await ask([], door=door)
    assert len(capsys.readouterr().err.splitlines()) == 1
