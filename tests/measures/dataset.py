"""How fast a data set is built of a large Vault on one core, and in how much memory: rules writer, redaction and
near-duplicates included. Nothing of a gateway runs.

`python -m tests.measures.dataset 1000000` measures another size than the table's.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from finetune.dataset import BuildSettings, manifest_chunks
from finetune.dataset.build import build
from finetune.dataset.count import open_counter
from finetune.vaults import open_vault
from tests.measures.clauses import write_vault

CHUNKS = 200_000


class Built(NamedTuple):
    """`chunks_per_second`: of processor time. `memory`: the most that the process held, in kilobytes."""

    chunks: int
    seconds: float
    chunks_per_second: float
    memory: int
    examples: int
    validation_examples: int
    skipped: dict[str, int]
    clusters: int
    torn: int


def measure(chunks: int = CHUNKS) -> Built:
    """Builds one in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="housestyle-measures-") as place:
        vault = Path(place) / "vault.jsonl"
        write_vault(vault, chunks)
        command = [sys.executable, "-m", "tests.measures.dataset", "--build", str(vault)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return Built(**json.loads(done.stdout), **_sides(f"{place}/set"))


def _build(vault: Path) -> dict[str, Any]:
    began, spent = time.perf_counter(), time.process_time()
    chunks = open_vault(vault.as_uri(), (f"{vault.parent.as_uri()}/",)).chunks()
    counter = open_counter("gpt-4.1-mini")  # as a job for that model counts
    whole = BuildSettings(max_file_bytes=1 << 40)  # so that every chunk costs what it costs, and none is left out
    summary = build(chunks, str(vault.parent / "set"), _tell, whole, counter=counter)
    return {
        "chunks": summary.chunks,
        "seconds": time.perf_counter() - began,
        "chunks_per_second": summary.chunks / (time.process_time() - spent),
        "memory": _peak(),
        "examples": summary.examples,
        "validation_examples": summary.validation_examples,
        "skipped": summary.skipped,
    }


def _peak() -> int:
    """VmHWM, proc(5)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _sides(folder: str) -> dict[str, Any]:
    """How many clusters there are, and how many of them have chunks on both sides."""
    sides: dict[int, set[str]] = {}
    for chunk in manifest_chunks(folder):
        sides.setdefault(chunk.cluster, set()).add(chunk.side)
    return {"clusters": len(sides), "torn": sum(len(each) > 1 for each in sides.values())}


def _tell(stage: str, done: int, total: int | None) -> None:
    if done == total or done % 20_000 == 0:
        print(f"{time.process_time():7.0f} s: {stage} {done} of {total}", file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        json.dump(_build(Path(sys.argv[2])), sys.stdout)
    else:
        print(measure(int(sys.argv[1])))  # noqa: T201 - its output
