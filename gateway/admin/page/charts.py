"""Training curves drawn as SVG: pure. Attributes and classes only; colours are the style sheet's."""

from collections.abc import Sequence
from math import floor, log10

from markupsafe import Markup, escape
from msgspec import Struct

from finetune.curves import Point

_WIDTH, _HEIGHT = 480, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 12, 28
_MOST_ROWS = 24


class Series(Struct, frozen=True):
    """A line. `name` is a class of the style sheet; values by step."""

    name: str
    label: str
    values: tuple[tuple[int, float], ...]


class Chart(Struct, frozen=True):
    """A picture, and the same as a table: its columns, and rows of a step and a value (or None) for each series."""

    title: str
    svg: Markup
    series: tuple[Series, ...]
    rows: tuple[tuple[int, tuple[float | None, ...]], ...]


_CHARTS = (
    (
        "Loss",
        (
            ("train", "training", "train_loss"),
            ("valid", "validation", "valid_loss"),
            ("full", "full validation", "full_valid_loss"),
        ),
    ),
    (
        "Accuracy",
        (
            ("train", "training", "train_mean_token_accuracy"),
            ("valid", "validation", "valid_mean_token_accuracy"),
            ("full", "full validation", "full_valid_mean_token_accuracy"),
        ),
    ),
)


def charts(points: Sequence[Point]) -> list[Chart]:
    """A chart of losses and one of accuracies, each only where something was measured."""
    drawn = []
    for title, measures in _CHARTS:
        series = tuple(
            Series(name, label, values)
            for name, label, measure in measures
            if (values := tuple((p.step, v) for p in points if (v := getattr(p, measure)) is not None))
        )
        if series:
            drawn.append(Chart(title, _svg(title, series), series, _rows(series)))
    return drawn


def _rows(series: Sequence[Series]) -> tuple[tuple[int, tuple[float | None, ...]], ...]:
    by_step = [dict(one.values) for one in series]
    steps = sorted(set().union(*by_step))
    if len(steps) > _MOST_ROWS:
        steps = [steps[round(at * (len(steps) - 1) / (_MOST_ROWS - 1))] for at in range(_MOST_ROWS)]
    return tuple((step, tuple(values.get(step) for values in by_step)) for step in steps)


class _Scale(Struct, frozen=True):
    """Values to places."""

    first: float
    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        span = self.last - self.first
        part = (step - self.first) / span if span else 0.5
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _svg(title: str, series: Sequence[Series]) -> Markup:
    steps = [step for one in series for step, _ in one.values]
    values = [value for one in series for _, value in one.values]
    marks = ticks(min(0.0, *values), max(values))
    scale = _Scale(min(steps), max(steps), marks[0], marks[-1])
    told = "; ".join(f"{one.label} from {one.values[0][1]:.3g} to {one.values[-1][1]:.3g}" for one in series)
    words = f"{title} by training step: {told}."
    parts = [_grid(mark, scale) for mark in marks]
    parts += [_step_label(step, scale) for step in sorted({min(steps), max(steps)})]
    parts += [_line(one, scale) for one in series]
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, words, Markup("").join(parts)
    )


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, a handful."""
    largest = max(abs(low), abs(high))
    flat = largest if largest > 1e-9 else 1.0
    span = max(high - low, 1e-6 * largest, 1e-9) if high > low else flat
    rough = span / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = floor(low / step)
    marks = [first * step]
    while marks[-1] < high - step * 1e-9 or len(marks) < 2:
        first += 1
        marks.append(first * step)
    return marks


def _grid(mark: float, scale: _Scale) -> Markup:
    y = scale.y(mark)
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 8, y + 4, f"{mark:.4g}")


def _step_label(step: int, scale: _Scale) -> Markup:
    x = scale.x(step)
    anchor = "start" if x < _WIDTH / 3 else "end" if x > _WIDTH * 2 / 3 else "middle"
    return Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="{}">step {}</text>').format(
        x, _HEIGHT - 8, anchor, f"{step:,}"
    )


def _line(one: Series, scale: _Scale) -> Markup:
    places = [(scale.x(step), scale.y(value)) for step, value in one.values]
    if len(places) == 1:
        return Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(one.name, *places[0])
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return Markup('<polyline class="curve {}" points="{}"/>').format(escape(one.name), path)
