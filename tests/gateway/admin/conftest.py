"""A gateway whose Redis a test can end."""

from collections.abc import Iterator

import pytest

from tests.support.processes import Program, running, shared_environ
from tests.support.redis import Stoppable, stoppable


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stoppable]:
    """A Redis that a test can end."""
    with stoppable(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def apart(shared: Stoppable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway on that Redis."""
    folder = tmp_path_factory.mktemp("apart")
    with running(["serve", "--port", "0"], shared_environ(shared.url, folder), folder / "log") as program:
        yield program
