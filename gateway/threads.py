"""Threads that end with the process, whatever they wait for: nothing that is read here is worth more than its end.

asyncio and `concurrent.futures` wait for their threads when a process ends, for ever where one reads from a mount whose
server is away.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 32


class EndingThreads(ThreadPoolExecutor):
    """An event loop's default executor (asyncio takes no other kind) whose threads nobody waits for."""

    def __init__(self) -> None:
        super().__init__(_MOST)
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._free = threading.Semaphore(0)  # threads with nothing to do
        self._begun = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Takes a call; it is begun as soon as a thread is free."""
        future: Future[T] = Future()
        self._waiting.put((future, lambda: fn(*args, **kwargs)))
        if not self._free.acquire(blocking=False) and self._begun < _MOST:
            self._begun += 1
            threading.Thread(target=self._work, name=f"ending-{self._begun}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - a given interface
        """Lets the threads end that have nothing to do. Waits for none."""
        for _ in range(self._begun):
            self._waiting.put(None)

    def _work(self) -> None:
        while (taken := self._waiting.get()) is not None:
            future, call = taken
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
                    future.set_exception(error)
            del taken, future, call
            self._free.release()


FILES = EndingThreads()  # apart from an event loop's own, by which names are looked up: those must not wait for a mount


async def reading(work: Callable[[], T]) -> T:
    """What `work` reads from files, in a thread that ends with the process."""
    return await asyncio.get_running_loop().run_in_executor(FILES, work)
