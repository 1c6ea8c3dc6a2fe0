"""Signatures → which passages are near-duplicates of an earlier one, and which belong together.

All in arrays: 4 bytes here and there for a passage, no object for any. No texts, no files, no idea of a split.

Locality-sensitive hashing: signatures are cut into bands of R places, and what agrees in a whole band is compared.
Two that agree in a part s of their places meet in one of B bands with probability 1 - (1 - s^R)^B (Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2):

    s                            0.3    0.4    0.5    0.6    0.7    0.8    0.9
    near-duplicates, 21 x 6     0.02   0.08   0.28   0.63   0.93   0.998  1.000
    clusters,        42 x 3     0.68   0.94   0.996  1.000  1.000  1.000  1.000

What meets is then compared in all places, so that a low threshold costs time and not truth.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from finetune.dataset.signatures import PLACES, Signature

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int32]
Compare = Callable[[Rows, Rows], Flags]

NEAR_DUPLICATE_BAND = 6
CLUSTER_BAND = 3
BANDS = PLACES // NEAR_DUPLICATE_BAND + PLACES // CLUSTER_BAND

MAX_ROUNDS = 16
"""A bucket of more members than this is not compared each with each, or boilerplate would cost its square."""

_BLOCK = 1 << 15


def later_duplicates(signatures: Signature, threshold: float, told: Callable[[], None]) -> Flags:
    """Marks each row that is similar enough to an earlier one that is not marked itself."""
    pairs = np.empty(0, np.int64)
    found: list[NDArray[np.int64]] = []

    def compare(earlier: Rows, later: Rows) -> Flags:
        alike = similar(signatures, earlier, later, threshold)
        found.append(later[alike] << 32 | earlier[alike])
        return alike

    everybody = np.arange(len(signatures), dtype=np.int64)
    for keys in _bands(signatures, NEAR_DUPLICATE_BAND):
        _compare_buckets(everybody, keys, compare)
        pairs = np.unique(np.concatenate((pairs, *found)))
        found.clear()
        told()
    return _without_a_kept_one(pairs, len(signatures))


def cluster(signatures: Signature, kept: Flags, threshold: float, told: Callable[[], None]) -> Labels:
    """Each row's cluster, named by its first row. Rows that are not `kept` are alone, and link nothing."""
    labels = np.arange(len(signatures), dtype=np.int32)
    rows = np.flatnonzero(kept)

    def compare(earlier: Rows, later: Rows) -> Flags:
        apart = labels[earlier] != labels[later]
        one, other = earlier[apart], later[apart]
        alike = similar(signatures, one, other, threshold)
        join(labels, one[alike], other[alike])
        together: Flags = labels[earlier] == labels[later]
        return together

    for keys in _bands(signatures, CLUSTER_BAND):
        _compare_buckets(rows, keys[rows], compare)
        told()
    return labels


def join(labels: Labels, one: Rows, other: Rows) -> None:
    """Unites the sets of `one[i]` and `other[i]`, in place. Every label is its set's lowest row, before and after."""
    while True:
        mine, theirs = labels[one], labels[other]
        apart = mine != theirs
        if not apart.any():
            return
        one, other = one[apart], other[apart]
        low, high = np.minimum(mine, theirs)[apart], np.maximum(mine, theirs)[apart]
        labels[high] = low  # of several the last: the next round sees to the others
        while not np.array_equal(labels, upper := labels[labels]):
            labels[:] = upper


def similar(signatures: Signature, one: Rows, other: Rows, threshold: float) -> Flags:
    """For each pair of rows whether it is at least so similar."""
    alike = np.empty(len(one), np.bool_)
    for start in range(0, len(one), _BLOCK):
        part = slice(start, start + _BLOCK)
        agree = signatures.take(one[part], axis=0) == signatures.take(other[part], axis=0)
        agreeing = agree.view(np.uint8).sum(axis=1, dtype=np.uint8)  # PLACES fit, and count_nonzero takes twice as long
        alike[part] = agreeing >= threshold * PLACES
    return alike


def _bands(signatures: Signature, width: int) -> Iterator[NDArray[np.uint64]]:
    """For each band a number a row: the same where the whole band is, and else hardly ever."""
    for first in range(0, PLACES, width):
        keys = np.zeros(len(signatures), np.uint64)
        for start in range(0, len(signatures), _BLOCK):
            part = slice(start, start + _BLOCK)
            for place in range(first, first + width):
                keys[part] = keys[part] * np.uint64(0x9E3779B97F4A7C15) + signatures[part, place]
        yield keys


def _compare_buckets(rows: Rows, keys: NDArray[np.uint64], compare: Compare) -> None:
    """Has the rows of each bucket compared with its first, then the rest with its second, and so on.

    `compare` says which are done with. In a large bucket those leave, so that the next to be compared with is
    something else; and after some rounds it is left alone.
    """
    order = np.argsort(keys, kind="stable")
    members, in_order = rows[order], keys[order]
    starts = _starts(in_order)
    sizes = np.diff(np.append(starts, len(in_order)))
    bucket = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    large = sizes > MAX_ROUNDS
    for _ in range(MAX_ROUNDS):
        starts = _starts(bucket)
        sizes = np.diff(np.append(starts, len(bucket)))
        rest = np.ones(len(bucket), np.bool_)
        rest[starts] = False
        if not rest.any():
            return
        done = compare(np.repeat(members[starts], sizes)[rest], members[rest])
        members, bucket = members[rest], bucket[rest]
        stays = ~(done & large[bucket])
        members, bucket = members[stays], bucket[stays]


def _starts(values: NDArray[np.uint64] | Labels) -> Rows:
    """Where a run of equal values begins."""
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values[1:] != values[:-1]
    return np.flatnonzero(begins)


def _without_a_kept_one(pairs: NDArray[np.int64], size: int) -> Flags:
    """`pairs` are `later << 32 | earlier`, in order, so that an earlier row's fate is known when it is asked for."""
    dropped = bytearray(size)
    for start in range(0, len(pairs), _BLOCK):
        for pair in pairs[start : start + _BLOCK].tolist():
            if not dropped[pair & 0xFFFFFFFF]:
                dropped[pair >> 32] = 1
    return np.frombuffer(dropped, np.bool_)
