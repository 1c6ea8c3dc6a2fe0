"""Every test here needs a real Helm; where none can be had, it is skipped with the reason."""

import pytest

from tests.support import helm
from tests.support.debian import Missing


@pytest.fixture(scope="session", params=sorted(helm.VERSIONS))
def version(request: pytest.FixtureRequest) -> str:
    """Each version of Helm that the chart is for."""
    found = str(request.param)
    _or_skip(found)
    return found


@pytest.fixture(scope="session", autouse=True)
def newest() -> None:
    """The newest is what most tests render with."""
    _or_skip(helm.NEWEST)


def _or_skip(version: str) -> None:
    try:
        helm.program(version)
    except Missing as error:
        pytest.skip(f"no Helm {version} here: {error}")
