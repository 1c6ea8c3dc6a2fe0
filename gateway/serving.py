"""The processes of a running gateway: the server, its embedded Redis, its job worker, and how they end together.

A child ends with its parent, however the parent ends: it holds one end of a pipe that closes then.
"""

import asyncio
import contextlib
import gc
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import cast

import structlog
import uvicorn
from uvicorn.server import ServerState

from gateway import app, call_log, logs, price_lists
from gateway.bootstrap import reading as bootstrap
from gateway.datadir import UMASK, complete
from gateway.errors import GatewayError
from gateway.http_exchange import Patience
from gateway.listening import Listeners, bound, inherited
from gateway.masked import SecretEnviron
from gateway.metrics import MULTIPROCESS_DIR
from gateway.protocol import CallerProtocol
from gateway.settings import ATTACHED_REDIS, Settings, read, unknown
from gateway.store.children import Child, when_parent_is_gone
from gateway.store.embedded import EmbeddedRedis

log = structlog.get_logger(__name__)

_BACKLOG = 2048
_ACCEPT_SECONDS = 0.05
# Beyond the drain: a child's records are written and its spans sent.
_SETTLE_SECONDS = 15.0
_SHORT_KEY = 20

Connection = Callable[..., asyncio.Protocol]


def serve(host: str, port: int, workers: int, environ: Mapping[str, str]) -> None:
    """The gateway, until SIGTERM or SIGINT. Raises SettingsError, EmbeddedError, CannotListen."""
    logs.configure()
    # uvicorn raises the signal again once it has shut down; by default that would end us before our children.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    os.umask(UMASK)
    settings = read(environ)
    if settings.prices is not None:
        price_lists.read(settings.prices)  # a file that is wrong is refused before anything is started
    if settings.bootstrap is not None:
        bootstrap.read(settings.bootstrap, environ)
    # First, so that a busy port is said before anything else starts.
    with bound(host, port, settings.admin_port) as listeners:
        if settings.embedded and not settings.attached:
            with EmbeddedRedis(settings.data_dir, environ) as redis:
                attached = SecretEnviron(
                    {
                        **environ,
                        ATTACHED_REDIS: redis.url,
                        "HOUSESTYLE_DATA_DIR": str(settings.data_dir),
                    }
                )
                _announce_admin_key(read(attached))
                with _worker(attached):
                    _serve(listeners, workers, attached)
        else:
            _serve(listeners, workers, environ)


def replicate(ready: int, numbers: list[int], environ: Mapping[str, str]) -> None:
    """One of several processes on the listening sockets of these `numbers`; `ready` is the pipe that hears of it."""
    logs.configure()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    os.umask(UMASK)
    settings = complete(read(environ)).settings
    with inherited(numbers) as shared:
        _run(settings, shared, lambda: os.write(ready, b"."), environ, child=True)


def _worker(environ: Mapping[str, str]) -> Child:
    """The job worker as a child process."""

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", "worker"],
            env=dict(environ),
            stdin=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the gateway, which ends this one
        )

    return Child("worker", start)


def _serve(listeners: Listeners, workers: int, environ: Mapping[str, str]) -> None:
    settings = _completed(environ)
    _warn(settings)
    if workers == 1:
        _run(settings, listeners, lambda: _announce(listeners), environ)
        return
    with tempfile.TemporaryDirectory(prefix="housestyle-metrics-") as metrics:
        _run_several(listeners, workers, settings, SecretEnviron({**environ, MULTIPROCESS_DIR: metrics}))


def _run_several(listeners: Listeners, workers: int, settings: Settings, environ: Mapping[str, str]) -> None:
    """So many processes on the same sockets; one that dies is started again; what waits goes to the others."""
    reading, writing = os.pipe()
    listeners.listen(_BACKLOG)  # now, so that a caller who comes while they start waits rather than is refused

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "gateway", "replica", str(writing), *map(str, listeners.numbers)],
            env=dict(environ),
            stdin=subprocess.PIPE,
            pass_fds=(*listeners.numbers, writing),
            start_new_session=True,
        )

    with contextlib.ExitStack() as stack:
        grace = settings.drain_seconds + _SETTLE_SECONDS
        children = [stack.enter_context(Child("replica", start, grace)) for _ in range(workers)]
        stack.callback(listeners.close)  # else who comes while they drain would wait here for nobody
        for child in children:
            stack.callback(child.ask)  # all are asked before the first is waited for
        os.set_blocking(writing, False)
        for _ in range(workers):
            os.read(reading, 1)
        _announce(listeners)
        while True:
            signal.pause()  # ended by SystemExit, from `_leave`


class _Server(uvicorn.Server):
    """Says when it serves, and tells the gateway when it is to stop.

    Where admins have a socket of their own, it is served with the same state: one shutdown ends both.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        gateway: app.Gateway,
        ready: Callable[[], object],
        admin: tuple[socket.socket, Connection] | None,
    ) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._ready = ready
        self._admin = admin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        if self._admin is not None:
            listener, connection = self._admin
            made = partial(connection, server_state=self.server_state)
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(made, sock=listener, backlog=_BACKLOG))
        _settle_garbage()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.stop()
        await asyncio.sleep(_ACCEPT_SECONDS)  # who is in the queue to be accepted is no longer turned away
        await super().shutdown(sockets)


def _settle_garbage() -> None:
    """What is here by now stays: the collector need not look at it again. A call leaves hardly any cycles behind, so
    the collector is called less often than by default, which is after every 700 objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _announce(listeners: Listeners) -> None:
    print(listeners.announcement(), flush=True)  # noqa: T201 - its output


def _warn(settings: Settings) -> None:
    if settings.admin_key is None:
        log.warning("no_admin_key", meaning="only admin keys that are in the store already can administer")
    elif len(settings.admin_key) < _SHORT_KEY:
        log.warning("short_admin_key", meaning=f"HOUSESTYLE_ADMIN_KEY has fewer than {_SHORT_KEY} characters")
    if settings.translator_url is not None and settings.translator_url.scheme == "http":
        meaning = "prompts, answers and providers' credentials go to the translator without TLS"
        log.warning("translator_in_plain_text", host=settings.translator_url.host, meaning=meaning)
    for name in unknown(os.environ):
        log.warning("unknown_variable", variable=name)


def _run(
    settings: Settings,
    listeners: Listeners,
    ready: Callable[[], object],
    environ: Mapping[str, str],
    *,
    child: bool = False,
) -> None:
    """One replica, on sockets that may be others' too."""
    served = app.build(settings, environ)
    patience = Patience(write=settings.idle_timeout)
    config = uvicorn.Config(
        served.asgi,
        loop="uvloop",
        http=cast("type[asyncio.Protocol]", _connection(served.handle, patience, served.gateway.unread)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )
    for_admins = _connection(served.handle_admin, patience, call_log.unread)
    admin = (listeners.admin, for_admins) if listeners.admin is not None else None
    server = _Server(config, served.gateway, ready, admin)
    if child:
        when_parent_is_gone(partial(setattr, server, "should_exit", True))
    server.run(sockets=[listeners.data])


def _connection(
    handler: app.Handler, patience: Patience, on_unread: Callable[[str, GatewayError], object]
) -> Connection:
    """What makes a connection's protocol, called as uvicorn does."""

    def made(server_state: ServerState, **_: object) -> asyncio.Protocol:
        return CallerProtocol(handler, server_state, patience, on_unread)

    return made


def _leave(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _completed(environ: Mapping[str, str]) -> Settings:
    return complete(read(environ)).settings


def _announce_admin_key(settings: Settings) -> None:
    completed = complete(settings)
    if completed.new_admin_key is not None:
        print(  # noqa: T201 - said once, to whoever starts it
            f"Platform admin key, shown once and kept in {settings.data_dir / 'admin-key'}:\n"
            f"    {completed.new_admin_key}",
            flush=True,
        )
