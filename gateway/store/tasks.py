"""Ending tasks that wait for the store. What they are is their owner's."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_SECONDS = 0.5


async def ended(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancels until all have ended: before Python 3.12, `asyncio.wait_for` loses a cancellation that comes as an answer
    does, and redis-py waits by it."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
