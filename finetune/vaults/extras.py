"""What kinds of Vaults share: words for what is not installed, the loop that libraries run on, the word to stop.

Nothing of theirs is imported here.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

from fsspec.asyn import get_loop

from finetune.vaults.base import VaultUnreadable

T = TypeVar("T")

Stopped = Callable[[], bool]


def missing_extra(what: str, extra: str) -> VaultUnreadable:
    """The error of a kind of Vault whose library is not here."""
    return VaultUnreadable(f"{what} need the extra: pip install 'housestyle[{extra}]'", place="this installation")


_LOOK_SECONDS = 0.5


def run(work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
    """What `work` gives, done on fsspec's loop, which has a thread of its own. For other threads than that."""
    return asyncio.run_coroutine_threadsafe(work, get_loop()).result(seconds)


def run_until(work: Coroutine[Any, Any, T], stopped: Stopped, place: str) -> T:
    """The same, of work that may wait long; it is broken off where nobody waits any more. Raises VaultUnreadable."""
    future = asyncio.run_coroutine_threadsafe(work, get_loop())
    while not future.done():
        wait([future], _LOOK_SECONDS)
        if not future.done() and stopped():
            future.cancel()
            go_on(stopped, place)
    return future.result()


def go_on(stopped: Stopped, place: str) -> None:
    """Raises VaultUnreadable where nobody waits any more for what is read."""
    if stopped():
        raise VaultUnreadable("nobody waits for its end any more", place)
