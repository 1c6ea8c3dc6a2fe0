"""What a job would be trained on, told before there is one: a fair sample of the Vault, made into examples as a job
makes them, and what that comes to for the whole.

Blocks, and takes a core for seconds: for a process of its own. No store, no provider, no teacher.
"""

import heapq
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from finetune import cost, steps
from finetune.backends import unsupported
from finetune.dataset import Example, Manifest, read_examples, read_manifest
from finetune.dataset.build import build
from finetune.dataset.count import open_counter
from finetune.dataset.phrasings import stable_hash
from finetune.dataset.redact import open_redactor
from finetune.values import Job, Notice, Preview, settings_of
from finetune.vaults import BadRecord, Chunk, Vault

SAMPLE_CHUNKS = 300
COUNT_SECONDS = 20.0
_SHOWN_OF_A_KIND = 2
_NOT_SAMPLED = ("not_ready", "bad_record")
_MAX_SHOWN_CHARS = 2_000


class _Read(Struct, frozen=True):
    """A Vault's sample in its order, and what was counted in it."""

    sample: list[Chunk]
    ready: int
    left_out: dict[str, int]
    whole: bool


def preview(vault: Vault, job: Job, known_ready: int = 0, clock: Callable[[], float] = time.monotonic) -> Preview:
    """The preview of a job that is not made. `known_ready`: what was counted when the Vault was accepted.

    Raises VaultUnreadable, VaultNotAllowed, RedactorMissing, OSError.
    """
    settings = replace(settings_of(job), writer="rules")
    read = _read(vault.chunks(), clock() + COUNT_SECONDS, clock)
    with tempfile.TemporaryDirectory(prefix="housestyle-preview-") as folder:
        place = f"file://{folder}"
        counter, redactor = open_counter(job.base_model), open_redactor(settings.redact)
        build(read.sample, place, settings=settings, redactor=redactor, counter=counter)
        return told(
            job, read_manifest(place, with_chunks=False), read_examples(place, settings.sample_size), read, known_ready
        )


def _read(records: Iterable[Chunk | BadRecord], until: float, clock: Callable[[], float]) -> _Read:
    """Those ready chunks whose ids' hashes are lowest, whatever their order; counted until time is up."""
    left_out: Counter[str] = Counter()
    kept: list[tuple[int, int, Chunk]] = []
    ready, whole = 0, True
    for number, record in enumerate(records):
        if clock() > until and kept:
            whole = False
            break
        if isinstance(record, BadRecord) or not record.ready:
            left_out["bad_record" if isinstance(record, BadRecord) else "not_ready"] += 1
            continue
        ready += 1
        offered = (-stable_hash(record.chunk_id), number, record)
        if len(kept) < SAMPLE_CHUNKS:
            heapq.heappush(kept, offered)
        else:
            heapq.heappushpop(kept, offered)
    sample = [chunk for _, _, chunk in sorted(kept, key=lambda one: one[1])]
    return _Read(sample, ready, dict(left_out), whole)


def told(job: Job, manifest: Manifest, examples: list[Example], read: _Read, known_ready: int = 0) -> Preview:
    """What a sample's data set says of the whole. Pure."""
    ready = read.ready if read.whole else max(read.ready, known_ready)
    times = ready / len(read.sample) if read.sample else 1.0
    summary = manifest.summary
    made, tokens = round(summary.examples * times), round(summary.tokens * times)
    fits = min(1.0, manifest.settings.max_file_bytes / max(1.0, summary.training_bytes * times))
    trained = round(tokens * fits)
    epochs = cost.epochs(job.hyperparameters.get("n_epochs"), max(1, round(made * fits)))
    estimate = cost.estimate(job.base_model, trained, epochs, job.options.get("price_per_million_tokens"))
    sampled = {reason: count for reason, count in summary.skipped.items() if reason not in _NOT_SAMPLED}
    return Preview(
        ready_chunks=ready,
        other_chunks=sum(read.left_out.values()),
        counted_all=read.whole,
        sampled_chunks=len(read.sample),
        is_estimate=ready > len(read.sample),
        examples=made,
        examples_per_kind=_times(manifest.examples_per_kind, times),
        validation_examples=round(summary.validation_examples * times),
        redactions=_times(manifest.redactions, times),
        skipped={**read.left_out, **_times(sampled, times)},
        tokens=tokens,
        counted_by=manifest.counted_by,
        count_error=manifest.count_error,
        epochs=epochs,
        estimated_cost_usd=estimate.usd if estimate else None,
        cost_words=estimate.words if estimate else None,
        warnings=tuple(_warnings(job, ready, made, fits)),
        samples=tuple(_shown(examples)),
    )


def _warnings(job: Job, ready: int, examples: int, fits: float) -> list[Notice]:
    found = [steps.judged(ready, examples)]
    if job.backend in unsupported.NAMES:
        words = f"Fine-tuning with the backend {job.backend} is not supported yet, so such a job fails."
        found.append(Notice("backend_not_supported_yet", words))
    if fits < 1:
        words = "The training file takes about the first {:.0%} of the examples; it has no room for more."
        found.append(Notice("file_full", words.format(fits)))
    if job.options.get("writer") == "teacher":
        words = (
            "For a preview no teacher is asked: these questions are by rules, a teacher's read otherwise, and what it "
            "costs is not in the estimate. The job tells that before it asks."
        )
        found.append(Notice("teacher_not_asked", words))
    return [one for one in found if one is not None]


def _shown(examples: list[Example]) -> list[Example]:
    """A few of each kind, and rather such as can be read at a glance."""
    short = [one for one in examples if len(one.user) + len(one.assistant) <= _MAX_SHOWN_CHARS]
    by_kind = sorted(short or examples, key=lambda one: one.kind)
    return [one for _, some in groupby(by_kind, key=lambda one: one.kind) for one in list(some)[:_SHOWN_OF_A_KIND]]


def _times(counts: Mapping[str, int], times: float) -> dict[str, int]:
    return {name: round(count * times) for name, count in counts.items()}
