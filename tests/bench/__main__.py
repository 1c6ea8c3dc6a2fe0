"""`python -m tests.bench`: runs the measures and prints the targets; `--write` puts all of it into docs/benchmarks.

`python -m tests.bench control-plane` is a benchmark of its own, with its own options: control_plane.py.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.bench import control_plane, report, tools
from tests.bench.bench import benched
from tests.bench.machine import described
from tests.bench.measures import GATEWAYS, MEASURES, RARE, TARGETS, Options
from tests.bench.running import BOTH
from tests.bench.samples import Results

_DOCUMENTS = Path("docs/benchmarks")
_FILES = 16_384


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="This gateway and its peers, side by side.")
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; all where none is")
    parser.add_argument("--rounds", type=int, default=5, help="of each measure (5)")
    parser.add_argument("--seconds", type=float, default=4, help="of load in a round (4)")
    parser.add_argument("--all", action="store_true", dest="everyone", help="LiteLLM's proxy and Portkey too")
    parser.add_argument("--only", nargs="+", default=[], choices=GATEWAYS, metavar="PEER", help="these gateways alone")
    parser.add_argument("--nice", type=int, default=0, help="its own priority and its gateways'; below 0 needs root")
    parser.add_argument("--write", action="store_true", help="puts the results into docs/benchmarks")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.measures) - set(MEASURES))
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    return arguments


def _measured(arguments: argparse.Namespace) -> Results:
    chosen = arguments.measures or [name for name in MEASURES if arguments.everyone or name not in RARE]
    options = Options(arguments.rounds, arguments.seconds)
    machine = described(" ".join(["scripts/bench", *sys.argv[1:]]))
    tools.say(f"bench: {machine.idle:.0%} of the cores are free")
    with (
        tempfile.TemporaryDirectory(prefix="housestyle-bench-") as folder,
        benched(Path(folder), frozenset(arguments.only)) as bench,
    ):
        for name in chosen:
            try:
                MEASURES[name](bench, options)
            except tools.Missing as missing:  # the load's own program
                tools.say(f"bench: goes on without {name}: {missing}")
    return Results(machine, bench.samples, bench.absent)


def _write(run: Results) -> None:
    _DOCUMENTS.mkdir(parents=True, exist_ok=True)
    told = _DOCUMENTS / "results.json"
    told.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    (_DOCUMENTS / "results.md").write_text(report.results(run, TARGETS))
    try:
        python = tools.environment("chart", tools.CHART) / "python"
    except tools.Missing as missing:
        tools.say(f"bench: no chart: {missing}")
        return
    chart = Path(__file__).with_name("chart.py")
    subprocess.run([str(python), "-P", str(chart), str(told), str(_DOCUMENTS / "results")], check=True)


def main() -> None:
    """The command. Ends with 1 where a target was missed."""
    if sys.argv[1:2] == ["control-plane"]:
        sys.exit(control_plane.main(sys.argv[2:]))
    arguments = _arguments()
    os.nice(arguments.nice)
    if not os.sched_getaffinity(0) >= BOTH:
        sys.exit("scripts/bench needs two cores, the first for the gateways, the second for the load.")
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, allowed[1]), allowed[1]))  # children inherit it
    run = _measured(arguments)
    if arguments.write:
        _write(run)
    measured = [row for row in report.rows(TARGETS, run.samples) if row.met is not None]
    if measured:
        print(report.target_table(measured))  # noqa: T201 - its output
    sys.exit(0 if all(row.met for row in measured) else 1)


if __name__ == "__main__":
    main()
