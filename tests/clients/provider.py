"""The scripted provider that the official clients end up at: strict about requests, true to each API in its answers.

`python -m tests.clients.provider` says where it is, serves, and ends when its standard input does. What it does follows
from the last user text (`_answer` below, and dialects/turns.py); what it saw of the calls under one `x-case` header is
asked for with `GET /control/seen?tag=…`. No shape of any API goes in here: those are in dialects/.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.clients.dialects import chat, completions, embeddings, messages, responses, turns
from tests.clients.dialects.turns import Asked, Refused, Turn
from tests.support.upstream import Peer, Received, upstream

_STATUS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests", 500: "Server Error"}
_SOON = ("retry-after: 0", "retry-after-ms: 1")
_FAILURES = (500, 429)  # of "Fail twice."
FOREIGN = "ft:gpt-4.1-mini:other::1"  # in every account's list, and no tenant's of these tests


class Route(NamedTuple):
    """How one route reads and answers; `events` where it streams."""

    read: Callable[[bytes], Asked]
    answer: Callable[[Asked, Turn], dict[str, Any]]
    events: Callable[[Asked, Turn], list[bytes]] | None = None
    error: Callable[[int, str, str | None], dict[str, Any]] = chat.error


ROUTES = {
    "/v1/chat/completions": Route(chat.read, chat.answer, chat.events),
    "/v1/completions": Route(completions.read, completions.answer, completions.events),
    "/v1/responses": Route(responses.read, responses.answer, responses.events),
    "/v1/embeddings": Route(embeddings.read, embeddings.answer),
    "/v1/messages": Route(messages.read, messages.answer, messages.events, messages.error),
    "/v1/messages/count_tokens": Route(messages.read_counted, messages.counted, None, messages.error),
}


class Provider:
    """Its accounts (a credential and the models that it may use), and every call by its `x-case`."""

    def __init__(self) -> None:
        self.accounts: dict[str, list[str]] = {}
        self.seen: dict[str, list[dict[str, Any]]] = {}

    async def serve(self, request: Received, peer: Peer) -> None:
        """Answers one request."""
        place = urlsplit(request.target)
        if place.path == "/control/accounts":
            self.accounts |= msgspec.json.decode(request.body, type=dict[str, list[str]])
            await _json(peer, 200, {})
        elif place.path == "/control/seen":
            await _json(peer, 200, self.seen.get(parse_qs(place.query)["tag"][0], []))
        elif place.path == "/v1/models" and request.method == "GET":
            await self._list(request, peer)
        elif place.path in ROUTES and request.method == "POST":
            await self._call(request, peer, place.path, ROUTES[place.path])
        else:
            await _json(peer, 404, chat.error(404, "", f"Invalid URL ({request.method} {place.path})"))

    def _note(self, request: Received, path: str, model: str | None) -> tuple[str, dict[str, Any], int]:
        """The credential, what is kept of the call, and how many came before it under its tag."""
        shown = [value.removeprefix("Bearer ") for value in request.header("authorization")]
        credential = ",".join(shown + request.header("x-api-key"))
        calls = self.seen.setdefault(",".join(request.header("x-case")), [])
        note = {"path": path, "model": model, "credential": credential, "aborted": False}
        calls.append(note)
        return credential, note, len(calls) - 1

    async def _list(self, request: Received, peer: Peer) -> None:
        credential, _, _ = self._note(request, "/v1/models", None)
        models = [*self.accounts.get(credential, ()), FOREIGN]
        if request.header("anthropic-version"):
            made = "2025-10-01T00:00:00Z"
            data = [{"type": "model", "id": model, "display_name": model, "created_at": made} for model in models]
            await _json(peer, 200, {"data": data, "has_more": False, "first_id": models[0], "last_id": models[-1]})
            return
        entries = [{"id": model, "object": "model", "created": 1_700_000_000, "owned_by": "system"} for model in models]
        await _json(peer, 200, {"object": "list", "data": entries})

    async def _call(self, request: Received, peer: Peer, path: str, route: Route) -> None:
        try:
            _check_head(request, path)
            asked = route.read(request.body)
        except Refused as refused:
            self._note(request, path, None)
            await _json(peer, 400, route.error(400, "", str(refused)))
            return
        credential, note, before = self._note(request, path, asked.model)
        status = self._refusal(credential, asked, before)
        if status is not None:
            await _json(peer, status, route.error(status, asked.model, None))
        else:
            await _answer(peer, route, asked, note)

    def _refusal(self, credential: str, asked: Asked, before: int) -> int | None:
        """The status of an error that is ordered, or due."""
        if credential not in self.accounts:
            return 401
        if asked.model not in self.accounts[credential]:
            return 404
        if asked.said.startswith("Fail twice.") and before < len(_FAILURES):
            return _FAILURES[before]
        return turns.fails_with(asked.said)


async def _answer(peer: Peer, route: Route, asked: Asked, note: dict[str, Any]) -> None:
    turn = turns.following(asked)
    if asked.said == "Never answer.":
        await peer.gone()
        note["aborted"] = True
    elif asked.stream and route.events is not None:
        events = route.events(asked, turn)
        breaks = asked.said == "Break off."
        await peer.begin_stream("x-request-id: req_1")
        for event in events[: len(events) // 2] if breaks else events:
            await peer.chunk(event)
        if breaks:
            peer.cut()
        else:
            await peer.chunk(b"")
    else:
        await _json(peer, 200, route.answer(asked, turn))


def _check_head(request: Received, path: str) -> None:
    """Raises Refused for a head that the real API refuses."""
    kind = ",".join(request.header("content-type")).partition(";")[0]
    if kind != "application/json":
        raise Refused(f"Unsupported content type: '{kind}'.")
    if path.startswith("/v1/messages") and not request.header("anthropic-version"):
        raise Refused("anthropic-version: header is required")


async def _json(peer: Peer, status: int, body: Any) -> None:
    headers = ["x-request-id: req_1", *(_SOON if status in _FAILURES else ())]
    await peer.answer(msgspec.json.encode(body), f"{status} {_STATUS.get(status, 'OK')}", *headers)


async def _main() -> None:
    async with upstream(Provider().serve) as made:
        print(made.url, flush=True)  # noqa: T201 - it is how the test learns the place
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
