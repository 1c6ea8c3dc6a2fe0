"""`scripts/fuzz`: feeds each parser its share of the inputs and says how many there were, how fast, and what broke."""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS

_FOUND = Path(__file__).parent / "found"
_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_SHOWN = 40  # lines of what a process said, where it failed


def main() -> int:
    """0 where every input was read; 1 where one was not."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=", ".join(TARGETS))
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs, over all targets (1,000,000)")
    parser.add_argument("--corpus", type=Path, default=_FOUND, help="where new finds are kept (tests/fuzz/found)")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    begun = time.monotonic()
    counts = [_one(name, -(-options.runs // len(names)), options.corpus / name) for name in names]
    failed = sum(count is None for count in counts)
    total = sum(count or 0 for count in counts)
    _say(f"{'total':<12} {total:>9,} inputs in {time.monotonic() - begun:5.0f} s, {failed} targets with a crash")
    return 1 if failed else 0


def _one(name: str, runs: int, finds: Path) -> int | None:
    """How many inputs a target has read; None where it crashed."""
    finds.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(runs), str(finds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    seconds = time.monotonic() - begun
    said = done.stdout.decode(errors="replace")
    told = _DONE.search(said)
    if done.returncode or told is None:
        lines = [line for line in said.splitlines() if not line.startswith("#")]  # libFuzzer's progress
        sys.stderr.write("\n".join(lines[-_SHOWN:]) + "\n")
        _say(f"{name:<12} CRASHED; the input is in {finds}")
        return None
    count = int(told[1])
    _say(f"{name:<12} {count:>9,} inputs in {seconds:5.0f} s, {count / seconds:>7,.0f}/s")
    return count


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
