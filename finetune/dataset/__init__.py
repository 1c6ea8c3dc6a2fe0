"""A firm's chunks → training examples in its own voice.

The package's front door, for who has a data set before him: its values, reading one back, copying it. Making one is in
`build`, and does not come in here: its arrays and vocabulary are memory and start-up time that a gateway need not pay.
"""

from finetune.dataset.artifacts import (
    DatasetDamaged,
    DatasetMissing,
    copy_dataset,
    find_document,
    manifest_chunks,
    open_train,
    open_validation,
    read_examples,
    read_manifest,
)
from finetune.dataset.values import BuildSettings, DatasetSummary, Example, Manifest, ManifestChunk

__all__ = [
    "BuildSettings",
    "DatasetDamaged",
    "DatasetMissing",
    "DatasetSummary",
    "Example",
    "Manifest",
    "ManifestChunk",
    "copy_dataset",
    "find_document",
    "manifest_chunks",
    "open_train",
    "open_validation",
    "read_examples",
    "read_manifest",
]
