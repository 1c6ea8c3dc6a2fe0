"""Callers that call without pause, flips made meanwhile, and the verdict: which calls were stale. All times are of the
machine's one monotonic clock, in nanoseconds.
"""

import bisect
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tests.propagation.provider import Arrival
from tests.propagation.stage import ask, new_call
from tests.support.processes import wait_until
from tests.support.raw import Raw


class Made(Struct, frozen=True):
    """A call as its caller knows it. `began` is before anything of it was sent."""

    name: str
    began: int
    status: int


class Flip(Struct, frozen=True):
    """A change of the model: when it was asked for, when it was answered, what holds since then."""

    sent: int
    answered: int
    model: str
    answer: Any

    @property
    def acknowledged(self) -> bool:
        """Whether every live replica had applied it."""
        return bool(self.answer["replicas"] == self.answer["acknowledged"] > 0)


class Stale(Struct, frozen=True):
    """A call that the provider received with another model than the one that held when it began."""

    call: Made
    wanted: str
    received: list[Arrival]
    after_ms: float


class Verdict(Struct, frozen=True):
    """How many calls could be judged, those that were stale, those that failed."""

    judged: int
    stale: list[Stale]
    failed: list[Made]


class Load:
    """Callers under way. `made` grows as calls end."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._over = threading.Event()
        self.made: list[Made] = []
        self.errors: list[BaseException] = []

    def call_on(self) -> None:
        """One caller, until the end."""
        try:
            with Raw(self._url) as caller:
                while not self._over.is_set():
                    name, began = new_call(), time.monotonic_ns()
                    status = ask(caller, name, self._key).status
                    self.made.append(Made(name, began, status))
        except BaseException as error:  # noqa: BLE001 - told by whoever made the load
            self.errors.append(error)

    def end(self) -> None:
        """The callers end, each after its call."""
        self._over.set()

    def await_more(self, calls: int) -> None:
        """Waits for so many calls more that began from now on."""
        now = time.monotonic_ns()

        def enough() -> bool:
            return bool(self.errors) or sum(made.began > now for made in self.made[-4 * calls - 50 :]) >= calls

        wait_until(enough, 30, f"{calls} calls")
        assert not self.errors, self.errors


@contextlib.contextmanager
def calling(url: str, key: str, callers: int) -> Iterator[Load]:
    """So many callers, each with a connection of its own, until the block ends."""
    load = Load(url, key)
    threads = [threading.Thread(target=load.call_on) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join()
    assert not load.errors, load.errors


def flip(change: Callable[[], Any], model: str) -> Flip:
    """Makes a change of the model to `model`."""
    sent = time.monotonic_ns()
    answer = change()
    return Flip(sent, time.monotonic_ns(), model, answer)


def judge(calls: Sequence[Made], flips: Sequence[Flip], received: Mapping[str, list[Arrival]]) -> Verdict:
    """A call that began after a fully acknowledged flip was answered, and reached the provider before the next one was
    sent, must have come with that flip's model. Calls that overlap a flip may have either, and prove nothing.
    """
    stale: list[Stale] = []
    judged = 0
    ends = [after.sent for after in flips[1:]] + [time.monotonic_ns()]
    for holding, end in zip(flips, ends, strict=True):
        for call in calls:
            arrivals = received.get(call.name, [])
            if not holding.acknowledged or not holding.answered < call.began < end:
                continue
            within = [arrival for arrival in arrivals if arrival.time < end]
            if not within:
                continue
            judged += 1
            if any(arrival.model != holding.model for arrival in within):
                late = (call.began - holding.answered) / 1e6
                stale.append(Stale(call, holding.model, arrivals, round(late, 2)))
    return Verdict(judged, stale, [call for call in calls if call.status != 200])


class Numbered(Struct, frozen=True):
    """One of many changes without a pause, each with the next number: when it was answered."""

    answered: int
    acknowledged: bool


def credential(number: int) -> str:
    """The provider's credential that a numbered change sets."""
    return f"sk-numbered-{number:012d}"


def outdated(
    calls: Sequence[Made], changes: Sequence[Numbered], received: Mapping[str, list[Arrival]]
) -> list[tuple[Made, int, int]]:
    """Calls that came with a number below that of the last change that was acknowledged when they began, with both."""
    known = [(change.answered, number) for number, change in enumerate(changes) if change.acknowledged]
    found: list[tuple[Made, int, int]] = []
    for call in calls:
        place = bisect.bisect_left(known, (call.began, 0))
        least = known[place - 1][1] if place else 0
        numbers = [int(arrival.credential.rpartition("-")[2]) for arrival in received[call.name]]
        found += [(call, least, number) for number in numbers if number < least]
    return found
