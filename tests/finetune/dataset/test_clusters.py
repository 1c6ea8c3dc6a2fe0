from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.clusters import BANDS, Labels, cluster, join, later_duplicates, similar
from finetune.dataset.signatures import PLACES, Signature

PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60)


def nobody() -> None:
    """No progress is looked at."""


def family(seed: int, agreeing: list[int]) -> Signature:
    """Signatures that agree with the first in so many places, and with each other hardly elsewhere."""
    chance = np.random.Generator(np.random.PCG64(seed))
    first = chance.integers(0, 1 << 16, PLACES, np.uint16)
    rows = [first]
    for number in agreeing:
        row = chance.integers(0, 1 << 16, PLACES, np.uint16)
        places = chance.permutation(PLACES)[:number]
        row[places] = first[places]
        rows.append(row)
    return np.array(rows)


@given(PAIRS, st.integers(1, 5))
def test_joining_is_what_naive_joining_is(pairs: list[tuple[int, int]], parts: int) -> None:
    labels: Labels = np.arange(30, dtype=np.int32)
    sets = [{number} for number in range(30)]
    for part in range(parts):
        some = pairs[part::parts]
        join(labels, np.array([one for one, _ in some], np.int64), np.array([other for _, other in some], np.int64))
        for one, other in some:
            united = sets[one] | sets[other]
            for number in united:
                sets[number] = united
        assert labels.tolist() == [min(members) for members in sets]


def test_a_long_chain_is_one() -> None:
    labels: Labels = np.arange(10_000, dtype=np.int32)
    numbers = np.random.Generator(np.random.PCG64(1)).permutation(9_999)
    join(labels, numbers, numbers + 1)
    assert set(labels.tolist()) == {0}


def test_the_first_of_near_duplicates_is_kept() -> None:
    rows = family(1, [126, 120, 110, 90, 63, 10])
    assert later_duplicates(rows, 0.8, nobody).tolist() == [False, True, True, True, False, False, False]
    assert later_duplicates(rows[::-1], 0.8, nobody).tolist()[:3] == [False, False, False]


def test_what_is_near_to_a_dropped_one_alone_is_kept() -> None:
    first, second = family(2, [110])
    third = second.copy()
    changed = np.flatnonzero(second == first)[:18]
    third[changed] = family(3, [])[0][changed]
    rows = np.array([first, second, third])
    assert similar(rows, np.array([0, 1, 0]), np.array([1, 2, 2]), 0.8).tolist() == [True, True, False]
    assert later_duplicates(rows, 0.8, nobody).tolist() == [False, True, False]


def test_clusters_are_named_by_their_first_row() -> None:
    rows = np.concatenate((family(4, [80, 30]), family(5, [70, 126])))
    everybody = np.ones(len(rows), np.bool_)
    assert cluster(rows, everybody, 0.5, nobody).tolist() == [0, 0, 2, 3, 3, 3]
    without = everybody.copy()
    without[3] = False
    assert cluster(rows, without, 0.5, nobody).tolist()[2:4] == [2, 3]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(60, PLACES)), min_size=1, max_size=12))
def test_whatever_is_alike_enough_is_together(members: list[tuple[int, int]]) -> None:
    """At 0.75 and more a pair is missed once in 10^10."""
    rows = np.concatenate([family(number, [agreeing])[1:] for number, agreeing in members])
    labels = cluster(rows, np.ones(len(rows), np.bool_), 0.5, nobody)
    for one, other in combinations(range(len(rows)), 2):
        if np.count_nonzero(rows[one] == rows[other]) >= 0.75 * PLACES:
            assert labels[one] == labels[other]


def test_boilerplate_is_compared_with_its_first_alone() -> None:
    """A hundred thousand of the same would be five thousand million pairs."""
    rows = np.repeat(family(6, [126]), 50_000, axis=0)
    assert np.count_nonzero(later_duplicates(rows, 0.8, nobody)) == 99_999
    assert set(cluster(rows, np.ones(len(rows), np.bool_), 0.5, nobody).tolist()) == {0}


def test_every_band_is_told_of_and_nothing_is_no_rows() -> None:
    told: list[int] = []
    nothing = np.empty((0, PLACES), np.uint16)
    assert len(later_duplicates(nothing, 0.8, lambda: told.append(1))) == 0
    assert len(cluster(nothing, np.ones(0, np.bool_), 0.5, lambda: told.append(1))) == 0
    assert len(told) == BANDS
