"""Work that may hang, as reading from a mount whose server is away does; whoever waits for it goes on after a while."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway.threads import FILES

T = TypeVar("T")


class Hangs(Exception):
    """The work was not done in time, and its thread is left to itself."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it does not answer in {seconds:g} s")


async def apart(work: Callable[[], T], seconds: float) -> T:
    """What `work` gives, in a thread that ends with the process. Raises Hangs, and what `work` raises."""
    done = asyncio.get_running_loop().run_in_executor(FILES, work)
    finished, _ = await asyncio.wait({done}, timeout=seconds)
    if not finished:
        done.cancel()
        raise Hangs(seconds)
    return done.result()
