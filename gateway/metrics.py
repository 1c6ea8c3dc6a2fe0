"""The metrics that `/metrics` serves. Those of calls are in `call_metrics.py` and `genai_metrics.py`, those of jobs in
`job_metrics.py`; here are the others, and the page.

With several worker processes prometheus_client keeps the figures in files that all of them read (its multiprocess mode,
chosen by `PROMETHEUS_MULTIPROC_DIR` before it is imported). Which one answers a scrape makes no difference then, but
for the calls of the others' last second.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import prometheus_client
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway import genai_metrics
from gateway.call_metrics import CallMetrics
from gateway.job_metrics import JobMetrics
from gateway.tallies import Tallies

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"

_POUR_SECONDS = 1.0
_PROPAGATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)


class Now(Struct, frozen=True):
    """What a replica is at this moment. `routes_age`: seconds since the store was last seen to know nothing newer."""

    active_calls: int
    active_streams: int
    why_waiting: int
    routes_age: float


class Metrics:
    """The figures of one process. `tenants`: how many have a label of their own."""

    def __init__(self, version: str, tenants: int, environ: Mapping[str, str]) -> None:
        # A line for each with the time of its making, which nobody asks for.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no type
        self._registry = registry = CollectorRegistry()
        self._tallies = Tallies()
        latest = genai_metrics.wants_latest(environ)
        self.calls = CallMetrics(registry, self._tallies, tenants=tenants, latest=latest)
        self._propagation = Histogram(
            "housestyle_propagation_seconds",
            "Time from a change's commit until every live replica had applied it, or two seconds were over.",
            buckets=_PROPAGATIONS,
            registry=registry,
        )
        self._unacknowledged = Counter(
            "housestyle_unacknowledged_changes",
            "Changes that not every live replica had applied when they were answered.",
            registry=registry,
        )
        self.jobs = JobMetrics(tenants=tenants > 0)
        registry.register(self.jobs)
        self.losses = Losses(registry)
        self.replica = ReplicaMetrics(registry, version)

    def propagated(self, seconds: float, *, whole: bool) -> None:
        """Counts a control-plane change that was answered; `whole`: every live replica had applied it."""
        self._propagation.observe(seconds)
        if not whole:
            self._unacknowledged.inc()

    async def run(self, now: Callable[[], Now]) -> None:
        """Brings them up to date for the other worker processes, until it is cancelled."""
        while True:
            self.pour(now())
            await asyncio.sleep(_POUR_SECONDS)

    def pour(self, now: Now) -> None:
        """Brings them up to date."""
        self._tallies.pour()
        self.replica.show(now)

    def exposition(self) -> bytes:
        """All of them in the text format of Prometheus, the other worker processes' too. The gauges are as they were
        when they were brought up to date."""
        self._tallies.pour()
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        _forget_dead(Path(os.environ[MULTIPROCESS_DIR]))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no type here
        registry.register(self.jobs)
        return generate_latest(registry)


class Losses:
    """What telemetry itself has lost. May be counted from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.export_failures = Counter(
            "housestyle_span_export_failures", "Batches of spans that the collector did not take.", registry=registry
        )
        self.spans = Counter(
            "housestyle_dropped_spans",
            "Spans that are lost: their export failed, or their queue was full.",
            registry=registry,
        )
        self.why_records = Counter(
            "housestyle_why_records_lost",
            "Why records that are lost: their queue was full, or the store was away at the end.",
            registry=registry,
        )


class ReplicaMetrics:
    """The gauges. With several workers the worst of theirs, so that one that does not follow is not hidden by the
    others; the sum where it is one."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        def gauge(name: str, words: str, mode: str) -> Gauge:
            return Gauge(name, words, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        self.following = gauge(
            "housestyle_store_following",
            "1 while the routes follow the store; 0 while it cannot be reached, or has another history, and calls are "
            "served with what was known last.",
            "livemin",
        )
        self.revision = gauge(
            "housestyle_routes_revision", "The revision of the control-plane change that was applied last.", "livemin"
        )
        self.translator_away = gauge(
            "housestyle_translator_away",
            "1 while the translator that runs by itself cannot be reached and calls to its providers fail; else 0.",
            "livemax",
        )
        self._age = gauge(
            "housestyle_routes_age_seconds", "Time since the store was last seen to know nothing newer.", "livemax"
        )
        self._calls = gauge("housestyle_active_calls", "Calls under way.", "livesum")
        self._streams = gauge("housestyle_active_streams", "Event streams under way.", "livesum")
        self._why = gauge("housestyle_why_records_waiting", "Why records that are not in the store yet.", "livesum")
        build = Gauge(
            "housestyle_build_info",
            "1, with the version that runs.",
            ("version",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        build.labels(version).set(1)

    def show(self, now: Now) -> None:
        """Takes the place of what was shown."""
        self._calls.set(now.active_calls)
        self._streams.set(now.active_streams)
        self._why.set(now.why_waiting)
        self._age.set(now.routes_age)


def _forget_dead(directory: Path) -> None:
    """Worker processes that were started again have left their gauges behind."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]  # it has no type here
        except PermissionError:
            continue
