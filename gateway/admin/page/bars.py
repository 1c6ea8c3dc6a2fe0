"""Calls by day, drawn as SVG: pure. Attributes and classes only; colours are the style sheet's."""

from collections.abc import Sequence
from datetime import date, timedelta

from markupsafe import Markup

from gateway.admin.page import rendering
from gateway.admin.page.charts import ticks
from gateway.why_summary import ByDay

_WIDTH, _HEIGHT = 480, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 2, 12, 26
_MOST_MARKS = 3


def by_day(since: str, until: str, days: Sequence[ByDay]) -> list[tuple[str, ByDay | None]]:
    """Each day (`YYYY-MM-DD`) from `since` to before `until` (RFC 3339), and what it came to (None: nobody called)."""
    counted = {one.day: one for one in days}
    first, end = date.fromisoformat(since[:10]), date.fromisoformat(until[:10])
    every = [(first + timedelta(days=number)).isoformat() for number in range((end - first).days)]
    return [(day, counted.get(day)) for day in every]


def bars(days: Sequence[tuple[str, ByDay | None]]) -> Markup:
    """A bar for each day. Nothing where there are no days."""
    if not days:
        return Markup("")
    first, last = rendering.date(days[0][0]), rendering.date(days[-1][0])
    calls = [one.calls if one else 0 for _, one in days]
    marks = _whole(ticks(0.0, float(max(calls))))
    step = (_WIDTH - _LEFT - _RIGHT) / len(days)
    parts = [_grid(mark, _y(mark, marks[-1])) for mark in marks]
    for at, number in enumerate(calls):
        if number:
            y = _y(number, marks[-1])
            parts.append(_bar(_LEFT + at * step, step, y))
    parts += [_label(_LEFT, "start", first), _label(_WIDTH - _RIGHT, "end", last)]
    words = f"Calls by day, from {first} to {last}: {sum(calls):,} calls, {max(calls):,} on the busiest day."
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, words, Markup("").join(parts)
    )


def _whole(marks: list[float]) -> list[float]:
    """A few of the marks, whole numbers: there is no half call. The first is nothing."""
    top = max(1.0, marks[-1])
    whole = [mark for mark in marks if mark == int(mark)]
    while len(whole) > _MOST_MARKS + 1:
        whole = whole[::2]
    return whole if len(whole) > 1 and whole[-1] >= top else [0.0, float(int(top) + (top > int(top)))]


def _y(value: float, high: float) -> float:
    return _HEIGHT - _BOTTOM - value / high * (_HEIGHT - _TOP - _BOTTOM)


def _grid(mark: float, y: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 8, y + 4, f"{mark:,.0f}" if mark < 10_000 else f"{mark / 1000:g}k")


def _bar(x: float, step: float, y: float) -> Markup:
    height = max(1.0, _HEIGHT - _BOTTOM - y)
    return Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        x + step * 0.12, _HEIGHT - _BOTTOM - height, step * 0.76, height
    )


def _label(x: float, anchor: str, day: str) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(x, _HEIGHT - 6, anchor, day)
