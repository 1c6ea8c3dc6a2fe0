"""One fast sandbox for the whole suite; every test has accounts of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from finetune.sandbox import SandboxSettings, running
from tests.finetune.sandbox.support import Trial, trial_at

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with running(SandboxSettings(step_seconds=0.05)) as base:
        yield base


@pytest.fixture
def trial(url: str) -> Iterator[Trial]:
    with trial_at(url, f"sk-trial-{next(_NUMBERS):04}") as one:
        yield one


@pytest.fixture
def stranger(url: str) -> Iterator[Trial]:
    with trial_at(url, f"sk-stranger-{next(_NUMBERS):04}") as one:
        yield one


@pytest.fixture(scope="session")
def firm(url: str) -> Iterator[tuple[Trial, str]]:
    """An account with a fine-tuned model that answers, for tests that only read."""
    with trial_at(url, "sk-firm-0000") as one:
        yield one, one.fine_tuned()
