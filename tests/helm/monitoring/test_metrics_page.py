"""docs/metrics.md: its tables have exactly what a gateway serves."""

import re

from tests.helm.monitoring import served
from tests.helm.monitoring.stage import ROOT, Stage

_ROW = re.compile(r"(?m)^\| `(\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \| ([^|]+) \|$")


def test_its_tables_are_what_is_served(stage: Stage) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = [(name, kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels, _, _ in _ROW.findall(page)]
    assert len({name for name, _, _ in rows}) == len(rows)
    written = {name: (kind, set(labels)) for name, kind, labels in rows}
    found = served.metrics(stage.exposition())
    assert written == {name: (metric.kind, set(metric.labels)) for name, metric in found.items()}
