"""Vaults over HTTP: files and APIs, asked of a scripted server."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import zstandard

from finetune.vaults import (
    BadRecord,
    Chunk,
    Options,
    Reach,
    Source,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    open_vault,
)
from finetune.vaults.allowed import parse
from finetune.vaults.http import ApiVault, Web, pause_after
from finetune.vaults.options import Api
from finetune.vaults.records import Records
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, Upstream, upstream
from tests.support.vaults import jsonl, record


async def nothing(_: Received, peer: Peer) -> None:
    await peer.answer(b"", "404 Not Found")


@pytest.fixture
def server() -> Iterator[Upstream]:
    """One that has nothing until it is told what."""
    with in_thread(upstream(nothing)) as made:
        yield made


class Pauses:
    """Waits for nothing, and keeps for how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def answers(body: bytes, status: str = "200 OK", *headers: str) -> Callable[[Received, Peer], Any]:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, status, *headers)

    return script


# a file


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)]
)
def test_a_file(server: Upstream, reach: Reach, name: str, pack: Callable[[bytes], bytes]) -> None:
    server.script = answers(pack(jsonl(*(record(number) for number in range(3000))) + b"{\n"))
    url = f"{server.url}/v1/{name}"
    records = list(open_vault(Source(url, Options(), {"token": "t-1"}), [server.url], reach).chunks())
    assert len(records) == 3001
    assert records[-1] == BadRecord(f"{name}:3001", "not_json")
    assert server.last.target == f"/v1/{name}"
    assert server.last.header("authorization") == ["Bearer t-1"]
    assert server.last.header("accept-encoding") == ["identity"]


def test_a_user_and_a_password(server: Upstream, reach: Reach) -> None:
    server.script = answers(jsonl(record(1)))
    url = f"{server.url.replace('//', '//me@')}/a"
    assert count(open_vault(Source(url, Options(), {"password": "p:w"}), [server.url], reach)).ready_chunks == 1
    assert server.last.header("authorization") == [f"Basic {base64.b64encode(b'me:p:w').decode()}"]


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        ("404 Not Found", [], "answered 404"),
        ("403 No", [], "403; is the token right"),
        ("302 Found", ["location: http://169.254.169.254/"], "302, a redirect, which is not followed"),
        ("200 OK", ["content-encoding: gzip"], "packed its answer"),
        ("429 Busy", ["retry-after: 86400"], "answered 429"),
    ],
)
def test_what_is_not_tried_again(server: Upstream, reach: Reach, status: str, headers: list[str], said: str) -> None:
    server.script = answers(b"x", status, *headers)
    with pytest.raises(VaultUnreadable, match=said) as caught:
        count(open_vault(f"{server.url}/a.jsonl", [server.url], reach))
    assert caught.value.place == "a.jsonl"
    assert len(server.requests) == 1


def test_one_that_breaks_off_is_no_short_one(server: Upstream, reach: Reach) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.begin_stream()
        await peer.chunk(jsonl(record(1), record(2)))
        await peer.leave()

    server.script = script
    with pytest.raises(VaultUnreadable, match="broke off") as caught:
        list(open_vault(f"{server.url}/a.jsonl", [server.url], reach).chunks())
    assert caught.value.place.startswith("a.jsonl:")


def test_the_guard_stands_before_the_host(server: Upstream, outside: Reach) -> None:
    for options in (Options(), Options(api=Api())):
        with pytest.raises(VaultNotAllowed, match=r"127\.0\.0\.1, which is not a public address"):
            count(open_vault(Source(f"{server.url}/a", options), [server.url], outside))
    assert server.requests == []


# an API


class Pages:
    """An API of so many chunks."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks
        self.stumbles: list[Callable[[Received, Peer], Any]] = []

    async def __call__(self, request: Received, peer: Peer) -> None:
        if self.stumbles:
            await self.stumbles.pop(0)(request, peer)
            return
        asked = parse_qs(urlsplit(request.target).query)
        first, limit = int(asked.get("cursor", ["0"])[0]), int(asked["limit"][0])
        after = first + limit
        items = [record(number) for number in range(first, min(after, self.chunks))]
        page = {"items": items, "next_cursor": str(after) if after < self.chunks else None}
        await peer.answer(msgspec.json.encode(page))


def api(server: Upstream, reach: Reach, pauses: Pauses, **options: Any) -> ApiVault:
    place = parse(f"{server.url}/v1/chunks")
    said = Options(api=Api(**options))
    return ApiVault(
        Web(place, Source(place.url, said, {"token": "t-1"}), reach, pauses),
        Api(**options),
        Records(said),
        lambda: False,
    )


def test_every_page_once_and_in_order(server: Upstream, reach: Reach) -> None:
    server.script = Pages(450)
    source = Source(f"{server.url}/v1/chunks", Options(api=Api()), {"token": "t-1"})
    vault = open_vault(source, [f"{server.url}/v1"], reach)
    for _ in range(2):
        assert [each.position for each in vault.chunks() if isinstance(each, Chunk)] == list(range(450))
    assert [request.target for request in server.requests[:3]] == [
        "/v1/chunks?limit=200",
        "/v1/chunks?limit=200&cursor=200",
        "/v1/chunks?limit=200&cursor=400",
    ]
    assert {value for request in server.requests for value in request.header("authorization")} == {"Bearer t-1"}


def test_names_of_another_api(server: Upstream, reach: Reach) -> None:
    page = {"data": {"rows": [record(1), 7, record(2, text=...)]}, "links": {"next": None}}
    server.script = answers(msgspec.json.encode(page))
    said = {"items": "data.rows", "next_cursor": "links.next", "limit": "page[size]", "page_size": 10}
    records = list(api(server, reach, Pauses(), **said).chunks())
    assert isinstance(records[0], Chunk)
    assert records[1:] == [BadRecord("page 1, item 2", "not_an_object"), BadRecord("page 1, item 3", "missing_field")]
    assert server.last.target == "/v1/chunks?page%5Bsize%5D=10"


async def cut(_: Received, peer: Peer) -> None:
    peer.cut()


async def half(_: Received, peer: Peer) -> None:
    await peer.send(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"items":')
    await peer.leave()


def test_what_stumbles_is_asked_again_after_a_pause(server: Upstream, reach: Reach) -> None:
    server.script = pages = Pages(250)
    pages.stumbles = [
        answers(b"", "503 Busy"),
        cut,
        answers(b"", "429 Busy", "retry-after: 7"),
        half,
        answers(b"", "500 Broken", f"retry-after: {formatdate(usegmt=True)}"),
    ]
    pauses = Pauses()
    assert count(api(server, reach, pauses)).ready_chunks == 250
    assert len(pauses.seconds) == 5
    assert pauses.seconds[2] == 7.0
    assert all(0.5 <= seconds <= 30 for seconds in pauses.seconds)


def test_it_is_not_asked_for_ever(server: Upstream, reach: Reach) -> None:
    server.script = answers(b"", "503 Busy")
    pauses = Pauses()
    with pytest.raises(VaultUnreadable, match=r"page 1: the server answered 503"):
        count(api(server, reach, pauses))
    assert len(server.requests) == 6
    assert len(pauses.seconds) == 5


def test_pauses_grow_up_to_a_limit() -> None:
    longest = [max(pause_after(tries) for _ in range(200)) for tries in (1, 3, 20)]
    assert longest == sorted(longest)
    assert longest[-1] <= 30


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"<html>", "not JSON"),
        (b"[]", "no list at `items`"),
        (b'{"items":{},"next_cursor":null}', "no list at `items`"),
        (b'{"items":[]}', "has no `next_cursor`"),
        (b'{"items":[],"next_cursor":{}}', "must be text, a number or null"),
        (b'{"items":[],"next_cursor":true}', "must be text, a number or null"),
        (b'{"items":[],"next_cursor":"again"}', "answered before"),
        (b'{"items":["' + b"x" * (17 << 20) + b'"],"next_cursor":null}', "over 16 MB"),
    ],
)
def test_an_api_that_cannot_be_used(server: Upstream, reach: Reach, page: bytes, said: str) -> None:
    server.script = answers(page)
    with pytest.raises(VaultUnreadable, match=said) as caught:
        count(api(server, reach, Pauses()))
    assert caught.value.place.startswith("page ")


def test_a_cursor_that_comes_back_later_is_no_endless_loop(server: Upstream, reach: Reach) -> None:
    async def round_and_round(request: Received, peer: Peer) -> None:
        cursor = parse_qs(urlsplit(request.target).query).get("cursor", ["c"])[0]
        await peer.answer(msgspec.json.encode({"items": [], "next_cursor": {"a": "b", "b": "c", "c": "a"}[cursor]}))

    server.script = round_and_round
    with pytest.raises(VaultUnreadable, match="page 4: its cursor was answered before"):
        count(api(server, reach, Pauses()))


def test_a_token_is_in_no_word(server: Upstream, reach: Reach, tmp_path: Path) -> None:
    server.script = answers(b"", "403 No")
    source = Source(f"{server.url}/a", Options(), {"token": "hunter2"})
    with pytest.raises(VaultUnreadable) as caught:
        count(open_vault(source, [server.url], reach))
    assert "hunter2" not in f"{caught.value}{caught.value!r}{source!r}"


def test_pages_without_items_end_when_nobody_waits(server: Upstream, reach: Reach) -> None:
    async def another(_: Received, peer: Peer) -> None:
        await peer.answer(msgspec.json.encode({"items": [], "next_cursor": len(server.requests)}))

    server.script = another
    source = Source(f"{server.url}/a", Options(api=Api()))
    with pytest.raises(VaultUnreadable, match="page 4: nobody waits"):
        count(open_vault(source, [server.url], reach, stopped=lambda: len(server.requests) == 3))
