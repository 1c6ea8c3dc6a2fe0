"""`python -m tests.measures`: measures the data plane and prints a table; `--write` puts it into docs/measures.md.

`dataset` measures the job manager's builder instead, only where it is asked for: it takes a quarter of an hour.
`telemetry`, only where it is asked for too, measures what telling of a call costs, without the call.
"""

import argparse
import asyncio
import datetime
import os
import platform
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop

from tests.measures import dataset, large, leaving, mixed, slow, telemetry
from tests.measures.stage import Stage, Tenant, staged

_DOCUMENT = Path(__file__).parents[2] / "docs" / "measures.md"
_FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)
LEAVERS, SLOW, CALLS, TENANTS = 400, 1000, 20_000, 50


class Row(NamedTuple):
    """A figure of a run, and whether it meets its target."""

    measure: str
    target: str
    figure: str
    met: bool


Measure = Callable[[Stage, list[Tenant], int], Awaitable[list[Row]]]


async def _leaving(stage: Stage, tenants: list[Tenant], run: int) -> list[Row]:
    left = await leaving.leave(stage, tenants[0], LEAVERS, run)
    p50, p99, longest = (left.quantile(part) for part in (0.5, 0.99, 1))
    figure = f"{p50:.1f} · {p99:.1f} · {longest:.1f} ms"
    name = f"upstream closed after the caller left, {LEAVERS} calls: p50 · p99 · longest"
    return [Row(name, "p99 ≤ 100 ms", figure, p99 <= 100)]


async def _slow(stage: Stage, tenants: list[Tenant], _: int) -> list[Row]:
    return await _stalled(stage, tenants[0], streamed=True)


async def _plain(stage: Stage, tenants: list[Tenant], _: int) -> list[Row]:
    return await _stalled(stage, tenants[0], streamed=False)


async def _stalled(stage: Stage, tenant: Tenant, *, streamed: bool) -> list[Row]:
    held = await slow.stall(stage, tenant, SLOW, streamed=streamed)
    figure = f"{held.each:.0f} · {held.after:.0f} · {held.kernel:.0f} KB"
    kind = "event streams, usage filter on" if streamed else "plain answers"
    words = f"{SLOW} stalled callers of 10 MB, {kind}: memory of each · after they left · the kernel's"
    return [Row(words, "≤ 300 KB", figure, held.each <= 300)]


async def _mixed(stage: Stage, tenants: list[Tenant], _: int) -> list[Row]:
    seen = await mixed.mix(stage, tenants, CALLS)
    for words in seen.wrong[:5]:
        print(words, file=sys.stderr)  # noqa: T201 - for whoever has to find out
    figure = f"{seen.mismatched} of {seen.requests} · {len(seen.wrong)}"
    words = f"{CALLS} calls by {len(tenants)} tenants: another's model or credential upstream · calls that went wrong"
    note = f" ({seen.died} connections died, {seen.left} callers left)"
    return [Row(words, "0 · 0", figure + note, not seen.mismatched and not seen.wrong)]


async def _large(stage: Stage, tenants: list[Tenant], _: int) -> list[Row]:
    up, down = await large.upload(stage, tenants[0]), await large.download(stage, tenants[0])
    figure = f"{up / 1024:.1f} · {down / 1024:.1f} MB"
    return [Row("300 MB up · down: memory grown by", "≤ 30 MB", figure, max(up, down) <= 30 * 1024)]


def _dataset() -> list[Row]:
    built = dataset.measure()
    rate, memory = built.chunks_per_second, built.memory / 1024
    figure = f"{rate:.0f} · {memory:.0f} MB · {built.torn} of {built.clusters}"
    words = f"data set of {built.chunks} chunks: chunks/s of processor time · memory · clusters on both sides"
    met = rate >= 400 and memory <= 500 and not built.torn
    return [Row(words, "≥ 400 · ≤ 500 MB · 0", figure, met)]


def _telemetry() -> list[Row]:
    costs = telemetry.measure(rounds=1)
    every, span = costs.of("all"), costs.of("span")
    parts = f"metrics {costs.of('metrics'):.1f}, record {costs.of('record'):.1f}, Redis {costs.store[0]:.1f}"
    words = f"{telemetry.CALLS} calls told of: CPU time of span + metrics + Why record, exported"
    alone = "the same of the span alone, encoding and sending included"
    return [
        Row(words, "≤ 30 µs", f"{every:.1f} µs ({parts})", every <= 30 and not costs.lost),
        Row(alone, "≤ 20 µs", f"{span:.1f} µs", span <= 20 and not costs.lost),
    ]


_MEASURES: dict[str, Measure] = {
    "leaving": _leaving,
    "slow": _slow,
    "plain": _plain,
    "mixed": _mixed,
    "large": _large,
}


_ALONE: dict[str, Callable[[], list[Row]]] = {"dataset": _dataset, "telemetry": _telemetry}
"""Those that no gateway is wanted for."""


def main() -> int:
    """0 where every target is met."""
    parser = argparse.ArgumentParser(prog="scripts/measure", description="Measures the data plane.")
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help=f"of {', '.join(_MEASURES)} (all by default), {', '.join(_ALONE)}",
    )
    parser.add_argument("--runs", type=int, default=3, help="how often (3)")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/measures.md")
    asked = parser.parse_args()
    names = asked.measures or list(_MEASURES)
    if not set(names) <= {*_MEASURES, *_ALONE}:
        parser.error(f"there are {', '.join((*_MEASURES, *_ALONE))}")
    rows = uvloop.run(_run(names, asked.runs))
    table = "\n".join(_table(rows))
    print(table)  # noqa: T201 - its output
    if asked.write:
        _DOCUMENT.write_text(_FIGURES.sub(lambda _: f"\n{_when()}\n\n{table}\n\n", _DOCUMENT.read_text()))
    return 0 if all(row.met for row in rows) else 1


async def _run(names: list[str], runs: int) -> list[Row]:
    rows: list[Row] = []
    for run in range(runs):
        for name in names:
            made = await _once(name, run)
            for row in made:
                print(f"run {run + 1}: {row.measure}: {row.figure}", file=sys.stderr, flush=True)  # noqa: T201 - progress
            rows += made
    return rows


async def _once(name: str, run: int) -> list[Row]:
    if name in _ALONE:
        return await asyncio.to_thread(_ALONE[name])
    with staged() as stage:  # a gateway that has served nothing before: its memory is measured
        number = TENANTS if name == "mixed" else 1
        tenants = await asyncio.to_thread(stage.tenants, number, number // 2)
        return await _MEASURES[name](stage, tenants, run)


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| measure | target | runs | met |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys(row.measure for row in rows):
        same = [row for row in rows if row.measure == name]
        figures = "; ".join(row.figure for row in same)
        yield f"| {name} | {same[0].target} | {figures} | {'yes' if all(row.met for row in same) else 'no'} |"


def _when() -> str:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, CPython {platform.python_version()}"
    return f"{day}, {machine}:"


if __name__ == "__main__":
    sys.exit(main())
