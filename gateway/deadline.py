"""A time-out that is moved for every call and hardly ever reached: one timer, set again only where it fires too early.
Nothing of what it is for.
"""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `expired` when it is reached. Times are seconds from now."""

    __slots__ = ("_at", "_closed", "_expired", "_fires", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], object]) -> None:
        self._loop = loop
        self._expired = expired
        self._at: float | None = None
        self._closed = False
        self._fires = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def move(self, seconds: float | None) -> None:
        """To so many seconds from now; None, or once it is closed: to nowhere."""
        if seconds is None or self._closed:
            self._at = None
            return
        now = self._loop.time()
        self._at = now + seconds
        if self._timer is None:
            self._arm(now, seconds)
        elif self._at < self._fires:
            self._timer.cancel()
            self._arm(now, seconds)

    def close(self) -> None:
        """Lets go of the timer, and so of whoever is to be called."""
        self._closed = True
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, now: float, seconds: float) -> None:
        self._fires = now + seconds
        self._timer = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._at is None:
            return
        now = self._loop.time()
        if self._at > now:
            self._arm(now, self._at - now)
        else:
            self._at = None
            self._expired()
