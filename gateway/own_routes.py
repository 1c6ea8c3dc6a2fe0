"""The gateway's own pages: alive, ready, metrics; and what it answers where there is nothing. No calls, no admin."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.admin.handling import error_response
from gateway.errors import GatewayError
from gateway.following import StoreState
from gateway.metrics import CONTENT_TYPE

log = structlog.get_logger(__name__)


FOR_ALL = "Calls go to /v1; the admin page is at /admin, its API under /admin/api."
FOR_CALLERS = "Calls go to /v1."
FOR_ADMINS = "The admin page is at /admin, its API under /admin/api; calls go to another port."


class Status(Struct, frozen=True):
    """What a replica says of itself. `stale`: why it does not follow the store; "" where it does.

    `bootstrap`: how far HOUSESTYLE_BOOTSTRAP is, while it is being applied. `translator`: why the one that runs by
    itself cannot be used, "" where it can; None where there is none such.
    """

    ready: bool
    stopping: bool
    replica: str
    revision: int
    store: StoreState
    stale: str
    bootstrap: str = ""
    translator: str | None = None

    @property
    def cause(self) -> str:
        """Why it is not ready, or serves what it knew last, in words for whoever is on call."""
        if self.stopping:
            return "this replica is shutting down"
        if self.ready:
            stale = f"serving what was known last: {self.stale}" if self.stale else ""
            translator = f"providers that are translated cannot be called: {self.translator}" if self.translator else ""
            return "; ".join(filter(None, (stale, translator)))
        return self.bootstrap or (f"nothing is known yet: {self.stale}" if self.stale else "it is about to be ready")


def routes(status: Callable[[], Status], where: str) -> list[Route]:
    """The pages that are on every port. `where`: what else is on this one, told to a browser at its root."""

    async def readiness(_: Request) -> Response:
        now = status()
        ready = now.ready and not now.stopping
        body: dict[str, Any] = {
            "ready": ready,
            "draining": now.stopping,
            "replica": now.replica,
            "revision": now.revision,
            "store": now.store,
        }
        if now.translator is not None:
            body["translator"] = now.translator or "reachable"
        if now.cause:
            body["cause"] = now.cause
        return JSONResponse(body, 200 if ready else 503)

    async def root(request: Request) -> Response:
        if request.method == "HEAD":
            return await _alive(request)
        return error_response(GatewayError("not_found", f"This is a Housestyle gateway. {where}"))

    return [
        Route("/", root, methods=["HEAD", "GET"]),
        Route("/healthz", _alive),
        Route("/readyz", readiness),
    ]


def metrics(exposition: Callable[[], bytes]) -> Route:
    """The metrics' page. `exposition` gives them as Prometheus reads them."""

    async def page(_: Request) -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE)

    return Route("/metrics", page)


async def _alive(_: Request) -> Response:
    return Response(status_code=200)


async def _not_found(_: Request, __: Exception) -> Response:
    return error_response(GatewayError("not_found"))


async def _method_not_allowed(_: Request, __: Exception) -> Response:
    return error_response(GatewayError("method_not_allowed"))


async def _internal_error(request: Request, error: Exception) -> Response:
    log.error("admin_call_failed", path=request.url.path, exc_info=error)
    return error_response(GatewayError("internal_error"))


ON_ERROR: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    404: _not_found,
    405: _method_not_allowed,
    500: _internal_error,
}
