"""The metrics that `/metrics` serves, by name. Counted where a call is settled, and nowhere else.

With several worker processes prometheus_client keeps the figures in files that all of them read (its multiprocess mode,
chosen by `PROMETHEUS_MULTIPROC_DIR` before it is imported); which one answers a scrape makes no difference then.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"


class RetiringModel(Struct, frozen=True):
    """An active job, and the days until its model is retired; below 0 once it is."""

    tenant: str
    job_id: str
    days: float


class Retiring(Collector):
    """The gauges of models that are retired before long, as they were shown last.

    Shown whole each time, so that a job which is active no longer leaves no line behind. Every worker process reads the
    same from the store, so each answers a scrape with its own.
    """

    def __init__(self) -> None:
        self._models: Sequence[RetiringModel] = ()
        self._within: Mapping[int, int] = {}

    def show(self, models: Sequence[RetiringModel], within: Mapping[int, int]) -> None:
        """Takes the place of what was shown. `within`: days → jobs whose models are retired in so many."""
        self._models, self._within = models, within

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        days = GaugeMetricFamily(
            "housestyle_model_retires_days",
            "Days until an active job's model is retired, of the hundred that are retired first within 90 days.",
            labels=("tenant", "job"),
        )
        for model in self._models:
            days.add_metric((model.tenant, model.job_id), model.days)
        jobs = GaugeMetricFamily(
            "housestyle_jobs_retiring",
            "Ready jobs, active or not, whose models are retired within so many days.",
            labels=("within",),
        )
        for within, count in self._within.items():
            jobs.add_metric((str(within),), count)
        yield days
        yield jobs


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.calls = Counter(
            "housestyle_calls",
            "Calls of known tenants that ended, by reason and by the class of their status.",
            ("reason", "status"),
            registry=self._registry,
        )
        self.refused = Counter(
            "housestyle_unidentified_calls",
            "Calls that were refused before their tenant was known, by error.",
            ("error",),
            registry=self._registry,
        )
        self.fallbacks = Counter(
            "housestyle_fallbacks",
            "Calls that went to the stock model since the provider refused the fine-tuned one.",
            registry=self._registry,
        )
        self.cancelled = Counter(
            "housestyle_cancelled_calls",
            "Calls whose caller left before the answer's end.",
            registry=self._registry,
        )
        self.span_export_failures = Counter(
            "housestyle_span_export_failures",
            "Batches of spans that the collector did not take.",
            registry=self._registry,
        )
        self.dropped_spans = Counter(
            "housestyle_dropped_spans",
            "Spans that are lost: their export failed, or their queue was full.",
            registry=self._registry,
        )
        # With several workers, the least of theirs: one that does not follow the store is not hidden by those that do.
        self.following = Gauge(
            "housestyle_store_following",
            "1 while the routes follow the store; 0 while it cannot be reached, or has another history, and calls are "
            "served with what was known last.",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        self.revision = Gauge(
            "housestyle_routes_revision",
            "The revision of the control-plane change that was applied last.",
            registry=self._registry,
            multiprocess_mode="livemin",
        )
        self.retiring = Retiring()
        self._registry.register(self.retiring)
        # `labels` costs several times as much as counting does.
        self._calls: dict[tuple[str | None, int], Counter] = {}
        self._refused: dict[str | None, Counter] = {}

    def settle(self, known: bool, reason: str | None, status: int, error: str | None, *, cancelled: bool) -> None:
        """Counts a call that is over. `known`: whether its tenant is."""
        if not known:
            counter = self._refused.get(error) or self._refusals(error)
            counter.inc()
            return
        counter = self._calls.get((reason, status)) or self._answers(reason, status)
        counter.inc()
        if cancelled:
            self.cancelled.inc()

    def _refusals(self, error: str | None) -> Counter:
        """The counter of one error's refusals, kept."""
        self._refused[error] = counter = self.refused.labels(error or "none")
        return counter

    def _answers(self, reason: str | None, status: int) -> Counter:
        """The counter that a reason and a status belong to, kept."""
        counter = self.calls.labels(reason or "none", f"{status // 100}xx" if status else "none")
        self._calls[reason, status] = counter
        return counter

    def exposition(self) -> bytes:
        """All of them in the text format of Prometheus, those of the other worker processes too."""
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        _forget_dead(Path(os.environ[MULTIPROCESS_DIR]))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no type here
        registry.register(self.retiring)
        return generate_latest(registry)


def _forget_dead(directory: Path) -> None:
    """Worker processes that were started again have left their gauges behind."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]  # prometheus_client has no type here
        except PermissionError:
            continue
