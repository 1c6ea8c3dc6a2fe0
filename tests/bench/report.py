"""What is written of a run: the tables of results.md, and what is said at the end. Pure."""

from collections.abc import Sequence

from tests.bench.figures import Row, Spread, Target, by_round, row, spread
from tests.bench.samples import Results, Sample

# What a row of the second table shows: measure, value, unit, digits.
_SHOWN = (
    ("body-1k", "cpu_us", "µs a request", 0),
    ("body-100k", "cpu_us", "µs a request", 0),
    ("sse", "chunk_us", "µs a chunk", 1),
    ("tls-1k", "cpu_us", "µs a request", 0),
    ("tls-sse", "chunk_us", "µs a chunk", 1),
    ("latency", "added_p50_ms", "ms added, p50", 2),
    ("latency", "added_p99_ms", "ms added, p99", 2),
    ("first-chunk", "added_p50_ms", "ms added, p50", 2),
    ("memory", "idle_mb", "MB idle", 1),
    ("memory", "stream_kb", "KB a stream", 1),
    ("tenants", "cpu_us", "µs a request", 0),
    ("workers", "cpu_us", "µs a request", 0),
    ("workers", "requests_per_s", "requests/s, load on the same cores", 0),
    ("slow", "cpu_us", "µs a request", 0),
)
_QUIET = 0.1
_BESIDE = (
    ("store_us", "Redis, µs a request, not in the figures above", 1),
    ("spans_share", "spans that arrived, of the requests", 3),
    ("records_share", "Why records that arrived, of the requests", 3),
    ("reads_per_chunk", "reads of the client's for each chunk", 2),
    ("others_share", "of its core, others took", 2),
)
# What each does not do that Housestyle does in the same figures.
_DOES_NOT = (
    ("nginx", "nothing but proxying: no key, no tenant, no model (its caller sends the right one), no span, no record"),
    ("nginx + Lua", "one model for everybody; no key, no tenant, no span, no record; the body's JSON is written anew"),
    ("Envoy", "as nginx"),
    ("Envoy + Lua", 'as nginx + Lua; parses nothing: what follows the first `"model":"`, wherever, is overwritten'),
    ("LiteLLM proxy", "one static key; no tenant, no span, no record"),
    ("Portkey", "no key of its own; no tenant, no span, no record"),
)


def rows(targets: Sequence[Target], samples: Sequence[Sample]) -> list[Row]:
    """Every target beside what was measured, those first that are a peer's."""
    return [row(target, samples) for target in targets]


def results(run: Results, targets: Sequence[Target]) -> str:
    """results.md."""
    machine = run.machine
    versions = ", ".join(f"{name} {told}" for name, told in machine.versions.items())
    parts = [
        "# Results",
        "",
        "Written by `scripts/bench --write`: how is in [README.md](README.md), every round in results.json.",
        "",
        f"{machine.date}, `{machine.command}`.",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb} GB, Linux {machine.kernel};",
        f"{machine.idle:.0%} of the cores were free just before. {versions}.",
        "",
        *_disturbance(run.samples),
        "![CPU time beside the peers](results.svg)",
        "",
        "## Targets",
        "",
        "Figures are medians of the rounds; a ratio is the median of the rounds' ratios, and judged by that.",
        "",
        target_table(rows(targets, run.samples)),
        "## Every gateway",
        "",
        _all_table(run.samples),
        "## What the peers do not do",
        "",
        "| gateway | what it does not do, and Housestyle does in these figures |",
        "|---|---|",
        *(f"| {gateway} | {words} |" for gateway, words in _DOES_NOT),
        "",
        *_faults(run),
    ]
    return "\n".join(parts)


def target_table(those: Sequence[Row]) -> str:
    """The table of targets, in Markdown."""
    lines = [
        "| measure | target | stretch | ours | peer | judged (least to greatest) | met |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_target_line(one) for one in those), ""])


def _target_line(one: Row) -> str:
    target = one.target
    sign = "≥" if target.at_least else "≤"
    unit = "" if target.peer else f" {target.unit}"
    stretch = f"{sign} {target.stretch:g}{unit}" if target.stretch is not None else ""
    figure = _figure(one.ours, target.digits, target.unit)
    peer = f"{target.peer} {_figure(one.peer, target.digits, target.unit)}" if target.peer else ""
    judged = _spread(one.judged, 2 if target.peer else target.digits)
    wanted = f"{sign} {target.wanted:g}{unit}"
    return f"| {' | '.join((target.title, wanted, stretch, figure, peer, judged, _met(one)))} |"


def _met(one: Row) -> str:
    if one.met is None:
        return "not measured"
    return ("yes, stretch too" if one.stretched else "yes") if one.met else "**no**"


def _all_table(samples: Sequence[Sample]) -> str:
    lines = ["| measure | gateway | median (least to greatest) | rounds | beside |", "|---|---|---|---|---|"]
    for measure, value, unit, digits in _SHOWN:
        for peer in dict.fromkeys(sample.peer for sample in samples if sample.measure == measure):
            found = spread(by_round(samples, measure, peer, value).values())
            if found:
                beside = "; ".join(_beside(samples, measure, peer)) if value in ("cpu_us", "chunk_us") else ""
                figure = f"{_spread(found, digits)} {unit}"
                lines.append(f"| {measure} | {peer} | {figure} | {found.rounds} | {beside} |")
    return "\n".join([*lines, ""])


def _beside(samples: Sequence[Sample], measure: str, peer: str) -> list[str]:
    told = []
    for value, words, digits in _BESIDE:
        found = spread(by_round(samples, measure, peer, value).values())
        if found:
            told.append(f"{words}: {found.median:.{digits}f}")
    return told


def _disturbance(samples: Sequence[Sample]) -> list[str]:
    """A warning where something else was at work on the gateways' core; the bench's own stirring is below the limit."""
    shares = [sample.values["others_share"] for sample in samples if "others_share" in sample.values]
    worst = max(shares, default=0.0)
    if worst <= _QUIET:
        return []
    return [f"**The machine was not quiet**: in a round, others took {worst:.0%} of the gateway's core.", ""]


def _faults(run: Results) -> list[str]:
    void = [
        f"- {sample.measure}, round {sample.round + 1}, {sample.peer}: void, {sample.void}"
        for sample in run.samples
        if sample.void
    ]
    absent = [f"- {one.measure}: without {one.peer}, {one.why}" for one in run.absent]
    return ["## What is missing", "", *void, *absent, ""] if void or absent else []


def _figure(found: Spread | None, digits: int, unit: str) -> str:
    return f"{found.median:,.{digits}f} {unit}" if found else ""


def _spread(found: Spread | None, digits: int) -> str:
    if found is None:
        return ""
    least, greatest = (f"{value:,.{digits}f}" for value in (found.least, found.greatest))
    return f"{found.median:,.{digits}f} ({least} to {greatest})"
