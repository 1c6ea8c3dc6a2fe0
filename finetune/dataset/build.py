"""A Vault's chunks → one data set: what is trained and validated on, what it was made from, a sample to look at.

The stages in their order. Everything that grows with the Vault is on local disk while it lasts, or a few bytes for
each passage in memory. No clock and no randomness: the same chunks and settings make the same bytes.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count as numbers
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from finetune.dataset import clusters
from finetune.dataset.artifacts import FILES, MANIFEST, Staging
from finetune.dataset.clusters import Flags, Labels
from finetune.dataset.count import ESTIMATE, ESTIMATE_ERROR, Counter, estimate_tokens
from finetune.dataset.passages import Matter
from finetune.dataset.reading import Reading
from finetune.dataset.redact import Redactor, open_redactor
from finetune.dataset.split import for_validation
from finetune.dataset.spool import Spool
from finetune.dataset.values import BuildSettings, DatasetSummary, Manifest, Side
from finetune.dataset.writers import RulesWriter, Writer
from finetune.dataset.writing import Writing
from finetune.vaults.base import BadRecord, Chunk

BUILDER_VERSION = 2
"""Goes up whenever the same chunks would make other bytes."""

MIN_TRAINING_EXAMPLES = 10
"""What providers train on at least: nothing is kept for validation that would leave fewer."""

PROGRESS_EVERY = 100

ESTIMATING = Counter(ESTIMATE, ESTIMATE_ERROR, estimate_tokens)

Progress = Callable[[str, int, int | None], None]
"""The stage (`reading`, `clustering`, `teaching`, `writing`), how much of it is done, of how much if that is known."""


def build(
    chunks: Iterable[Chunk | BadRecord],
    out_dir: str,
    progress: Progress | None = None,
    settings: BuildSettings | None = None,
    writer: Writer | None = None,
    redactor: Redactor | None = None,
    counter: Counter = ESTIMATING,
) -> DatasetSummary:
    """Writes the data set under `out_dir` (an fsspec URL), over what may be there, all or nothing.

    What `progress` raises ends the build and leaves nothing. A writer of the kind `teacher` must be given. Raises
    what reading the chunks raises (VaultUnreadable), RedactorMissing, and what the file system does (OSError).
    """
    settings = settings or BuildSettings()
    told = progress or _tell_nobody
    writer = writer or _rules_writer(settings)
    with tempfile.TemporaryDirectory(prefix="housestyle-dataset-") as place:
        folder = Path(place)
        with contextlib.closing(Spool(folder)) as spool:
            reading = _read(chunks, Reading(spool, redactor or open_redactor(settings.redact), settings), told)
        grouped = _group(spool, settings, told)
        new = partial(Writing, folder, settings, counter)
        writing = _write(grouped, writer, new, told)
        if writing.training.examples < MIN_TRAINING_EXAMPLES and not grouped.kept.all():
            grouped = grouped.whole()
            writing = _write(grouped, writer, new, told)
        manifest = _manifest(settings, reading, grouped, writing, counter)
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        _publish(folder, out_dir)
    return manifest.summary


class _Grouped(Struct, frozen=True):
    """The spool's rows: which are kept, and each one's cluster. `wanted`: how many are to be kept for validation."""

    spool: Spool
    kept: Flags
    labels: Labels
    wanted: int

    @property
    def total(self) -> int:
        return int(np.count_nonzero(self.kept))

    def whole(self) -> "_Grouped":
        """With the near-duplicates, and nothing for validation: too few to train on are worse than some twice."""
        return _Grouped(self.spool, np.ones_like(self.kept), self.labels, 0)

    def matters(self) -> Iterator[Matter]:
        return self.spool.matters(self.kept.tolist())

    def sides(self, wanted: int) -> list[Side]:
        """Of those that are kept."""
        marked = for_validation(self.labels[self.kept], self.spool.keys[self.kept], wanted)
        return ["validation" if mark else "training" for mark in marked.tolist()]


def _read(chunks: Iterable[Chunk | BadRecord], reading: Reading, told: Progress) -> Reading:
    number = 0
    for number, record in enumerate(chunks, start=1):
        reading.take(record)
        if number % PROGRESS_EVERY == 0:
            told("reading", number, None)
    told("reading", number, number)
    return reading


def _group(spool: Spool, settings: BuildSettings, told: Progress) -> _Grouped:
    signatures, bands = spool.signatures(), numbers(1)

    def tell() -> None:
        told("clustering", next(bands), clusters.BANDS)

    kept = ~clusters.later_duplicates(signatures, settings.near_duplicate, tell)
    labels = clusters.cluster(signatures, kept, settings.cluster, tell)
    total = int(np.count_nonzero(kept))
    wanted = round(total * settings.validation_share)
    return _Grouped(spool, kept, labels, max(1, wanted) if settings.validation_share and total > 1 else 0)


def _write(grouped: _Grouped, writer: Writer, new: Callable[[], Writing], told: Progress) -> Writing:
    """Again with less for validation where too few examples are left to train on: there are few, so it is soon done."""
    total = grouped.total
    told("teaching", 0, total)
    writer.prepare(grouped.matters, total, lambda done: told("teaching", done, total))
    for wanted in dict.fromkeys((grouped.wanted, min(1, grouped.wanted), 0)):
        writing = new()
        with contextlib.closing(writing):
            _write_all(grouped, writer, writing, grouped.sides(wanted), told)
        if writing.training.examples >= MIN_TRAINING_EXAMPLES or not writing.validation.examples:
            break
    return writing


def _write_all(grouped: _Grouped, writer: Writer, writing: Writing, sides: list[Side], told: Progress) -> None:
    rows = zip(grouped.matters(), sides, grouped.labels[grouped.kept].tolist(), strict=True)
    for number, (matter, side, cluster) in enumerate(rows):
        if writing.full:
            writing.skipped["file_full"] += grouped.total - number
            break
        if number % PROGRESS_EVERY == 0:
            told("writing", number, grouped.total)
        writing.take(matter, writer.pairs(matter), cluster, side)
    told("writing", grouped.total, grouped.total)
    writing.finish()


def _manifest(
    settings: BuildSettings, reading: Reading, grouped: _Grouped, writing: Writing, counter: Counter
) -> Manifest:
    training, validation = writing.training, writing.validation
    skipped = reading.skipped + writing.skipped
    if near := len(grouped.kept) - grouped.total:
        skipped["near_duplicate"] = near
    summary = DatasetSummary(
        chunks=reading.ready,
        examples=training.examples,
        validation_examples=validation.examples,
        tokens=training.tokens,
        sha256=training.sha256,
        skipped=dict(sorted(skipped.items())),
        training_bytes=training.size,
        validation_tokens=validation.tokens,
        validation_sha256=validation.sha256,
        validation_bytes=validation.size,
    )
    return Manifest(
        builder_version=BUILDER_VERSION,
        settings=settings,
        summary=summary,
        examples_per_kind=dict(sorted(training.kinds.items())),
        validation_per_kind=dict(sorted(validation.kinds.items())),
        redactions=dict(sorted(reading.redactions.items())),
        clusters=len(np.unique(grouped.labels[grouped.kept])),
        bad_records=dict(sorted(reading.bad.items())),
        bad_record_places=reading.bad_places,
        counted_by=counter.method,
        count_error=counter.error,
    )


def _publish(folder: Path, out_dir: str) -> None:
    with Staging(out_dir) as staging:
        for name in FILES:
            with (folder / name).open("rb") as source:
                staging.bring(name, source)
        staging.publish()


def _rules_writer(settings: BuildSettings) -> Writer:
    if settings.writer != "rules":
        raise ValueError(f"a writer of the kind {settings.writer} must be given")
    return RulesWriter(settings)


def _tell_nobody(stage: str, done: int, total: int | None) -> None:
    """Nobody asked."""
