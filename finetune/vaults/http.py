"""Vaults over HTTP: one file of JSON lines, or an API that gives pages. By the guarded client; redirects are not
followed.

What is answered is read as it comes, a bounded part at a time. 429, 5xx, timeouts and broken connections are tried
again for a while, with `Retry-After` obeyed.
"""

import asyncio
import base64
import contextlib
import io
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import IO, Any

import httpx2
import msgspec
from msgspec import Struct

from finetune.vaults.allowed import Place
from finetune.vaults.base import BadRecord, Chunk, Reach, VaultUnreadable
from finetune.vaults.extras import Stopped, go_on, run, run_until
from finetune.vaults.jsonl import File
from finetune.vaults.options import Api, Source
from finetune.vaults.records import Records, at

_TIMEOUT = httpx2.Timeout(60, connect=10)
_TRIES = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LONGEST_RETRY_AFTER = 300.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_PART = 1 << 18
_MOST_PAGE_BYTES = 16 << 20
_MOST_PAGES = 1_000_000

Pause = Callable[[float], Awaitable[None]]


class Web:
    """Asks one host. `pause` waits so many seconds."""

    def __init__(self, place: Place, source: Source, reach: Reach, pause: Pause = asyncio.sleep) -> None:
        self._place = place
        self._source = source
        self._reach = reach
        self._pause = pause

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx2.AsyncClient]:
        """A client for as long as a reading takes. Raises VaultNotAllowed where the host leads inside."""
        with contextlib.suppress(OSError):  # told better when it is connected to
            run(self._reach.resolve(self._place.host, self._place.port))
        client = self._reach.http()
        try:
            yield client
        finally:
            run(client.aclose(), seconds=10)

    async def ask(self, client: httpx2.AsyncClient, where: str, **params: str) -> httpx2.Response:
        """An answer of status 200 whose body is still to be read. Raises VaultUnreadable."""
        request = client.build_request(
            "GET",
            self._place.url_without_user,
            params=params or None,
            headers={"accept-encoding": "identity", **self._authorization()},
            timeout=_TIMEOUT,
        )
        for number in range(1, _TRIES + 1):
            told, after = "", 0.0
            try:
                answer = await client.send(request, stream=True, follow_redirects=False)
            except httpx2.TransportError as error:
                told = f"the server cannot be reached: {error or type(error).__name__}"
            else:
                if answer.status_code == 200 and answer.headers.get("content-encoding", "identity") == "identity":
                    return answer
                await answer.aclose()
                told, after = _told(answer), _retry_after(answer.headers.get("retry-after"))
                if answer.status_code not in _AGAIN or after > _LONGEST_RETRY_AFTER:
                    break
            if number < _TRIES:
                await self._pause(max(after, pause_after(number)))
        raise VaultUnreadable(told, where)

    async def page(self, client: httpx2.AsyncClient, where: str, **params: str) -> bytes:
        """A whole body. Raises VaultUnreadable."""
        for number in range(1, _TRIES + 1):
            answer = await self.ask(client, where, **params)
            try:
                return await _whole(answer, where)
            except httpx2.TransportError as error:
                if number == _TRIES:
                    raise VaultUnreadable(f"the answer broke off: {error or type(error).__name__}", where) from None
                await self._pause(pause_after(number))
            finally:
                await answer.aclose()
        raise AssertionError

    def _authorization(self) -> dict[str, str]:
        token = self._source.secrets.get("token")
        if token is not None:
            return {"authorization": f"Bearer {token}"}
        if not self._place.user:
            return {}
        said = f"{self._place.user}:{self._source.secrets.get('password', '')}"
        return {"authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}


def pause_after(tries: int) -> float:
    """Seconds before the next try: twice as long each time, and not the same for everybody."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries)
    return random.uniform(longest / 2, longest)  # noqa: S311 - so that many do not come back together


def _told(answer: httpx2.Response) -> str:
    if answer.is_redirect:
        return f"the server answered {answer.status_code}, a redirect, which is not followed"
    if answer.status_code == 200:
        return "the server packed its answer although it was asked not to"
    hint = "; is the token right?" if answer.status_code in (401, 403) else ""
    return f"the server answered {answer.status_code}{hint}"


def _retry_after(said: str | None) -> float:
    """Seconds, of a number of them or of a date."""
    if not said:
        return 0.0
    if said.isdecimal():
        return float(said[:9])
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


async def _whole(answer: httpx2.Response, where: str) -> bytes:
    body = bytearray()
    async for part in answer.aiter_raw(_PART):
        body += part
        if len(body) > _MOST_PAGE_BYTES:
            words = f"the page is over {_MOST_PAGE_BYTES >> 20} MB; ask for fewer items (options.api.page_size)"
            raise VaultUnreadable(words, where)
    return bytes(body)


# a file


class WebFile(Struct, frozen=True):
    """The file at the URL, read until `stopped` says so."""

    name: str
    web: Any
    client: Any
    stopped: Stopped

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """See jsonl.File."""
        answer: httpx2.Response = run_until(self.web.ask(self.client, self.name), self.stopped, self.name)
        try:
            with io.BufferedReader(_Body(answer, self.stopped, self.name), _PART) as opened:
                yield opened
        finally:
            run(answer.aclose(), seconds=10)


class WebFiles:
    """The one file that a URL names."""

    def __init__(self, web: Web, place: Place, stopped: Stopped) -> None:
        self._web = web
        self._stopped = stopped
        self._name = place.path.rpartition("/")[2] or place.host

    @contextlib.contextmanager
    def listed(self) -> Iterator[list[File]]:
        """See jsonl.Files."""
        with self._web.client() as client:
            yield [WebFile(self._name, self._web, client, self._stopped)]


class _Body(io.RawIOBase):
    """An answer's body as a raw file."""

    def __init__(self, answer: httpx2.Response, stopped: Stopped, name: str) -> None:
        self._stopped = stopped
        self._name = name
        self._parts = answer.aiter_raw(_PART)
        self._part = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._part:
            self._part = memoryview(run_until(self._next(), self._stopped, self._name))
        taken = min(len(buffer), len(self._part))
        buffer[:taken] = self._part[:taken]
        self._part = self._part[taken:]
        return taken

    async def _next(self) -> bytes:
        try:
            async for part in self._parts:
                if part:
                    return part
        except httpx2.TransportError as error:
            raise OSError(f"the answer broke off: {error or type(error).__name__}") from None
        return b""


# an API


class ApiVault:
    """Chunks from an API's pages, until `stopped` says so."""

    def __init__(self, web: Web, api: Api, records: Records, stopped: Stopped) -> None:
        self._stopped = stopped
        self._web = web
        self._api = api
        self._records = records

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        """See base.Vault."""
        seen: set[str] = set()
        cursor, first = "", 0
        with self._web.client() as client:
            for number in range(1, _MOST_PAGES + 1):
                where = f"page {number}"
                go_on(self._stopped, where)
                items, cursor = self._page(client, cursor, where)
                for index, item in enumerate(items):
                    yield self._records.of_value(item, f"{where}, item {index + 1}", first + index)
                first += len(items)
                if not cursor:
                    return
                if cursor in seen:
                    raise VaultUnreadable("its cursor was answered before: the pages have no end", where)
                seen.add(cursor)
        raise VaultUnreadable(f"there are more than {_MOST_PAGES} pages", where)

    def _page(self, client: httpx2.AsyncClient, cursor: str, where: str) -> tuple[list[Any], str]:
        """The items, and the next cursor; "" on the last page."""
        api = self._api
        params = {api.limit: str(api.page_size)} | ({api.cursor: cursor} if cursor else {})
        body = run_until(self._web.page(client, where, **params), self._stopped, where)
        try:
            page = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise VaultUnreadable("the answer is not JSON", where) from None
        items, following = (at(page, path.split("."), None) for path in (api.items, api.next_cursor))
        if not isinstance(items, list):
            raise VaultUnreadable(f"the answer has no list at `{api.items}`", where)
        if following is None and at(page, api.next_cursor.split("."), "") == "":
            raise VaultUnreadable(f"the answer has no `{api.next_cursor}` (null on the last page)", where)
        if not isinstance(following, str | int | None) or isinstance(following, bool):
            raise VaultUnreadable(f"`{api.next_cursor}` must be text, a number or null", where)
        return items, "" if following is None else str(following)
