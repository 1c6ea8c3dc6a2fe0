"""Why records when a gateway ends: on SIGTERM none is lost, however many calls are under way; on `kill -9` those of the
last second at most; while Redis is away none. What other tests say of one call is said here of many at once."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.agreement import answers
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, running, shared_environ, wait_until
from tests.support.redis import Server, serving
from tests.support.upstream import Peer, Received, Upstream, upstream

CALLERS = 16
_PAUSE_SECONDS = 0.01


async def paced(received: Received, peer: Peer) -> None:
    """Answers after a while of any length, streams event by event."""
    stream = b'"stream":true' in received.body
    await asyncio.sleep(random.random() / 5)  # noqa: S311 - no secret
    if not stream:
        await peer.answer(answers.whole("chat/completions", STOCK, 1)[0])
        return
    await peer.begin_stream()
    for event, _ in answers.events("chat/completions", STOCK, 1, usage=True):
        await peer.chunk(event)
        await asyncio.sleep(random.random() / 5)  # noqa: S311 - no secret
    await peer.chunk(b"")


class Held:
    """Answers no more: streams stop in their middle, and what is no stream waits. `calls` counts them."""

    def __init__(self) -> None:
        self.calls = 0

    async def answer(self, received: Received, peer: Peer) -> None:
        """One request."""
        if b'"stream":true' in received.body:
            await peer.begin_stream()
            await peer.chunk(answers.events("chat/completions", STOCK, 1, usage=True)[0][0])
        self.calls += 1
        await peer.gone()


class Callers:
    """They call without pause until they are told to stop or nobody listens. `heard`: the id of every call whose
    answer began → when it ended, by this machine's clock; the gateway's own record says when it began."""

    def __init__(self, url: str, firm: Firm) -> None:
        self.heard: dict[str, float] = {}
        self.cut = 0
        self.over = asyncio.Event()
        self._url = url
        self._firm = firm

    @contextlib.asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """They are at it until the block ends."""
        http = httpx2.AsyncClient(base_url=self._url, headers=self._firm.auth, verify=NO_TLS, timeout=30)
        async with http, asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(self._call(http, stream=number % 2 == 0))
            try:
                yield
            finally:
                self.over.set()

    async def several(self, calls: int) -> None:
        """Returns once so many have been answered beyond those that were."""
        wanted = len(self.heard) + calls
        async with asyncio.timeout(30):
            while len(self.heard) < wanted:  # noqa: ASYNC110 - every call of every caller would set an event
                await asyncio.sleep(0.01)

    def ended_before(self, moment: float) -> int:
        """How many had been answered by then."""
        return sum(ended < moment for ended in self.heard.values())

    async def _call(self, http: httpx2.AsyncClient, *, stream: bool) -> None:
        body = {"model": STOCK, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
        while not self.over.is_set():
            call_id = None
            try:
                async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                    call_id = answer.headers["x-call-id"]
                    told = await answer.aread()
                    self.cut += b"upstream_disconnected" in told
            except httpx2.ConnectError:
                return  # it has ended
            except httpx2.HTTPError:
                self.cut += 1
            if call_id:
                self.heard[call_id] = time.time()
            await asyncio.sleep(_PAUSE_SECONDS)


def records(admin: Admin, firm: Firm) -> dict[str, Any]:
    """All of a firm's, by call."""
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        page = admin.get(f"{firm.path}/why?limit=100{cursor}")
        found |= {record["call_id"]: record for record in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    """One that takes its time."""
    async with upstream(paced) as made:
        yield made


def on_redis(redis: Server, folder: Path, **more: str) -> dict[str, str]:
    """The settings of a gateway whose Redis outlives it."""
    return shared_environ(redis.url, folder / "data", **more)


async def started(gateway: Program, at: Upstream) -> tuple[Firm, Callers]:
    """A firm at the gateway, and its callers."""
    with Admin(gateway.url) as admin:
        firm = await asyncio.to_thread(Firm, admin, at.url)
    return firm, Callers(gateway.url, firm)


async def kept(redis: Server, folder: Path, firm: Firm) -> dict[str, Any]:
    """The firm's records as another gateway reads them."""
    with (
        running(["serve", "--port", "0"], on_redis(redis, folder), folder / "again") as again,
        Admin(again.url) as admin,
    ):
        return await asyncio.to_thread(records, admin, firm)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("drain", ["30", "0.2"])
async def test_on_sigterm_no_record_is_lost(tmp_path: Path, provider: Upstream, workers: int, drain: str) -> None:
    """Whether all that is under way may end, or is cut."""
    words = ["serve", "--port", "0", "--workers", str(workers)]
    with serving(tmp_path / "redis") as redis:
        environ = on_redis(redis, tmp_path, HOUSESTYLE_DRAIN_SECONDS=drain)
        with running(words, environ, tmp_path / "log") as gateway:
            firm, callers = await started(gateway, provider)
            async with callers.calling():
                await callers.several(100)
                if drain != "30":
                    held = Held()
                    provider.script = held.answer
                    await asyncio.to_thread(wait_until, lambda: held.calls == CALLERS, 20, "calls that do not end")
                gateway.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(gateway.process.wait, 60) == 0
            gateway.stop()  # closes what is open of it
        found = await kept(redis, tmp_path, firm)
    lost = callers.heard.keys() - found.keys()
    ends = {str(record["error"]) for record in found.values()}
    print(f"{len(callers.heard)} calls, {callers.cut} of them cut, {len(lost)} records lost; errors {sorted(ends)}")  # noqa: T201
    assert not lost
    assert len(found) >= len(callers.heard) > 100
    assert len(provider.requests) == sum(record["attempts"] for record in found.values()), "who heard nothing, too"
    assert ends == ({"None"} if drain == "30" else {"None", "draining"})


async def test_on_kill_the_records_of_the_last_second_alone_may_be_lost(tmp_path: Path, provider: Upstream) -> None:
    with serving(tmp_path / "redis") as redis:
        with running(["serve", "--port", "0"], on_redis(redis, tmp_path), tmp_path / "log") as gateway:
            firm, callers = await started(gateway, provider)
            async with callers.calling():
                async with asyncio.timeout(60):
                    while callers.ended_before(time.time() - 1) <= 100:  # of them no record may be lost
                        await callers.several(20)
                killed = time.time()
                gateway.kill()
        found = await kept(redis, tmp_path, firm)
    missing = [killed - ended for call_id, ended in callers.heard.items() if call_id not in found and ended < killed]
    oldest = f"{1000 * max(missing):.0f} ms" if missing else "none"
    print(f"{len(callers.heard)} calls, {len(missing)} records lost; the oldest of them ended {oldest} before the kill")  # noqa: T201
    assert callers.ended_before(killed - 1) > 100
    assert not [age for age in missing if age > 1]


async def test_while_redis_is_away_no_record_is_lost(tmp_path: Path, provider: Upstream) -> None:
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(serving(tmp_path / "redis", "appendonly yes", "appendfsync always"))
        gateway = stack.enter_context(running(["serve", "--port", "0"], on_redis(redis, tmp_path), tmp_path / "log"))
        firm, callers = await started(gateway, provider)
        async with callers.calling():
            await callers.several(50)
            await asyncio.to_thread(redis.stop)
            away = time.time()
            while time.time() < away + 3:
                await callers.several(60)  # more than there are callers, who may have begun before
            back = time.time()
            await asyncio.to_thread(redis.start)
            await callers.several(50)
        with Admin(gateway.url) as admin:
            wait_until(lambda: not callers.heard.keys() - records(admin, firm).keys(), 20, "every record")
            found = records(admin, firm)
        metrics = httpx2.get(f"{gateway.url}/metrics", verify=NO_TLS).text
    during = [one for one in found.values() if away < datetime.fromisoformat(one["time"]).timestamp() < back]
    print(f"{len(found)} records, {len(during)} of calls that came while Redis was away")  # noqa: T201
    assert len(during) > 20
    assert callers.cut == 0
    assert "housestyle_why_records_lost_total 0.0" in metrics or "housestyle_why_records_lost_total" not in metrics
