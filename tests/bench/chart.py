"""The chart of a run, as SVG and PNG: `python tests/bench/chart.py results.json results` in the environment that has
matplotlib (.bench/chart). Imports nothing of ours. A bar is the median of the rounds, its line the least and greatest.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # in an environment of its own

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "housestyle"  # the same figures give the same file
mpl.rcParams["svg.fonttype"] = "none"
from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]  # noqa: E402 - after `use`

_PANELS = (
    ("body-1k", "cpu_us", "1 KB body", "CPU, µs a request", 0),
    ("body-100k", "cpu_us", "100 KB body", "CPU, µs a request", 0),
    ("sse", "chunk_us", "Streams", "CPU, µs a chunk", 1),
    ("tls-1k", "cpu_us", "TLS upstream, 1 KB body", "CPU, µs a request", 0),
    ("tls-sse", "chunk_us", "TLS upstream, streams", "CPU, µs a chunk", 1),
    ("latency", "added_p50_ms", "Latency added at 300/s", "median, ms", 2),
)
_NAMES = {
    "housestyle": "Housestyle",
    "nginx": "nginx",
    "nginx-lua": "nginx + Lua",
    "envoy": "Envoy",
    "envoy-lua": "Envoy + Lua",
}
_OURS, _OTHERS = "#1f5c99", "#b8bec6"
_WIDTH, _PANEL_HEIGHT = 11.0, 2.5


def _panel(axes: Any, title: str, unit: str, digits: int, found: dict[str, list[float]]) -> None:
    names = sorted(found, key=lambda name: -statistics.median(found[name]))
    medians = [statistics.median(found[name]) for name in names]
    below = [median - min(found[name]) for name, median in zip(names, medians, strict=True)]
    above = [max(found[name]) - median for name, median in zip(names, medians, strict=True)]
    colours = [_OURS if name == "housestyle" else _OTHERS for name in names]
    axes.barh([_NAMES.get(name, name) for name in names], medians, color=colours, height=0.62)
    axes.errorbar(
        medians, range(len(names)), xerr=[below, above], fmt="none", ecolor="#333333", elinewidth=1, capsize=2
    )
    widest = max(max(found[name]) for name in names)
    axes.set_xlim(0, widest * 1.22)
    for place, name in enumerate(names):
        axes.text(max(found[name]) + widest * 0.02, place, f"{medians[place]:,.{digits}f}", va="center", fontsize=9)
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold")
    axes.set_xlabel(unit, fontsize=8.5)
    axes.tick_params(labelsize=9, length=0)
    axes.tick_params(axis="x", labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def draw(run: dict[str, Any], target: str) -> None:
    """Writes `target`.svg and `target`.png; a panel for each measure that was made."""
    panels: list[tuple[str, str, int, dict[str, list[float]]]] = []
    for measure, value, title, unit, digits in _PANELS:
        found: dict[str, list[float]] = {}
        for sample in run["samples"]:
            if sample["measure"] == measure and not sample["void"] and value in sample["values"]:
                found.setdefault(sample["peer"], []).append(sample["values"][value])
        if found:
            panels.append((title, unit, digits, found))
    if not panels:
        return
    lines = (len(panels) + 1) // 2
    figure, axes = plt.subplots(lines, 2, figsize=(_WIDTH, _PANEL_HEIGHT * lines + 0.9), squeeze=False)
    flat = [one for line in axes for one in line]
    for one, panel in zip(flat, panels, strict=False):
        _panel(one, *panel)
    for one in flat[len(panels) :]:
        one.set_visible(False)
    machine = run["machine"]
    figure.suptitle("Housestyle with everything on, beside gateways that do less", x=0.01, ha="left", fontsize=13)
    note = f"{machine['date']} · {machine['cpu']}, {machine['cores']} cores · median, least and greatest of the rounds"
    figure.text(0.01, 0.008, f"{note} · less is better", fontsize=8, color="#555555")
    figure.tight_layout(rect=(0, 0.03, 1, 0.985), h_pad=1.6, w_pad=2.5)
    for kind in ("svg", "png"):
        figure.savefig(f"{target}.{kind}", dpi=144, metadata={"Date": None} if kind == "svg" else None)
    plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
