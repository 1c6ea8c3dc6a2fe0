"""What a gateway serves on `/metrics`, by name: a page's text read with Prometheus' own client."""

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

# What Prometheus adds to each series of a target.
TARGET_LABELS = frozenset({"namespace", "job", "instance"})


class Metric(Struct, frozen=True):
    """A metric as its documentation names it: a counter with `_total`, a histogram without `_bucket`."""

    kind: str
    labels: frozenset[str]


def metrics(exposition: str) -> dict[str, Metric]:
    """Name → metric, of those that have a sample."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(exposition):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = [frozenset(sample.labels) - {"le"} for sample in family.samples if not _is_creation(sample.name)]
        if labels:
            found[name] = Metric(family.type, frozenset().union(*labels))
    return found


def series(exposition: str) -> dict[str, frozenset[str]]:
    """Name → labels of what Prometheus makes of it: a histogram's three."""
    found: dict[str, frozenset[str]] = {}
    for name, metric in metrics(exposition).items():
        labels = TARGET_LABELS | metric.labels
        if metric.kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    return found


def _is_creation(sample: str) -> bool:
    return sample.endswith("_created")
