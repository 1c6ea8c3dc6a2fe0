"""A Vault's training files made on this machine, to be looked at before any job: the command `housestyle dataset`.

The same builder as a job's. No store, no provider, no teacher.
"""

from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from finetune import cost, steps
from finetune.dataset import BuildSettings, Manifest, read_manifest
from finetune.dataset.build import build
from finetune.dataset.count import open_counter
from finetune.dataset.outcomes import RedactorMissing
from finetune.dataset.redact import open_redactor
from finetune.dataset.values import RedactKind
from finetune.vaults import open_vault

_LINE = '{"chunk_id": "…", "document_id": "…", "title": "…", "position": 0, "status": "ready", "text": "…"}'


def run(vault: Path, out: Path, redact: str, model: str, console: Console) -> Manifest:
    """Writes the data set into `out` and says what is in it.

    Raises ValueError (words for whoever asked), VaultUnreadable, OSError.
    """
    kind = next((kind for kind in get_args(RedactKind) if kind == redact), None)
    if kind is None:
        raise ValueError(f"--redact is one of {', '.join(get_args(RedactKind))}, not {redact!r}.")
    try:
        redactor = open_redactor(kind)
    except RedactorMissing as error:
        raise ValueError(str(error)) from None
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; name a folder to write to.")
    vault = vault.absolute()
    source = open_vault(vault.as_uri(), (vault.parent.as_uri() + "/",))
    columns = (TextColumn("   "), BarColumn(32), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        bar = shown.add_task("reading", total=None)

        def progress(stage: str, done: int, total: int | None) -> None:
            of = f" of {total:,}" if total is not None else ""
            shown.update(bar, completed=done, total=total, description=f"{stage}, {done:,}{of}")

        folder = out.absolute().as_uri()
        settings = BuildSettings(redact=kind)
        build(source.chunks(), folder, progress, settings, redactor=redactor, counter=open_counter(model))
    manifest = read_manifest(folder, with_chunks=False)
    console.print(described(manifest, model))
    for words in notes(manifest):
        console.print(words, soft_wrap=True)
    return manifest


def notes(manifest: Manifest) -> list[str]:
    """What somebody should know who would make a job of it."""
    summary = manifest.summary
    found = steps.judged(summary.chunks, summary.examples)
    said = [found.message] if found is not None else []
    if summary.skipped.get("bad_record"):
        said.append(f"A bad_record is a line that is not like {_LINE}")
    return said


def described(manifest: Manifest, model: str) -> Table:
    """What a data set holds, as a table of two columns."""
    summary = manifest.summary
    estimate = cost.estimate(model, summary.tokens, cost.epochs("auto", summary.examples), None)
    counted = manifest.counted_by if manifest.count_error is None else f"an estimate, {manifest.count_error}"
    table = Table(box=None, show_header=False, padding=(0, 1))
    for name, value in (
        ("ready chunks", f"{summary.chunks:,}"),
        ("training examples", _counts(manifest.examples_per_kind)),
        ("validation examples", _counts(manifest.validation_per_kind)),
        ("tokens", f"{summary.tokens:,} ({counted})"),
        ("training would cost about", f"${estimate.usd:,.2f}" if estimate else "not known for this model"),
        ("replaced by placeholders", _counts(manifest.redactions)),
        ("left out", _counts(summary.skipped)),
    ):
        table.add_row(name, value)
    return table


def _counts(counted: dict[str, int]) -> str:
    if not counted:
        return "0"
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(counted.items(), key=lambda one: -one[1]))
    return f"{sum(counted.values()):,}: {kinds}"
