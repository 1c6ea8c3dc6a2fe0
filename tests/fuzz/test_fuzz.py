"""Every parser, fed with its kept inputs and with changes of them. The same inputs each time; `scripts/fuzz` makes new
ones."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import gateway
from tests.fuzz import connection
from tests.fuzz.mutator import mutations
from tests.fuzz.targets import CORPUS, TARGETS, seeds

_GATEWAY = str(Path(gateway.__file__).parent)
_CHANGES = {"answers": 1000, "caller": 1000, "encoding": 1000}  # these take a millisecond each
_LONG = 8 * 1024
_STEPS = 60  # for each byte; three times as many as the worst of them takes, which reads its input twelve times


@pytest.fixture(scope="module", autouse=True)
def _loop() -> Iterator[None]:
    yield
    connection.close()


def test_each_target_has_its_seeds_and_each_seed_its_target() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(TARGETS)
    assert all(len(seeds(name)) >= 10 for name in TARGETS)


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_what_is_kept_is_read_rightly(name: str, path: Path) -> None:
    TARGETS[name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_changed_is_read_rightly(name: str) -> None:
    target = TARGETS[name]
    for data in islice(mutations(seeds(name), target.tokens, seed=1), _CHANGES.get(name, 3000)):
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{name}: {data!r}") from error


@pytest.mark.parametrize("name", TARGETS)
def test_a_long_input_takes_no_more_than_so_many_steps_for_each_byte(name: str) -> None:
    """What takes the square of its length lets one caller stop all others."""
    for seed in seeds(name)[::10]:
        for unit in filter(None, (seed, seed[-8:])):
            data = seed + unit * (_LONG // len(unit))
            assert steps(TARGETS[name].run, data) <= _STEPS * len(data), (seed, unit)


def steps(run: Any, data: bytes) -> int:
    """How many calls the gateway's own code makes, and is made, with this input."""
    count = 0

    def count_call(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call") and frame.f_code.co_filename.startswith(_GATEWAY)

    sys.setprofile(count_call)
    try:
        run(data)
    finally:
        sys.setprofile(None)
    return count
