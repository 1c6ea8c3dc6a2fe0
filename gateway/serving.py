"""The processes of a running gateway: the server, its embedded Redis, its job worker, and how they end together.

A child ends with its parent, however the parent ends: it holds one end of a pipe that closes then.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

import structlog
import uvicorn

from gateway import app, logs
from gateway.datadir import complete
from gateway.settings import ATTACHED_REDIS, Settings, SettingsError, read, unknown
from gateway.store.children import Child
from gateway.store.embedded import EmbeddedRedis

log = structlog.get_logger(__name__)

_KEEP_ALIVE_SECONDS = 75
_SHORT_KEY = 20
_UMASK = 0o077  # artifacts are clients' documents


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def serve(host: str, port: int, environ: Mapping[str, str]) -> None:
    """The gateway, until SIGTERM or SIGINT. Raises SettingsError, EmbeddedError, CannotListen."""
    logs.configure()
    # uvicorn raises the signal again once it has shut down; by default that would end us before our children.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    os.umask(_UMASK)
    settings = read(environ)
    with _listening(host, port) as listener:
        if settings.embedded and not settings.attached:
            with EmbeddedRedis(settings.data_dir, environ) as redis:
                attached = {
                    **environ,
                    ATTACHED_REDIS: redis.url,
                    "HOUSESTYLE_DATA_DIR": str(settings.data_dir),
                }
                _announce_admin_key(read(attached))
                with _worker(attached):
                    _run(_completed(attached), listener)
        else:
            _run(_completed(environ), listener)


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
    await app.run_worker(settings, until)


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


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"housestyle gateway listening on http://{shown}:{port}", flush=True)  # noqa: T201 - its output


def _run(settings: Settings, listener: socket.socket) -> None:
    if settings.admin_key is None:
        log.warning("no_admin_key", meaning="only admin keys that are in the store already can administer")
    elif len(settings.admin_key) < _SHORT_KEY:
        log.warning("short_admin_key", meaning=f"HOUSESTYLE_ADMIN_KEY has fewer than {_SHORT_KEY} characters")
    for name in unknown(os.environ):
        log.warning("unknown_variable", variable=name)
    config = uvicorn.Config(
        app.gateway_app(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
    _Server(config).run(sockets=[listener])


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
