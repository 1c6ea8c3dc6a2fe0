"""One stage of four replicas, the last of them far from Redis, for all tests of a test process."""

from collections.abc import Iterator

import pytest

from tests.propagation.stage import Stage, staged
from tests.support.debian import Missing


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Redis, four gateways, nginx, the provider."""
    try:
        with staged(near=3, far=1) as made:
            yield made
    except Missing as missing:
        pytest.skip(f"no load balancer: {missing}")
