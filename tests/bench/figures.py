"""What is made of samples: quantiles, ratios of a round, medians, spreads, verdicts. Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence

from msgspec import Struct

from tests.bench.samples import Sample

OURS = "housestyle"


class Spread(Struct, frozen=True):
    """The median of some rounds' values, and the least and the greatest."""

    median: float
    least: float
    greatest: float
    rounds: int


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of `values` do not exceed (nearest rank). Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def spread(values: Iterable[float]) -> Spread | None:
    """Of what the rounds gave; None where none gave anything."""
    known = list(values)
    if not known:
        return None
    return Spread(statistics.median(known), min(known), max(known), len(known))


def by_round(samples: Iterable[Sample], measure: str, peer: str, value: str) -> dict[int, float]:
    """A gateway's values in the rounds that prove something."""
    return {
        sample.round: sample.values[value]
        for sample in samples
        if (sample.measure, sample.peer) == (measure, peer) and sample.void is None and value in sample.values
    }


def ratios(over: dict[int, float], under: dict[int, float]) -> list[float]:
    """One value divided by the other, in each round that has both."""
    return [over[number] / under[number] for number in sorted(over) if under.get(number)]


class Target(Struct, frozen=True):
    """What is wanted of a value of ours, or of its ratio to a peer's (`peer`) in the same round.

    `at_least`: it is wanted large. `inverse`: the peer's is divided by ours. `digits` are those that are shown.
    """

    title: str
    measure: str
    value: str
    unit: str
    wanted: float
    stretch: float | None = None
    peer: str | None = None
    at_least: bool = False
    inverse: bool = False
    digits: int = 0


class Row(Struct, frozen=True):
    """A target beside what was measured; None where nothing was."""

    target: Target
    ours: Spread | None
    peer: Spread | None
    judged: Spread | None
    met: bool | None

    @property
    def stretched(self) -> bool:
        """Whether the stretch target is met too."""
        stretch = self.target.stretch
        return self.judged is not None and stretch is not None and _reaches(self.target, self.judged.median, stretch)


def row(target: Target, samples: Sequence[Sample]) -> Row:
    """The target's row: judged by the median."""
    ours = by_round(samples, target.measure, OURS, target.value)
    peers = by_round(samples, target.measure, target.peer, target.value) if target.peer else {}
    if target.peer:
        judged = spread(ratios(peers, ours) if target.inverse else ratios(ours, peers))
    else:
        judged = spread(ours.values())
    met = _reaches(target, judged.median, target.wanted) if judged else None
    return Row(target, spread(ours.values()), spread(peers.values()), judged, met)


def _reaches(target: Target, value: float, limit: float) -> bool:
    return value >= limit if target.at_least else value <= limit
