"""A Vault's chunks → one data set: the training file, what it was made from, and a sample to look at.

The loop, its counts and its limits. Streams; what grows with the Vault is two sets of 8-byte hashes. No clock
and no randomness: the same chunks and settings make the same bytes. What an example looks like is pairs.py's.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec

from finetune.dataset.artifacts import EXAMPLES, MANIFEST, MANIFEST_CHUNKS, TRAIN, Staging
from finetune.dataset.clean import clean
from finetune.dataset.count import TOKENS_PER_EXAMPLE, estimate_tokens
from finetune.dataset.pairs import make_pairs
from finetune.dataset.passages import find_passage
from finetune.dataset.phrasings import stable_hash
from finetune.dataset.values import (
    BuildSettings,
    DatasetSummary,
    Example,
    Manifest,
    ManifestChunk,
)
from finetune.vaults.base import BadRecord, Chunk

BUILDER_VERSION = 1
"""Goes up whenever the same chunks would make other bytes."""

PROGRESS_EVERY = 100
MAX_BAD_PLACES = 20
MAX_INSTRUCTION_CHARS = 250

_NOT_WORD = re.compile(r"\W+")
_encoder = msgspec.json.Encoder()


def build(
    chunks: Iterable[Chunk | BadRecord],
    out_dir: str,
    progress: Callable[[int], None] | None = None,
    settings: BuildSettings | None = None,
) -> DatasetSummary:
    """Writes the data set under `out_dir` (an fsspec URL), over what may be there, all or nothing.

    `progress` is told the number of records read; what it raises ends the build and leaves nothing. Raises
    what reading the chunks raises (VaultUnreadable) and what the file system does (OSError).
    """
    with Staging(out_dir) as staging:
        builder = _Builder(staging, settings or BuildSettings())
        for number, record in enumerate(chunks, start=1):
            builder.take(record)
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(number)
        manifest = builder.finish()
        staging.publish()
    return manifest.summary


class _Builder:
    """What has been counted and seen so far."""

    def __init__(self, staging: Staging, settings: BuildSettings) -> None:
        self._staging = staging
        self._settings = settings
        self._ready = self._bytes = self._tokens = 0
        self._digest = sha256()
        self._kinds: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._bad_places: list[str] = []
        self._passages: set[int] = set()
        self._answers: set[int] = set()
        self._sample: list[tuple[int, int, Example]] = []

    def take(self, record: Chunk | BadRecord) -> None:
        if isinstance(record, BadRecord):
            self._take_bad(record)
        elif not record.ready:
            self._skipped["not_ready"] += 1
        else:
            self._ready += 1
            self._take_chunk(record)

    def finish(self) -> Manifest:
        for _, _, example in sorted(self._sample, key=lambda kept: kept[1]):
            self._staging.write(EXAMPLES, _encoder.encode(example))
        manifest = Manifest(
            builder_version=BUILDER_VERSION,
            settings=self._settings,
            summary=self._summary(),
            examples_per_kind=dict(sorted(self._kinds.items())),
            bad_records=dict(sorted(self._bad.items())),
            bad_record_places=self._bad_places,
        )
        self._staging.write(MANIFEST, _encoder.encode(manifest))
        return manifest

    def _summary(self) -> DatasetSummary:
        return DatasetSummary(
            chunks=self._ready,
            examples=self._kinds.total(),
            validation_examples=0,
            tokens=self._tokens,
            sha256=self._digest.hexdigest(),
            skipped=dict(sorted(self._skipped.items())),
        )

    def _take_bad(self, record: BadRecord) -> None:
        self._skipped["bad_record"] += 1
        self._bad[record.reason] += 1
        if len(self._bad_places) < MAX_BAD_PLACES:
            self._bad_places.append(f"{record.place} {record.reason}")

    def _take_chunk(self, chunk: Chunk) -> None:
        settings = self._settings
        if len(chunk.text) > settings.max_chunk_chars:
            self._skipped["too_long"] += 1
            return
        passage = find_passage(clean(chunk.text), settings.min_chars, settings.max_turn_chars - MAX_INSTRUCTION_CHARS)
        if isinstance(passage, str):
            self._skipped[passage] += 1
        elif _seen(self._passages, passage.text):
            self._skipped["duplicate"] += 1
        else:
            written = [self._take_example(made) for made in make_pairs(chunk, passage, settings)]
            if any(written):
                digest = sha256(chunk.text.encode(errors="surrogatepass")).hexdigest()
                line = ManifestChunk(chunk.chunk_id, chunk.document_id, digest)
                self._staging.write(MANIFEST_CHUNKS, _encoder.encode(line))

    def _take_example(self, made: Example | str) -> bool:
        reason = made if isinstance(made, str) else self._why_not(made)
        if isinstance(made, str) or reason:
            self._skipped[reason] += 1
            return False
        line = encode_example(made)
        if self._bytes + len(line) + 1 > self._settings.max_file_bytes:
            self._skipped["file_full"] += 1
            return False
        self._staging.write(TRAIN, line)
        self._digest.update(line + b"\n")
        self._bytes += len(line) + 1
        self._tokens += estimate_tokens(made.user) + estimate_tokens(made.assistant) + TOKENS_PER_EXAMPLE
        self._kinds[made.kind] += 1
        self._keep_in_sample(made)
        return True

    def _why_not(self, example: Example) -> str:
        if max(len(example.user), len(example.assistant)) > self._settings.max_turn_chars:
            return "too_long"
        extracts = self._kinds["extract-clauses"] + 1
        allowed = (self._kinds.total() + 1) * self._settings.extract_share
        if example.kind == "extract-clauses" and extracts > allowed:
            return "extract_share"
        return "repeated_answer" if _seen(self._answers, f"{example.kind} {example.assistant}") else ""

    def _keep_in_sample(self, example: Example) -> None:
        """A fair sample of bounded size: the examples whose hashes are lowest."""
        order = self._kinds.total()
        kept = (-stable_hash(f"{example.chunk_id} {example.kind} {order}"), order, example)
        if len(self._sample) < self._settings.sample_size:
            heapq.heappush(self._sample, kept)
        elif self._sample:
            heapq.heappushpop(self._sample, kept)


def encode_example(example: Example) -> bytes:
    """One line of the training file, as the providers' chat format has it."""
    turns = (("user", example.user), ("assistant", example.assistant))
    return _encoder.encode({"messages": [{"role": role, "content": content} for role, content in turns]})


def _seen(hashes: set[int], text: str) -> bool:
    """Whether a text with the same words has been here before; remembers it."""
    digest = stable_hash(_NOT_WORD.sub(" ", text).strip().lower())
    known = digest in hashes
    hashes.add(digest)
    return known
