"""One stage for all tests of a test process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helm.monitoring.stage import Stage, staged
from tests.support.debian import Missing


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Gateways with every kind of call behind them, and a Prometheus that has seen it."""
    folder: Path = tmp_path_factory.mktemp("monitoring")
    try:
        with staged(folder) as made:
            yield made
    except Missing as missing:
        pytest.skip(f"no Prometheus: {missing}")
