"""A firm's chunks → training examples in its own voice.

The package's front door: build a data set, read one back. How is in the modules beneath.
"""

from finetune.dataset.artifacts import (
    DatasetMissing,
    manifest_chunks,
    open_train,
    read_examples,
    read_manifest,
)
from finetune.dataset.build import BUILDER_VERSION, build
from finetune.dataset.count import estimate_tokens
from finetune.dataset.values import BuildSettings, DatasetSummary, Example, Manifest, ManifestChunk

__all__ = [
    "BUILDER_VERSION",
    "BuildSettings",
    "DatasetMissing",
    "DatasetSummary",
    "Example",
    "Manifest",
    "ManifestChunk",
    "build",
    "estimate_tokens",
    "manifest_chunks",
    "open_train",
    "read_examples",
    "read_manifest",
]
