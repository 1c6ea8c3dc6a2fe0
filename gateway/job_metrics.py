"""The figures of jobs on `/metrics`, as they were shown last; whoever reads them from the store is elsewhere.

Shown whole each time, so that what is no longer there leaves no line behind. Every worker process reads the same from
the store, so each answers a scrape with its own.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class RetiringModel(Struct, frozen=True):
    """An active job, and the days until its model is retired; below 0 once it is."""

    tenant: str
    job_id: str
    days: float


class JobMetrics(Collector):
    """The gauges of jobs. `tenants`: whether their names are labels."""

    def __init__(self, *, tenants: bool) -> None:
        self._tenants = tenants
        self._models: Sequence[RetiringModel] = ()
        self._within: Mapping[int, int] = {}
        self._states: Mapping[str, int] = {}

    def show_retiring(self, models: Sequence[RetiringModel], within: Mapping[int, int]) -> None:
        """Takes the place of what was shown. `within`: days → jobs whose models are retired in so many."""
        self._models, self._within = models, within

    def show_states(self, states: Mapping[str, int]) -> None:
        """Takes the place of what was shown: status → jobs."""
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        days = GaugeMetricFamily(
            "housestyle_model_retires_days",
            "Days until an active job's model is retired, of the hundred that are retired first within 90 days.",
            labels=("tenant", "job_id"),
        )
        for model in self._models:
            days.add_metric((model.tenant if self._tenants else "", model.job_id), model.days)
        jobs = GaugeMetricFamily(
            "housestyle_jobs_retiring",
            "Ready jobs, active or not, whose models are retired within so many days.",
            labels=("within",),
        )
        for within, count in self._within.items():
            jobs.add_metric((str(within),), count)
        states = GaugeMetricFamily(
            "housestyle_jobs",
            "Jobs by status: those that are under way now, and those that have ended since the store was new.",
            labels=("status",),
        )
        for status, count in self._states.items():
            states.add_metric((status,), count)
        yield days
        yield jobs
        yield states
