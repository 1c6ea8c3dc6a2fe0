"""The stream of events by which an open page learns that something has changed, so that it looks again.

Nothing of what changed is in it: what a page may see is decided when it looks.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import msgspec
import structlog
from starlette.responses import Response, StreamingResponse

from gateway.admin.page.calling import Api
from gateway.admin.page.now import JOB, TENANT, Reading
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.sessions import COOKIE
from gateway.admin.page.visiting import Visit, Visiting
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.store.connection import StoreUnavailable

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 0.2
_ALIVE_SECONDS = 15.0
_MOST_STREAMS = 200
_CHANGED = b"event: changed\ndata: \n\n"
_ENDED = b"event: ended\ndata: %s\n\n"  # where its page is to go
_ALIVE = b": alive\n\n"
_FIRST = b"retry: 2000\n\n"


class Live:
    """The streams of this replica. `stopping` says that it is about to end: then so do they, and their readers come
    back to another."""

    def __init__(
        self, visiting: Visiting, api: Api, reading: Reading, routes: Routes, stopping: Callable[[], bool]
    ) -> None:
        self._visiting = visiting
        self._api = api
        self._reading = reading
        self._routes = routes
        self._stopping = stopping
        self._streams = 0

    async def stream(self, visit: Visit) -> Response:
        """The stream; where there are too many, 503, and the page asks from time to time instead."""
        await self._look(visit)  # while an error can still be said
        if self._streams >= _MOST_STREAMS or self._stopping():
            return Response(status_code=503, headers={**HEADERS, "retry-after": "5"})
        headers = {**HEADERS, "x-accel-buffering": "no"}  # nginx, for one, would hold events back
        return StreamingResponse(self._events(visit), headers=headers, media_type="text/event-stream")

    async def _events(self, visit: Visit) -> AsyncIterator[bytes]:
        """A first `changed` at once: the page was drawn before the stream began."""
        loop = asyncio.get_running_loop()
        self._streams += 1
        try:
            yield _FIRST
            seen, version, looked, told = b"", -1, 0.0, loop.time()
            while not self._stopping():
                if version != self._routes.version or loop.time() - looked >= _LOOK_SECONDS:
                    version, looked = self._routes.version, loop.time()
                    if await self._over(visit):
                        yield _ENDED % (await self._way_out(visit)).encode()
                        return
                    now = await self._look_or_wait(visit, seen)
                    if now != seen:
                        seen, told = now, loop.time()
                        yield _CHANGED
                if loop.time() - told >= _ALIVE_SECONDS:
                    told = loop.time()
                    yield _ALIVE
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            self._streams -= 1

    async def _over(self, visit: Visit) -> bool:
        """Whether the session has ended meanwhile. A store that is away ends none."""
        try:
            return await self._visiting.sessions.holder(visit.session) is None
        except StoreUnavailable:
            return False

    async def _way_out(self, visit: Visit) -> str:
        cookie, page = visit.request.cookies.get(COOKIE), visit.request.url.path.removesuffix("/live")
        if visit.query.get("job"):
            page += f"/jobs/{visit.query['job']}"
        return await self._visiting.way_out(cookie, page)

    async def _look_or_wait(self, visit: Visit, seen: bytes) -> bytes:
        try:
            return await self._look(visit)
        except StoreUnavailable:
            return seen
        except GatewayError:
            return b"gone"  # the page, when it looks, says why

    async def _look(self, visit: Visit) -> bytes:
        """A digest of what the page shows. Raises GatewayError, StoreUnavailable."""
        now = await self._reading.now(visit)
        listed = (await self._api.ask(visit.visitor, "GET", TENANT + "/jobs", visit.names)).body
        parts = [now.tenant, now.reach.replicas, now.reach.acknowledged, now.reach.unreachable, listed]
        job_id = visit.query.get("job")
        if job_id:
            names = {**visit.names, "job_id": job_id}
            parts.append((await self._api.ask(visit.visitor, "GET", JOB, names)).body)
        return hashlib.sha256(msgspec.json.encode(parts)).digest()
