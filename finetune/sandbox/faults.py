"""Faults that a test or a trial can order: what they are, and which request gets one.

Values and matching only; interference.py makes them happen. No part of the provider's API.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, assert_never

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0, le=3600)]
Count = Annotated[int, Meta(ge=0)]


class Kind(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """The kind of a fault is its tag."""


class RateLimit(Kind, frozen=True, tag="rate_limit"):
    """429 with Retry-After, before the effect."""

    retry_after: Seconds = 1


class ErrorBefore(Kind, frozen=True, tag="error_before"):
    """500, nothing done."""


class ErrorAfter(Kind, frozen=True, tag="error_after"):
    """500, although it was done."""


class SlowFirstByte(Kind, frozen=True, tag="slow_first_byte"):
    """The answer, later."""

    seconds: Seconds


class Broken(Kind, frozen=True):
    """An answer that does not come to its end: after so many chunks of its body, or bytes if given."""

    after_chunks: Count = 0
    after_bytes: Count | None = None


class Stall(Broken, frozen=True, tag="stall"):
    """Nothing more comes, the connection stays open."""


class Cut(Broken, frozen=True, tag="cut"):
    """The connection is reset."""


class TimeoutAfter(Kind, frozen=True, tag="timeout_after"):
    """It is done, and never answered."""


class ReportedStatus(Kind, frozen=True, tag="status"):
    """Jobs report this status."""

    status: Annotated[str, Meta(min_length=1)]


class RefuseModel(Kind, frozen=True, tag="refuse_model"):
    """404 model_not_found for this model."""

    model: Annotated[str, Meta(min_length=1)]


Fault = RateLimit | ErrorBefore | ErrorAfter | SlowFirstByte | Stall | Cut | TimeoutAfter | ReportedStatus | RefuseModel


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests: method and path (`*` stands for any part of it), and the model if given."""

    method: str = "*"
    path: str = "/v1/*"
    model: str | None = None


class FaultOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is posted. `times` requests get the fault (null: all), within `for_seconds` if given."""

    fault: Fault
    match: Match = Match()
    times: Annotated[int, Meta(ge=1)] | None = 1
    for_seconds: Seconds | None = None
    account: str | None = None
    """An API key: only this account's requests."""


class Standing(Struct, frozen=True, kw_only=True):
    """An order with what is left of it."""

    id: str
    order: FaultOrder
    account_id: str | None
    remaining: int | None
    until: float | None


class Arrival(Struct, frozen=True, kw_only=True):
    """As much of a request as decides whether a fault meets it."""

    method: str
    path: str
    account_id: str | None
    model: str | None


def meets(standing: Standing, arrival: Arrival, now: float) -> bool:
    if standing.remaining == 0 or (standing.until is not None and standing.until <= now):
        return False
    if standing.account_id is not None and standing.account_id != arrival.account_id:
        return False
    match = standing.order.match
    if match.method not in ("*", arrival.method) or not fnmatchcase(arrival.path, match.path):
        return False
    return match.model in (None, arrival.model) and _suits(standing.order.fault, arrival)


def _suits(fault: Fault, arrival: Arrival) -> bool:
    """A fault that says nothing about a request does not meet it, and is not used up by it."""
    match fault:
        case RefuseModel(model=model):
            return arrival.model == model
        case ReportedStatus():
            return arrival.path.startswith("/v1/fine_tuning/jobs")
        case RateLimit() | ErrorBefore() | ErrorAfter() | SlowFirstByte() | Stall() | Cut() | TimeoutAfter():
            return True
        case _:
            assert_never(fault)


class FaultBook:
    """The orders that stand, oldest first."""

    def __init__(self) -> None:
        self._standing: dict[str, Standing] = {}

    def add(self, standing: Standing) -> None:
        self._standing[standing.id] = standing

    def all(self) -> list[Standing]:
        return list(self._standing.values())

    def clear(self) -> int:
        count = len(self._standing)
        self._standing.clear()
        return count

    def take(self, arrival: Arrival, now: float) -> Fault | None:
        """The fault for this request, if any; one use of it is spent."""
        for standing in self._standing.values():
            if meets(standing, arrival, now):
                left = None if standing.remaining is None else standing.remaining - 1
                self._standing[standing.id] = Standing(
                    id=standing.id,
                    order=standing.order,
                    account_id=standing.account_id,
                    remaining=left,
                    until=standing.until,
                )
                return standing.order.fault
        return None
