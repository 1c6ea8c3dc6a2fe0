"""What a data set is made of and what is told about it. Frozen shapes only; no reading, no writing."""

from typing import Literal

from msgspec import Struct, field

Kind = Literal["rephrase-as", "extract-clauses", "summarize-this"]
Side = Literal["training", "validation"]
RedactKind = Literal["rules", "presidio", "off"]
WriterKind = Literal["rules", "teacher"]


class Example(Struct, frozen=True, omit_defaults=True):
    """One training pair. `assistant` is always the firm's own text; `user` is made.

    `side` and `redacted` (kind → how many different things placeholders stand for) are told in the sample alone.
    """

    kind: Kind
    chunk_id: str
    document_id: str
    user: str
    assistant: str
    side: Side | None = None
    redacted: dict[str, int] = field(default_factory=dict)


class BuildSettings(Struct, frozen=True, kw_only=True):
    """How a data set is made. Lengths in characters. `max_file_bytes` is what the strictest provider takes in one file.

    `extract_share`: extracting teaches form more than voice, so it is kept to this part of all examples.
    `near_duplicate`, `cluster`: the part of two passages' three-word runs, of all that either has, that both have.
    From the one on the later passage is dropped; from the other on they go to the same side of the split.
    """

    min_chars: int = 150
    max_turn_chars: int = 8_000
    max_chunk_chars: int = 100_000
    rephrase_per_chunk: int = 2
    extract_share: float = 1 / 3
    max_file_bytes: int = 512_000_000
    sample_size: int = 200
    redact: RedactKind = "rules"
    writer: WriterKind = "rules"
    near_duplicate: float = 0.8
    cluster: float = 0.5
    validation_share: float = 0.1


class DatasetSummary(Struct, frozen=True):
    """A data set in figures.

    `chunks` are the ready ones that were read; `examples`, `tokens` (over both turns), `sha256` and `training_bytes`
    are of train.jsonl, their `validation_` counterparts of validation.jsonl, which is empty where there are too few
    examples. `skipped` counts records and would-be examples by reason.
    """

    chunks: int
    examples: int
    validation_examples: int
    tokens: int
    sha256: str
    skipped: dict[str, int]
    training_bytes: int = 0
    validation_tokens: int = 0
    validation_sha256: str | None = None
    validation_bytes: int = 0


class ManifestChunk(Struct, frozen=True, array_like=True):
    """A chunk that at least one example was made of; `sha256` is of its text as it stood in the Vault.

    `cluster` is the same number for all that are near-duplicates of each other; a cluster is on one `side`. Written as
    an array: chunk id, document id, sha256, cluster, side, and how many examples were made of it.
    """

    chunk_id: str
    document_id: str
    sha256: str
    cluster: int = 0
    side: Side = "training"
    examples: int = 0


class DocumentUse(Struct, frozen=True, array_like=True):
    """A document and the number of its chunks that examples were made of, on either side."""

    document_id: str
    chunks: int


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What a data set was made from and how. `bad_records` counts unreadable records by reason.

    `redactions`: kind → how many were replaced in the chunks that were read. `clusters` counts those of the
    passages that were left when near-duplicates were gone. `counted_by`: the
    vocabulary that tokens were counted with, or `estimate`; then `count_error` says how far off they may be.
    """

    builder_version: int
    settings: BuildSettings
    summary: DatasetSummary
    examples_per_kind: dict[str, int]
    bad_records: dict[str, int]
    bad_record_places: list[str] = field(default_factory=list)
    chunks: list[ManifestChunk] = field(default_factory=list)
    validation_per_kind: dict[str, int] = field(default_factory=dict)
    redactions: dict[str, int] = field(default_factory=dict)
    clusters: int = 0
    counted_by: str = "estimate"
    count_error: str | None = None
