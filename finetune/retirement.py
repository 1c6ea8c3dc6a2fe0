"""When a base model is retired, whose word that is, and what follows for a job: plain functions over values. No I/O.

Two sources are merged: the shipped data, and what a tenant's provider tells of its own models. The earlier date holds.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from finetune import states
from finetune.base_models import Shipped, base_of, is_of, is_text_model, shipped, undated
from finetune.values import Job

# Code of a warning → days before the model's end at which it is given; the nearest first.
WARNINGS = {"retired": 0, "retires_in_7_days": 7, "retires_in_30_days": 30, "retires_in_90_days": 90}
MOST_TOLD = 500  # dates kept of one provider

_DAY = timedelta(days=1)


class Retirement(Struct, frozen=True):
    """A model's end: when (RFC 3339 UTC), and who says so, in words."""

    at: str
    says: str


class Dates(Struct, frozen=True):
    """What is known of the retirement of one provider's models. `told`: model → date, by the provider itself."""

    told: Mapping[str, str]
    shipped: Shipped

    def retirement(self, base_model: str, kind: str, model: str | None = None) -> Retirement | None:
        """When a fine-tune of `base_model` ends (`model`, where it has a name already): with its base, or before it."""
        found = [*self._told(base_model, kind), *self._shipped(base_model, kind)]
        if model is not None:
            found = [*self._told(model, kind), *found]
        return min(found, key=lambda one: one.at, default=None)  # of two that agree the first: the provider's own word

    def retires_at(self, base_model: str, kind: str, model: str | None = None) -> str | None:
        """The same, only when."""
        found = self.retirement(base_model, kind, model)
        return found.at if found else None

    def why_not_tunable(self, base_model: str, kind: str, now: str) -> str | None:
        """The reason why no job can be started on `base_model`, in words; None where nothing speaks against it."""
        retirement = self.retirement(base_model, kind)
        if retirement is not None and days_left(retirement.at, now) <= 0:
            return f"{base_model} was retired on {retirement.at[:10]}, says {retirement.says}."
        if not is_text_model(base_model):
            return f"{base_model} is no model that writes text."
        ends = self.shipped.ends.get(kind)
        if ends is not None and ends.tuning_ends is not None and now >= _after(ends.tuning_ends):
            return (
                f"{ends.name} takes no new fine-tuning jobs after {ends.tuning_ends}, says {self._source(ends.source)}."
            )
        if any(is_of(family, base_of(base_model)) for family in self.shipped.offer(kind).not_tunable):
            return f"{base_model} cannot be fine-tuned there, says the shipped data as of {self.shipped.as_of}."
        return None

    def _told(self, model: str, kind: str) -> Iterator[Retirement]:
        for name in self._names(model, kind):
            at = moment(self.told.get(name))
            if at is not None:
                yield Retirement(at, "the provider")

    def _shipped(self, model: str, kind: str) -> Iterator[Retirement]:
        ends = self.shipped.ends.get(kind)
        names = self._names(model, kind)
        for row in ends.models if ends else ():
            at = moment(row.shuts_down)
            if row.model in names and at is not None:
                yield Retirement(at, self._source(row.source))

    def _names(self, model: str, kind: str) -> tuple[str, ...]:
        """Every name that a model may be known by: an undated one stands for a snapshot, the newest where that is not
        said."""
        base = base_of(model)
        alias = self.shipped.offer(kind).aliases.get(base)
        if alias is None and undated(base) == base:
            alias = max((name for name in self.told if name != base and undated(name) == base), default=None)
        return tuple(dict.fromkeys(name for name in (model, base, alias) if name is not None))

    def _source(self, source: str) -> str:
        return f"{self.shipped.sources[source].says} (as known on {self.shipped.as_of})"


def of(told: Mapping[str, str]) -> Dates:
    """What the provider told, with what this version ships."""
    return Dates(told, shipped())


def moment(date: str | None) -> str | None:
    """A provider's date, or time, as RFC 3339 UTC; a date is its first moment. None for what is none."""
    try:
        read = datetime.fromisoformat(date or "")
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return _text(read)


def merged(before: Mapping[str, str], listed: Mapping[str, str | None]) -> dict[str, str]:
    """What a provider tells, after it was asked again. A model that it lists no longer keeps its date: it is most
    likely retired by now. The latest dates are kept."""
    gone = {model: date for model, date in before.items() if model not in listed}
    told = gone | {model: date for model, date in listed.items() if moment(date) is not None and date is not None}
    return dict(sorted(told.items(), key=lambda item: (moment(item[1]) or "", item[0]))[-MOST_TOLD:])


def days_left(retires_at: str, now: str) -> float:
    """Days from `now`; below 0 once it is past. Both RFC 3339."""
    return (datetime.fromisoformat(retires_at) - datetime.fromisoformat(now)) / _DAY


def warning_due(retires_at: str | None, now: str, given: frozenset[str]) -> str | None:
    """The code of the warning that is to be given now. Of several that are due it is the nearest; one is given once."""
    if retires_at is None:
        return None
    left = days_left(retires_at, now)
    nearest = next((code for code, days in WARNINGS.items() if left <= days), None)
    return nearest if nearest not in given else None


def no_longer_true(retires_at: str | None, now: str) -> frozenset[str]:
    """The codes of warnings that do not hold, since the end was put off."""
    left = days_left(retires_at, now) if retires_at is not None else float("inf")
    return frozenset(code for code, days in WARNINGS.items() if left > days)


def after_round(job: Job, known: Retirement | None, now: str) -> tuple[Job, tuple[tuple[str, str], ...]]:
    """The job with what is known of its model's end, and lines for its timeline; the same job where nothing is new."""
    events: list[tuple[str, str]] = []
    at = known.at if known else None
    after = job
    if at != job.retires_at:
        words = (
            f"The model is retired on {at[:10]}, says {known.says}." if at and known else "No retirement is announced."
        )
        events.append(("retirement", words))
        after = replace(after, retires_at=at)
    untrue = no_longer_true(at, now)
    if any(warning.code in untrue for warning in after.warnings):
        after = replace(after, warnings=tuple(one for one in after.warnings if one.code not in untrue))
    code = warning_due(at, now, frozenset(warning.code for warning in after.warnings))
    if code is not None and at is not None and known is not None:
        words = warning_words(job, known, now)
        events.append(("warning", words))
        after = states.warn(after, code, words)
    return (replace(after, updated_at=now) if after != job else job), tuple(events)


def warning_words(job: Job, known: Retirement, now: str) -> str:
    """A warning as its admin reads it."""
    model = job.fine_tuned_model or job.base_model
    advice = "Make a job of the same data set on another base model."
    left = days_left(known.at, now)
    if left <= 0:
        return f"{model} was retired on {known.at[:10]}, says {known.says}. {advice}"
    days = max(1, round(left))
    return f"{model} is retired on {known.at[:10]}, in {days} day{'s' if days > 1 else ''}, says {known.says}. {advice}"


def _after(day: str) -> str:
    """The first moment after a day."""
    return _text(datetime.fromisoformat(day).replace(tzinfo=UTC) + _DAY)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
