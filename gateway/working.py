"""The process of a job worker: how it begins and how it ends. What it does is built in `worker_root.py`.

Nothing of the gateway's calls is imported here, so that a worker starts, and can leave, without them.
"""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Mapping

from gateway import logs
from gateway.datadir import UMASK, complete
from gateway.listening import Listeners, bound
from gateway.settings import Settings, SettingsError, read
from gateway.store.children import when_parent_is_gone
from gateway.worker_probes import Pulse, answering


def work(environ: Mapping[str, str], host: str, port: int | None) -> None:
    """A job worker, until SIGTERM or SIGINT, or until the gateway that it is a child of is gone; with a `port`, probes
    are answered there. Raises SettingsError, CannotListen."""
    logs.configure()
    os.umask(UMASK)
    given = read(environ)
    if given.embedded and not given.attached:
        raise SettingsError("A worker needs HOUSESTYLE_REDIS_URL; with an embedded Redis, `housestyle serve` runs one.")
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        del os.environ[name]  # the SDK would send the operator's own organisation with a tenant's key
    settings = complete(given).settings
    if port is None:
        asyncio.run(_work(settings, None))
        return
    with bound(host, port, None) as listeners:
        asyncio.run(_work(settings, listeners))


async def _work(settings: Settings, probed: Listeners | None) -> None:
    until = asyncio.Event()
    begun = threading.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, until.set)

    def leave() -> None:
        if not begun.is_set():
            os._exit(0)  # there is nothing to end yet, and the SDKs take seconds
        loop.call_soon_threadsafe(until.set)

    if settings.attached:
        when_parent_is_gone(leave)
    from gateway import worker_root  # the SDKs cost memory and seconds that a gateway need not pay

    begun.set()
    pulse = Pulse()
    async with contextlib.AsyncExitStack() as stack:
        if probed is not None:
            await stack.enter_async_context(answering(probed.data, pulse))
            print(probed.announcement("worker"), flush=True)  # noqa: T201 - its output
        await worker_root.run(settings, until, pulse.beat)
