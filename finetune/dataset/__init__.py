"""A firm's chunks → training examples in its own voice.

The package's front door: build a data set, read one back, copy it. How is in the modules beneath.
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
from finetune.dataset.build import BUILDER_VERSION, Progress, build
from finetune.dataset.count import estimate_tokens
from finetune.dataset.values import BuildSettings, DatasetSummary, Example, Manifest, ManifestChunk
from finetune.dataset.writers import Matter, RulesWriter, Writer

__all__ = [
    "BUILDER_VERSION",
    "BuildSettings",
    "DatasetDamaged",
    "DatasetMissing",
    "DatasetSummary",
    "Example",
    "Manifest",
    "ManifestChunk",
    "Matter",
    "Progress",
    "RulesWriter",
    "Writer",
    "build",
    "copy_dataset",
    "estimate_tokens",
    "find_document",
    "manifest_chunks",
    "open_train",
    "open_validation",
    "read_examples",
    "read_manifest",
]
