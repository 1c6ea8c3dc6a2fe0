"""What a tenant's calls add up to: by day, model, workflow and arm, from what `store/why.lua` counts with each record.

The counts are right for all days that are kept, also where records had to make room for newer ones. Reads only.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec import Struct

from gateway.store import keys
from gateway.store.connection import Store, translated

_RECENT_MINUTES = 60
_DAYS_AT_ONCE = 8
_MOST_DAYS = 36_500
DEFAULT_DAYS = 30
_METRICS = (b"calls", b"failed", b"input_tokens", b"output_tokens", b"nano_usd", b"calls_without_cost")

_Combination = tuple[bool, str | None, str | None]
_COMBINATION = msgspec.json.Decoder(_Combination)


class Figures(Struct, frozen=True, kw_only=True):
    """What some calls add up to.

    `failed`: refused, answered with an error, or broken off by one. `cost_usd` is without the `calls_without_cost`,
    whose tokens or price are not known; what was refused, here or by the provider, cost nothing.
    """

    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    calls_without_cost: int


class ByModel(Figures, frozen=True, kw_only=True):
    """Those that a model answered; of refused calls, the model that was asked for."""

    model: str | None
    fine_tuned: bool


class ByWorkflow(Figures, frozen=True, kw_only=True):
    """Those of a workflow, as callers name it in `X-Workflow`; null: of callers who name none."""

    workflow: str | None


class ByDay(Figures, frozen=True, kw_only=True):
    """Those of a day in UTC, `YYYY-MM-DD`."""

    day: str


class Arms(Struct, frozen=True):
    """The calls that a fine-tuned model of the tenant's answered, and the others."""

    fine_tuned: Figures
    stock: Figures


class Summary(Struct, frozen=True):
    """What a tenant's calls add up to from `since` to before `until`, whole days in UTC.

    Days without calls are left out. Models and workflows: those with the most calls first.
    """

    since: str
    until: str
    total: Figures
    by_model: list[ByModel]
    by_workflow: list[ByWorkflow]
    by_day: list[ByDay]
    by_arm: Arms


class Days(Struct, frozen=True):
    """Whole days in UTC: the first, and the one after the last."""

    first: date
    end: date


def days_of(since: float | None, until: float | None, now: float, kept: int) -> Days:
    """The days that hold these times (seconds since the epoch, `until` exclusive), of those that are kept.

    Without `since`, the thirty days before `until`; without that, until today's end.
    """
    today = _day(now)
    tomorrow = today + timedelta(days=1)
    oldest = today - timedelta(days=min(kept, _MOST_DAYS))
    end = tomorrow if until is None or until >= now else _day_after(until)
    first = max(end, oldest) - timedelta(days=DEFAULT_DAYS) if since is None else _day(since)
    first = max(first, oldest)
    return Days(first, max(first, end))


async def summary(store: Store, tenant: str, days: Days) -> Summary:
    """The calls of these days. Raises StoreUnavailable."""
    last = days.end - timedelta(days=1)
    with translated():
        listed = await cast(
            "Any", store.redis.zrangebyscore(keys.why_days_of(tenant), f"{days.first:%Y%m%d}", f"{last:%Y%m%d}")
        )
    sums = _Sums()
    for start in range(0, len(listed), _DAYS_AT_ONCE):
        some = [day.decode() for day in listed[start : start + _DAYS_AT_ONCE]]
        with translated():
            async with store.redis.pipeline(transaction=False) as pipe:
                for day in some:
                    pipe.hgetall(keys.why_day_of(tenant, day))
                counted = await pipe.execute()
        for day, counts in zip(some, counted, strict=True):
            sums.add(day, counts)
    return sums.summary(days)


async def recent_calls(store: Store, tenant: str) -> tuple[int, int]:
    """How many calls the last hour's records count, and how many of them the fine-tuned model answered."""
    now = int(time.time()) // 60
    with translated():
        async with store.redis.pipeline(transaction=False) as pipe:
            for minute in range(now - _RECENT_MINUTES + 1, now + 1):
                pipe.hgetall(keys.recent_of(tenant, minute))
            counts = await pipe.execute()
    fine_tuned = sum(int(count.get(b"fine_tuned", 0)) for count in counts)
    return fine_tuned + sum(int(count.get(b"stock", 0)) for count in counts), fine_tuned


_Sum = list[int]


def _none() -> _Sum:
    return [0] * len(_METRICS)


class _Sums:
    """The days' counts, added up five ways."""

    def __init__(self) -> None:
        self._models: defaultdict[tuple[str | None, bool], _Sum] = defaultdict(_none)
        self._workflows: defaultdict[str | None, _Sum] = defaultdict(_none)
        self._days: defaultdict[str, _Sum] = defaultdict(_none)

    def add(self, day: str, counts: Mapping[bytes, bytes]) -> None:
        """A day's hash."""
        for field, number in counts.items():
            metric, _, written = field.partition(b" ")
            if not written:
                continue  # how many combinations there are
            at, count = _METRICS.index(metric), int(number)
            fine_tuned, model, workflow = _COMBINATION.decode(written)
            self._models[model, fine_tuned][at] += count
            self._workflows[workflow][at] += count
            self._days[day][at] += count

    def summary(self, days: Days) -> Summary:
        """All of it."""
        models = [
            ByModel(model=model, fine_tuned=fine_tuned, **_figures(count))
            for (model, fine_tuned), count in self._models.items()
        ]
        workflows = [ByWorkflow(workflow=workflow, **_figures(count)) for workflow, count in self._workflows.items()]
        return Summary(
            since=_written(days.first),
            until=_written(days.end),
            total=Figures(**_figures(_total(self._days.values()))),
            by_model=sorted(models, key=lambda one: (-one.calls, one.model or "", one.fine_tuned)),
            by_workflow=sorted(workflows, key=lambda one: (-one.calls, one.workflow or "")),
            by_day=[ByDay(day=day, **_figures(count)) for day, count in sorted(self._days.items())],
            by_arm=Arms(fine_tuned=self._arm(fine_tuned=True), stock=self._arm(fine_tuned=False)),
        )

    def _arm(self, *, fine_tuned: bool) -> Figures:
        return Figures(**_figures(_total(count for (_, arm), count in self._models.items() if arm is fine_tuned)))


def _total(counts: Iterable[_Sum]) -> _Sum:
    total = _none()
    for count in counts:
        total = [a + b for a, b in zip(total, count, strict=True)]
    return total


def _figures(count: _Sum) -> dict[str, Any]:
    calls, failed, input_tokens, output_tokens, nano_usd, without = count
    return {
        "calls": calls,
        "failed": failed,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_usd": nano_usd / 1e9,
        "calls_without_cost": without,
    }


def _day(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _day_after(seconds: float) -> date:
    """The day that begins then, or next."""
    day = _day(seconds)
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return day if begins == seconds else day + timedelta(days=1)


def _written(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"
