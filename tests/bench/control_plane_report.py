"""What is written of a run of `scripts/bench control-plane`: its figures, each beside its target; the page. Pure."""

from typing import NamedTuple

from msgspec import Struct

from tests.bench.samples import Machine

_PROPAGATION, _MEMORY = "≤ 10 · ≤ 50 ms", "≤ 300 MB"


class Times(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p99: float
    longest: float


class Propagation(Struct, frozen=True):
    """Activations of one run. `propagation` is what the gateway says, `admin` the whole call as its client sees it;
    `calls_per_s` is the load meanwhile, of which `judged` could be judged and `stale` were."""

    callers: int
    activations: int
    acknowledged: int
    propagation: Times
    admin: Times
    calls_per_s: float = 0.0
    judged: int = 0
    stale: int = 0
    failed: int = 0


class Scale(Struct, frozen=True):
    """One replica with very many tenants. `ready_s` is from its start until it is ready, `cpu_s` its CPU time by then,
    `load_s` what loading took, if its log says it; memory is of its one process."""

    tenants: int
    keys: int
    ready_s: float
    cpu_s: float
    load_s: float | None
    rss_mb: float
    pss_mb: float
    peak_mb: float
    change: Times
    first_call: Times
    second_call: Times
    asked: int
    rss_after_mb: float


class Figures(Struct, frozen=True):
    """A whole run: control-plane.json."""

    machine: Machine
    propagation: list[Propagation]
    scale: Scale | None


class _Row(NamedTuple):
    measure: str
    target: str
    measured: str
    met: bool | None


def rows(run: Figures) -> list[_Row]:
    """Every measure beside its target; None where there is none."""
    found: list[_Row] = []
    for one in run.propagation:
        load = f"{_callers(one.callers)}, {one.calls_per_s:,.0f} calls/s" if one.callers else "no calls"
        reached, admin = one.propagation, one.admin
        met = _soon(reached) and one.acknowledged == one.activations
        found += [
            _Row(f"propagation, {load}: p50 · p99 · longest", _PROPAGATION, _shown(reached), met),
            _Row(f"the admin's whole call, {load}: p50 · p99 · longest", "", _shown(admin), None),
        ]
        if one.callers:
            told = f"{one.stale} of {one.judged:,}"
            found.append(_Row(f"stale calls, {load}, {one.activations} flips", "0", told, one.stale == 0 < one.judged))
            found.append(_Row(f"failed calls, {load}", "0", f"{one.failed}", one.failed == 0))
    return found + (_scale_rows(run.scale) if run.scale else [])


def _scale_rows(of: Scale) -> list[_Row]:
    at = f"{of.tenants:,} tenants, {of.keys:,} keys"
    loading = of.ready_s if of.load_s is None else of.load_s
    whole = f"{of.ready_s:.1f} s" + (f", of which {of.load_s:.1f} s of loading" if of.load_s is not None else "")
    return [
        _Row(f"{at}: from start to ready", "loading ≤ 10 s", whole, loading <= 10),
        _Row("its CPU time until then", "", f"{of.cpu_s:.1f} s", None),
        _Row("memory then, RSS · PSS", _MEMORY, f"{of.rss_mb:.0f} · {of.pss_mb:.0f} MB", of.rss_mb <= 300),
        _Row("the most until then, RSS", "", f"{of.peak_mb:.0f} MB", None),
        _Row(f"after {of.asked:,} tenants' calls, RSS", _MEMORY, f"{of.rss_after_mb:.0f} MB", of.rss_after_mb <= 300),
        _Row("one change: p50 · p99 · longest", _PROPAGATION, _shown(of.change), _soon(of.change)),
        _Row("a tenant's first call: p50 · p99 · longest", "", _shown(of.first_call), None),
        _Row("its second call: p50 · p99 · longest", "", _shown(of.second_call), None),
    ]


def _callers(number: int) -> str:
    return "1 caller" if number == 1 else f"{number} callers"


def _soon(of: Times) -> bool:
    return of.p50 <= 10 and of.p99 <= 50


def _shown(of: Times) -> str:
    return f"{of.p50:.1f} · {of.p99:.1f} · {of.longest:.1f} ms"


def table(run: Figures) -> str:
    """The table, in Markdown."""
    lines = ["| measure | target | measured | met |", "|---|---|---|---|"]
    for one in rows(run):
        met = "" if one.met is None else "yes" if one.met else "no"
        lines.append(f"| {one.measure} | {one.target} | {one.measured} | {met} |")
    return "\n".join(lines) + "\n"


def page(run: Figures) -> str:
    """docs/benchmarks/control-plane.md."""
    machine = run.machine
    return (
        "# The control plane\n\nWritten by `scripts/bench control-plane --write`; how is in"
        " [control-plane.md](../control-plane.md), every figure in control-plane.json.\n\n"
        f"{machine.date}, `{machine.command}`.\n{machine.cpu}, {machine.cores} cores, {machine.memory_gb} GB, "
        f"Linux {machine.kernel};\n{machine.idle:.0%} of the cores were free just before. "
        f"Housestyle {machine.versions['Housestyle']}, CPython {machine.versions['CPython']}, "
        f"Redis {machine.versions.get('Redis', '?')}.\n\n{table(run)}"
    )
