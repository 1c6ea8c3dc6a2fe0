"""The gateway's composition root: everything of a replica is built and wired here, and nothing anywhere else.

It is handed settings with nothing left open. The job worker's is `worker_root.py`.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from finetune.warnings import JobWarnings
from gateway import asgi, call_log, endpoints, own_routes, price_lists, timestamps
from gateway.admin import api, openapi
from gateway.admin.changes import Control
from gateway.admin.handling import mount
from gateway.admin.page import routes as page
from gateway.bootstrap import reading as bootstrap
from gateway.bootstrap.applying import Applier
from gateway.errors import GatewayError
from gateway.exchange import Exchange
from gateway.following import Follower, StoreState
from gateway.job_figures import JobFigures
from gateway.last_used import LastUsed
from gateway.lifecycle import Lifecycle, Limits
from gateway.metrics import Metrics, Now
from gateway.own_routes import Status
from gateway.previewing import Previewer
from gateway.replicas import Propagation, Replica
from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.settings import Settings
from gateway.store.connection import Store, StoreUnavailable
from gateway.store.tasks import ended
from gateway.telemetry import Telemetry
from gateway.threads import EndingThreads
from gateway.translating import Translator
from gateway.translator_link import Link, RemoteTranslator
from gateway.upstream.addresses import Guard
from gateway.upstream.pool import Pool, Timeouts
from gateway.vault_opening import VaultOpener
from gateway.why import WhyWriter

log = structlog.get_logger(__name__)

VERSION = version("housestyle")
_EXPIRE_SECONDS = 15.0
_SETTLE_SECONDS = 5.0
_LOAD_SECONDS = 5.0
_BOOTSTRAP_SECONDS = 1.0  # between tries, while the store is away


class Gateway:
    """One replica: what it holds, and what it does in the background."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.store = Store(settings.redis_url or "", settings.audit_days, holds=True)
        self.keyring = Keyring(settings.encryption_keys)
        self.guard = Guard(settings.upstream_allow)
        self.routes = Routes(self.keyring, settings.admin_key, time.time)
        self.replica = Replica(self.store, VERSION)
        self.metrics = Metrics(VERSION, settings.metrics_tenants, environ)
        self.job_figures = JobFigures(self.store, self.metrics.jobs)
        self.follower = Follower(self.store, self.routes, self.replica.beat, self._told)
        self.telemetry = Telemetry(
            VERSION, on_dropped=self.metrics.losses.spans.inc, on_failed=self.metrics.losses.export_failures.inc
        )
        self.why = WhyWriter(self.store, settings.why_max, settings.why_days, self.metrics.losses.why_records.inc)
        self.warnings = JobWarnings(self.store)
        self.last_used = LastUsed(self.store)
        self._settings = settings
        self._environ = environ
        self._bootstrap_waits = ""
        self._translator: Translator | None = None
        self._remote: RemoteTranslator | None = None
        self._confirmed = time.monotonic()
        timeouts = Timeouts(settings.connect_timeout, settings.first_byte_timeout, settings.idle_timeout)
        self.pool = Pool(self.guard, timeouts, proxies=settings.proxies)
        if settings.translator_url is not None:
            self._remote = RemoteTranslator(settings, timeouts, self.metrics.replica.translator_away.set)
        self.lifecycle = Lifecycle(
            self.routes,
            self.pool,
            self.telemetry,
            self.why,
            self.metrics.calls,
            price_lists.load(settings.prices),
            Limits(int(settings.max_body_mb * 2**20), settings.max_concurrent),
            self._translator_link,
            self.warnings.model_refused,
            self.last_used.seen,
        )
        self.stopping = False
        self.control = Control(self.store, _now, self._propagated)
        self.document = bootstrap.read(settings.bootstrap, environ) if settings.bootstrap else None
        vaults = VaultOpener(self.keyring, self.guard, settings.proxies, settings.vault_roots)
        self.applier = Applier(self.store, _now, self.keyring, self.guard, vaults, self.routes.holder)

    def unread(self, call_id: str, error: GatewayError) -> None:
        """Accounts for a request that became no call, since its head could not be read."""
        call_log.unread(call_id, error)
        self.metrics.calls.unidentified(error.code)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follows, beats, writes; and at the end says goodbye and loses nothing."""
        asyncio.get_running_loop().set_default_executor(EndingThreads())
        tasks = [
            asyncio.create_task(work)
            for work in (
                self.follower.run(),
                self.replica.run(self.follower.loaded, self.follower.changed, lambda: self.follower.applied),
                self.why.run(),
                self.warnings.run(),
                self.last_used.run(),
                self.job_figures.run(),
                self.metrics.run(self._moment),
                self._tend(),
                self._become_ready(),
                *([self._remote.watch()] if self._remote is not None else []),
            )
        ]
        for task in tasks:
            task.add_done_callback(_must_go_on)
        try:
            yield
        finally:
            self.lifecycle.draining = True
            await self._settled()
            await ended(tasks)
            await self.why.close()
            with contextlib.suppress(Exception):
                await self.last_used.flush()
            self.metrics.pour(self._moment())
            await self.replica.leave()
            await asyncio.to_thread(self.telemetry.shutdown)
            self.pool.close()
            if self._remote is not None:
                self._remote.close()
            if self._translator is not None:
                await self._translator.close()
                shutil.rmtree(self._translator.directory, ignore_errors=True)
            await self.store.close()

    async def loaded(self) -> None:
        """Waits for the routes before anybody is let in; where the store is away, only for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOAD_SECONDS):
                await self.follower.loaded.wait()

    def stop(self) -> None:
        """The word to stop has come: readiness fails at once. What comes on a connection that is open is still served,
        and its answer ends the connection: nobody else could tell that caller to go elsewhere."""
        self.stopping = True

    def status(self) -> Status:
        """What this replica says of itself."""
        return Status(
            ready=self.lifecycle.ready,
            stopping=self.stopping,
            replica=self.replica.id,
            revision=self.routes.revision,
            store=self.follower.state,
            stale=self.follower.cause,
            bootstrap=self._bootstrap(),
            translator=(self._remote.cause or "") if self._remote is not None else None,
        )

    def _bootstrap(self) -> str:
        """How far the file is, while it is being applied."""
        if not self.applier.at:
            return ""
        waits = f"; it waits for {self._bootstrap_waits}" if self._bootstrap_waits else ""
        return f"HOUSESTYLE_BOOTSTRAP is being applied ({self.applier.at}){waits}"

    async def _translator_link(self) -> Link:
        """The translator: the one that runs by itself; else a child, made with its directory when a call first needs
        it."""
        if self._remote is not None:
            return self._remote.link
        if self._translator is None:
            directory = Path(tempfile.mkdtemp(prefix="housestyle-"))
            self._translator = Translator(
                self._settings.translator_python, directory, self._settings.upstream_allow, self._environ
            )
        return Link(self.pool, await self._translator.ready())

    async def _settled(self) -> None:
        """Waits for calls that were cancelled at the end of the drain, so that each has its record."""
        until = time.monotonic() + _SETTLE_SECONDS
        while self.lifecycle.unsettled and time.monotonic() < until:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)

    def _told(self, state: StoreState, revision: int) -> None:
        self.metrics.replica.following.set(state is StoreState.CONNECTED)
        self.metrics.replica.revision.set(revision)
        if state is StoreState.CONNECTED:
            self._confirmed = time.monotonic()

    def _propagated(self, change: Propagation) -> None:
        self.metrics.propagated(change.milliseconds / 1000, whole=change.acknowledged >= change.replicas)

    def exposition(self) -> bytes:
        """What `/metrics` serves."""
        self.metrics.pour(self._moment())
        return self.metrics.exposition()

    def _moment(self) -> Now:
        return Now(
            active_calls=self.lifecycle.in_flight,
            active_streams=self.lifecycle.streaming,
            why_waiting=self.why.waiting,
            routes_age=time.monotonic() - self._confirmed,
        )

    async def _become_ready(self) -> None:
        await self.follower.loaded.wait()
        await self._bootstrapped()
        self.lifecycle.ready = True

    async def _bootstrapped(self) -> None:
        """What HOUSESTYLE_BOOTSTRAP says is applied, and known here, before the first call is let in."""
        while self.document is not None:
            try:
                report = await self.applier.apply(self.document)
            except StoreUnavailable as error:
                self._bootstrap_waits = f"the store: {error}"
                log.warning("bootstrap_waits", path=self.applier.at, cause=str(error))
                await asyncio.sleep(_BOOTSTRAP_SECONDS)
                continue
            self._bootstrap_waits = f"revision {report.revision} to be known here"
            while self.routes.revision < report.revision:  # noqa: ASYNC110 - once, at start
                await asyncio.sleep(0.01)
            return

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRE_SECONDS)
            self.pool.close_expired()


def _now() -> str:
    return timestamps.from_seconds(time.time())


def _must_go_on(task: "asyncio.Task[None]") -> None:
    """A replica whose background work has ended serves what is no longer true: better that it is started again."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("background_task_died", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
Handler = Callable[[Exchange], Coroutine[Any, Any, None]]


class Served(Struct, frozen=True):
    """One replica, ready to be served: over ASGI by any server, or exchange by exchange by our own protocol.

    `handle_admin` is for the admins' own port; where there is none, the other two serve admins too.
    """

    gateway: Gateway
    asgi: ASGIApp
    handle: Handler
    handle_admin: Handler


def build(settings: Settings, environ: Mapping[str, str]) -> Served:
    """One replica. `environ` is for its children."""
    gateway = Gateway(settings, environ)
    table = api.table(
        gateway.control,
        gateway.routes,
        settings,
        gateway.keyring,
        gateway.guard,
        gateway.why,
        Previewer(environ),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with gateway.running():
            await gateway.loaded()
            yield

    for_admins = [
        own_routes.metrics(gateway.exposition),
        openapi.page(openapi.document(table, VERSION)),
        *(mount(row, gateway.routes, gateway.last_used.seen, settings.trusted_proxies) for row in table),
        *page.table(
            table,
            gateway.control,
            gateway.routes,
            gateway.keyring,
            used=gateway.last_used.seen,
            trusted=settings.trusted_proxies,
            stopping=lambda: gateway.stopping,
            calls_here=settings.admin_port is None,
        ),
    ]

    def application(where: str, routes: list[Route], lifespan: Lifespan | None = None) -> Starlette:
        own = own_routes.routes(gateway.status, where)
        return Starlette(routes=[*own, *routes], exception_handlers=own_routes.ON_ERROR, lifespan=lifespan)

    if settings.admin_port is None:
        starlette = application(own_routes.FOR_ALL, for_admins, lifespan)
    else:
        starlette = application(own_routes.FOR_CALLERS, [], lifespan)
    admin = application(own_routes.FOR_ADMINS, for_admins)

    async def handle(exchange: Exchange) -> None:
        if endpoints.is_data_plane(exchange.path):
            await gateway.lifecycle.handle(exchange)
        else:
            await asgi.behind(exchange, starlette)

    async def handle_admin(exchange: Exchange) -> None:
        await asgi.behind(exchange, admin)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and endpoints.is_data_plane(scope["path"]):
            exchange = asgi.AsgiExchange(scope, receive, send)
            try:
                await gateway.lifecycle.handle(exchange)
            finally:
                exchange.close()
        else:
            await starlette(scope, receive, send)

    return Served(gateway, front, handle, handle_admin)
