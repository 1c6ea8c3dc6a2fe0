"""A time-out that is moved: when it is reached, when not, and that it leaves no timer behind."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.deadline import Deadline


class Clock:
    """An event loop's time and timers, told how late it is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], object], asyncio.TimerHandle]] = []
        self.armed = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        self.armed += 1
        loop: Any = self
        handle = asyncio.TimerHandle(self.now + delay, callback, (), loop)
        self.timers.append((self.now + delay, callback, handle))
        return handle

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def go(self, seconds: float) -> None:
        """Lets the time pass."""
        until = self.now + seconds
        while due := sorted(
            (timer for timer in self.timers if timer[0] <= until and not timer[2].cancelled()), key=lambda t: t[0]
        ):
            self.now, callback, _ = due[0]
            self.timers.remove(due[0])
            callback()
        self.now = until


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def reached() -> list[float]:
    """When the deadline was reached."""
    return []


@pytest.fixture
def deadline(clock: Clock, reached: list[float]) -> Deadline:
    """A deadline of that clock."""
    loop: Any = clock
    return Deadline(loop, lambda: reached.append(clock.now))


def test_it_is_reached_once(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.move(10)
    clock.go(9.9)
    assert reached == []
    clock.go(100)
    assert reached == [110]


def test_later_and_sooner(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.move(10)
    clock.go(5)
    deadline.move(10)
    clock.go(9)
    assert reached == []
    deadline.move(0.5)
    clock.go(1)
    assert reached == [114.5]


def test_taken_back(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.move(10)
    deadline.move(None)
    clock.go(20)
    assert reached == []
    deadline.move(3)
    clock.go(3)
    assert reached == [123]


def test_moving_it_on_costs_no_timer(clock: Clock, deadline: Deadline) -> None:
    for _ in range(1000):
        deadline.move(75)
        clock.go(0.01)
    assert clock.armed == 1


def test_closed_it_holds_no_timer(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.move(10)
    deadline.close()
    deadline.move(5)
    assert all(handle.cancelled() for _, _, handle in clock.timers)
    clock.go(20)
    assert reached == []
