"""Clusters → which of them are kept for validation. One pure function: a cluster is never on both sides."""

import numpy as np
from numpy.typing import NDArray

from finetune.dataset.clusters import Flags, Labels

LARGE_PART = 0.05
"""A cluster of more than this part of all passages is learnt from: to validate on it would be to validate on little."""

LARGEST_PART = 0.2
"""Where every cluster is large, the smallest may be kept for validation up to this part."""


def for_validation(labels: Labels, keys: NDArray[np.uint64], wanted: int) -> Flags:
    """Marks at most about `wanted` rows, in whole clusters, chosen by the keys of their first rows.

    `labels` are the clusters, `keys` random numbers that hang on the rows' texts, so that the same Vault is
    always split in the same way.
    """
    if wanted <= 0 or not len(labels):
        return np.zeros(len(labels), np.bool_)
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(keys[first], kind="stable")
    chosen = _fill(order, sizes, min(wanted, max(1, int(len(labels) * LARGE_PART))), wanted)
    if not chosen.any():
        smallest = order[np.argmin(sizes[order])]
        chosen[smallest] = sizes[smallest] <= len(labels) * LARGEST_PART
    marked: Flags = chosen[inverse]
    return marked


def _fill(order: NDArray[np.intp], sizes: NDArray[np.intp], largest: int, room: int) -> Flags:
    chosen = np.zeros(len(sizes), np.bool_)
    fit = order[sizes[order] <= largest]
    for number, size in zip(fit.tolist(), sizes[fit].tolist(), strict=True):
        if size <= room:
            chosen[number] = True
            room -= size
            if not room:
                break
    return chosen
