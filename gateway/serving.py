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
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FrameType
from typing import cast

import structlog
import uvicorn
from uvicorn.server import ServerState

from gateway import app, logs, price_lists
from gateway.bootstrap import reading as bootstrap
from gateway.datadir import complete
from gateway.http_exchange import Patience
from gateway.masked import SecretEnviron
from gateway.metrics import MULTIPROCESS_DIR
from gateway.protocol import CallerProtocol
from gateway.settings import ATTACHED_REDIS, Settings, SettingsError, read, unknown
from gateway.store.children import Child
from gateway.store.embedded import EmbeddedRedis

log = structlog.get_logger(__name__)

_BACKLOG = 2048
# What the kernel may hold for a caller, in bytes, of a request and unsent of an answer: left alone it takes megabytes.
_KERNEL_RECEIVED = 256 * 1024
_KERNEL_UNSENT = 64 * 1024
_TCP_NOTSENT_LOWAT = 25  # linux/tcp.h; Python has no name for it before 3.12
_ACCEPT_SECONDS = 0.05
# Beyond the drain: a child's records are written and its spans sent.
_SETTLE_SECONDS = 15.0
_SHORT_KEY = 20
_UMASK = 0o077  # artifacts are clients' documents


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def serve(host: str, port: int, workers: int, environ: Mapping[str, str]) -> None:
    """The gateway, until SIGTERM or SIGINT. Raises SettingsError, EmbeddedError, CannotListen."""
    logs.configure()
    # uvicorn raises the signal again once it has shut down; by default that would end us before our children.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    os.umask(_UMASK)
    settings = read(environ)
    if settings.prices is not None:
        price_lists.read(settings.prices)  # a file that is wrong is refused before anything is started
    with _listening(host, port) as listener:
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
                    _serve(listener, workers, attached)
        else:
            _serve(listener, workers, environ)


def replicate(listener: int, ready: int, environ: Mapping[str, str]) -> None:
    """One of several processes on one listening socket; `ready` is the pipe that hears of it."""
    logs.configure()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    os.umask(_UMASK)
    settings = complete(read(environ)).settings
    with socket.socket(fileno=listener) as shared:
        _run(settings, shared, lambda: os.write(ready, b"."), environ, child=True)


def work(environ: Mapping[str, str]) -> None:
    """A job worker, until SIGTERM or SIGINT, or until the gateway that it is a child of is gone."""
    logs.configure()
    os.umask(_UMASK)
    given = read(environ)
    if given.embedded and not given.attached:
        raise SettingsError("A worker needs HOUSESTYLE_REDIS_URL; with an embedded Redis, `housestyle serve` runs one.")
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        del os.environ[name]  # the SDK would send the operator's own organisation with a tenant's key
    asyncio.run(_work(complete(given).settings))


async def _work(settings: Settings) -> None:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, until.set)
    if settings.attached:
        _when_parent_is_gone(lambda: loop.call_soon_threadsafe(until.set))
    from gateway import worker_root  # the SDKs cost memory and seconds that a gateway need not pay

    await worker_root.run(settings, until)


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


def _serve(listener: socket.socket, workers: int, environ: Mapping[str, str]) -> None:
    settings = _completed(environ)
    _warn(settings)
    if settings.bootstrap is not None:
        bootstrap.read(settings.bootstrap, environ)  # one that is wrong is refused before any replica is started
    if workers == 1:
        _run(settings, listener, lambda: _announce(listener), environ)
        return
    with tempfile.TemporaryDirectory(prefix="housestyle-metrics-") as metrics:
        _run_several(listener, workers, settings, SecretEnviron({**environ, MULTIPROCESS_DIR: metrics}))


def _run_several(listener: socket.socket, workers: int, settings: Settings, environ: Mapping[str, str]) -> None:
    """So many processes on one socket; one that dies is started again; what waits goes to the others."""
    reading, writing = os.pipe()
    listener.listen(_BACKLOG)  # now, so that a caller who comes while they start waits rather than is refused

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "gateway", "replica", str(listener.fileno()), str(writing)],
            env=dict(environ),
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(), writing),
            start_new_session=True,
        )

    with contextlib.ExitStack() as stack:
        grace = settings.drain_seconds + _SETTLE_SECONDS
        children = [stack.enter_context(Child("replica", start, grace)) for _ in range(workers)]
        stack.callback(listener.close)  # else who comes while they drain would wait here for nobody
        for child in children:
            stack.callback(child.ask)  # all are asked before the first is waited for
        os.set_blocking(writing, False)
        for _ in range(workers):
            os.read(reading, 1)
        _announce(listener)
        while True:
            signal.pause()  # ended by SystemExit, from `_leave`


class _Server(uvicorn.Server):
    """Says when it serves, and tells the gateway when it is to stop."""

    def __init__(self, config: uvicorn.Config, gateway: app.Gateway, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
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


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"housestyle gateway listening on http://{shown}:{port}", flush=True)  # noqa: T201 - its output


def _warn(settings: Settings) -> None:
    if settings.admin_key is None:
        log.warning("no_admin_key", meaning="only admin keys that are in the store already can administer")
    elif len(settings.admin_key) < _SHORT_KEY:
        log.warning("short_admin_key", meaning=f"HOUSESTYLE_ADMIN_KEY has fewer than {_SHORT_KEY} characters")
    for name in unknown(os.environ):
        log.warning("unknown_variable", variable=name)


def _run(
    settings: Settings,
    listener: socket.socket,
    ready: Callable[[], object],
    environ: Mapping[str, str],
    *,
    child: bool = False,
) -> None:
    """One replica, on a socket that may be others' too."""
    served = app.build(settings, environ)
    patience = Patience(write=settings.idle_timeout)

    def connection(server_state: ServerState, **_: object) -> asyncio.Protocol:
        return CallerProtocol(served.handle, server_state, patience)

    config = uvicorn.Config(
        served.asgi,
        loop="uvloop",
        http=cast("type[asyncio.Protocol]", connection),
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
    server = _Server(config, served.gateway, ready)
    if child:
        _when_parent_is_gone(partial(setattr, server, "should_exit", True))
    server.run(sockets=[listener])


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


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket. Bound first, so that a busy port is said before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_RECEIVED)  # inherited by what is accepted
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _KERNEL_UNSENT)
        listener.bind(address)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    with listener:
        yield listener


def _when_parent_is_gone(stop: Callable[[], object]) -> None:
    """Calls `stop` when standard input ends, which it does with the parent."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        stop()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
