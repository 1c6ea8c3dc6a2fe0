"""What a data set is made of and what is told about it. Frozen shapes only; no reading, no writing."""

from typing import Literal

from msgspec import Struct, field

Kind = Literal["rephrase-as", "extract-clauses", "summarize-this"]


class Example(Struct, frozen=True):
    """One training pair. `assistant` is always the firm's own text; `user` is made."""

    kind: Kind
    chunk_id: str
    document_id: str
    user: str
    assistant: str


class BuildSettings(Struct, frozen=True, kw_only=True):
    """Lengths in characters. `max_file_bytes` is what the strictest provider takes in one file.

    `extract_share`: extracting teaches form more than voice, so it is kept to this part of all examples.
    """

    min_chars: int = 150
    max_turn_chars: int = 8_000
    max_chunk_chars: int = 100_000
    rephrase_per_chunk: int = 2
    extract_share: float = 1 / 3
    max_file_bytes: int = 512_000_000
    sample_size: int = 200


class DatasetSummary(Struct, frozen=True):
    """As the contract's `Job.dataset`.

    `chunks` are the ready ones that were read, `tokens` is an estimate over both turns, `sha256` is of
    train.jsonl, and `skipped` counts records and would-be examples by reason.
    """

    chunks: int
    examples: int
    validation_examples: int
    tokens: int
    sha256: str
    skipped: dict[str, int]


class ManifestChunk(Struct, frozen=True, array_like=True):
    """A chunk that at least one example was made of; `sha256` is of its text as it stood in the Vault."""

    chunk_id: str
    document_id: str
    sha256: str


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What a data set was made from and how. `bad_records` counts unreadable records by reason."""

    builder_version: int
    settings: BuildSettings
    summary: DatasetSummary
    examples_per_kind: dict[str, int]
    bad_records: dict[str, int]
    bad_record_places: list[str] = field(default_factory=list)
    chunks: list[ManifestChunk] = field(default_factory=list)
