from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.clusters import Flags, Labels
from finetune.dataset.split import for_validation

LABELS = st.lists(st.integers(0, 40), max_size=200)


def split(clusters: list[int], wanted: int) -> Flags:
    labels: Labels = np.array(clusters, np.int32)
    keys = np.random.Generator(np.random.PCG64(7)).integers(1, 1 << 63, len(clusters), np.uint64)
    return for_validation(labels, keys, wanted)


@given(LABELS, st.integers(0, 30))
def test_no_cluster_is_torn(clusters: list[int], wanted: int) -> None:
    marks = split(clusters, wanted).tolist()
    marked = {number for number, mark in zip(clusters, marks, strict=True) if mark}
    assert not marked & {number for number, mark in zip(clusters, marks, strict=True) if not mark}
    assert sum(marks) <= max(wanted, len(clusters) // 5)


@pytest.mark.parametrize("sizes", [[1] * 1000, [3] * 305, [1, 2, 3, 4, 5, 6] * 50, [400, *[2] * 300]])
def test_it_comes_as_near_as_the_clusters_allow(sizes: list[int]) -> None:
    clusters = [number for number, size in enumerate(sizes) for _ in range(size)]
    wanted = len(clusters) // 10
    assert wanted - min(sizes) < np.count_nonzero(split(clusters, wanted)) <= wanted


def test_a_large_cluster_is_learnt_from() -> None:
    clusters = [0] * 60 + list(range(1, 941))
    for wanted in (100, 300):
        assert not split(clusters, wanted)[:60].any()


def test_where_all_are_large_the_smallest_is_kept_apart_if_it_is_not_too_large() -> None:
    assert split([0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2], 1).nonzero()[0].tolist() == [5, 6]
    assert not split([0, 0, 0, 1, 1], 1).any()
    assert not split([0] * 50, 5).any()


def test_it_hangs_on_the_keys_and_not_on_the_places() -> None:
    labels: Labels = np.arange(100, dtype=np.int32)
    keys = np.random.Generator(np.random.PCG64(8)).integers(1, 1 << 63, 100, np.uint64)
    marked = set(keys[for_validation(labels, keys, 10)].tolist())
    assert set(keys[::-1][for_validation(labels, keys[::-1], 10)].tolist()) == marked
    assert len(marked) == 10
