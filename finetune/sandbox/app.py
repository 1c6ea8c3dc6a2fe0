"""The sandbox, put together: what it is built of, its routes, its layers, its error answers.

Read this first. Nothing is decided here and nothing is served here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from finetune.sandbox import chat, control, files, jobs, models
from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import Sandbox
from finetune.sandbox.interference import Interference
from finetune.sandbox.journal import Journal
from finetune.sandbox.store import Store
from finetune.sandbox.values import SandboxSettings
from finetune.sandbox.wire import answer

__all__ = ["SandboxSettings", "create_app"]


def create_app(settings: SandboxSettings, clock: Callable[[], float] = time.time) -> Starlette:
    """The sandbox as an ASGI application; it needs its lifespan run. `clock` is what jobs move by."""
    sandbox = Sandbox(settings, Store(settings), clock)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with TemporaryDirectory(prefix="housestyle-sandbox-") as directory:
            sandbox.directory = Path(directory)
            yield
            for task in sandbox.background:
                task.cancel()
            await asyncio.gather(*sandbox.background, return_exceptions=True)

    app = Starlette(
        routes=[
            *files.ROUTES,
            *jobs.ROUTES,
            *models.ROUTES,
            *chat.ROUTES,
            *control.ROUTES,
            Route("/healthz", healthz, methods=["GET"]),
        ],
        middleware=[Middleware(Journal, sandbox), Middleware(Interference, sandbox)],
        exception_handlers={
            ApiError: _refused,
            control.BadOrderError: control.bad_order,
            404: _unknown_url,
            405: _wrong_method,
            Exception: _server_error,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.sandbox = sandbox
    return app


async def healthz(_request: Request) -> Response:
    return answer({"status": "ok"})


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for nothing else
    return answer(error.body, error.status, error.headers)


def _server_error(request: Request, _error: Exception) -> Response:
    return _refused(request, ApiError(Refusal.SERVER_ERROR))


def _unknown_url(request: Request, _error: Exception) -> Response:
    return _refused(request, ApiError(Refusal.UNKNOWN_URL, method=request.method, path=request.url.path))


def _wrong_method(request: Request, _error: Exception) -> Response:
    return _refused(request, ApiError(Refusal.WRONG_METHOD, method=request.method, path=request.url.path))
