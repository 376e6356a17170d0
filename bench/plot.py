"""Draws the plot of the report as SVG: two rows of bars, with an axis each. It is readable in light and dark mode."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH = 760
_LEFT, _RIGHT = 240, 60
_BAR, _GAP = 22, 10
_TITLE, _AXIS = 40, 46
#: About how many steps an axis has.
_STEPS = 5
_STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .paper { fill: #ffffff }
    .title { font-weight: 600 }
    .axis { fill: #59636e; font-size: 12px }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .base { stroke: #59636e; stroke-width: 1 }
    .ours { fill: #0969da }
    .others { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .axis { fill: #9198a1 }
      .grid { stroke: #3d444d }
      .base { stroke: #9198a1 }
      .ours { fill: #4493f8 }
      .others { fill: #656c76 }
      .paper { fill: #0d1117 }
    }
"""


class Bar(NamedTuple):
    """One contender."""

    label: str
    value: float
    is_ours: bool


class Chart(NamedTuple):
    """Bars with the same unit."""

    title: str
    unit: str
    #: A format for the figures at the bars, such as ``,.0f``.
    form: str
    bars: Sequence[Bar]


def svg(charts: Sequence[Chart], *, title: str) -> str:
    """Return the charts one below the other."""
    parts: list[str] = []
    top = 0.0
    for chart in charts:
        parts += _chart(chart, top)
        top += _height(chart)
    size = f'width="{_WIDTH}" height="{top:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:g}" {size} role="img">',
        f"  <title>{escape(title)}</title>",
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="paper" {size}/>',
        *(f"  {part}" for part in parts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def ticks(largest: float) -> list[float]:
    """Return the marks of an axis from 0 to at least `largest`: multiples of 1, 2 or 5 times a power of ten."""
    rough = (largest or 1) / _STEPS
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [number * step for number in range(math.ceil((largest or 1) / step) + 1)]


def _height(chart: Chart) -> float:
    return _TITLE + len(chart.bars) * (_BAR + _GAP) + _AXIS


def _chart(chart: Chart, top: float) -> Iterator[str]:
    marks = ticks(max(bar.value for bar in chart.bars))
    scale = (_WIDTH - _LEFT - _RIGHT) / marks[-1]
    first = top + _TITLE
    bottom = first + len(chart.bars) * (_BAR + _GAP)
    yield f'<text class="title" x="12" y="{top + 24:g}">{escape(chart.title)}</text>'
    for mark in marks:
        x = _LEFT + mark * scale
        yield f'<line class="{"grid" if mark else "base"}" x1="{x:g}" y1="{first:g}" x2="{x:g}" y2="{bottom:g}"/>'
        yield f'<text class="axis" x="{x:g}" y="{bottom + 16:g}" text-anchor="middle">{mark:,g}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f'<text class="axis" x="{middle:g}" y="{bottom + 34:g}" text-anchor="middle">{escape(chart.unit)}</text>'
    for number, bar in enumerate(chart.bars):
        y = first + number * (_BAR + _GAP) + _GAP / 2
        kind = "ours" if bar.is_ours else "others"
        length = bar.value * scale
        text_y = y + _BAR / 2 + 4.5
        yield f'<text x="{_LEFT - 8}" y="{text_y:g}" text-anchor="end">{escape(bar.label)}</text>'
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y:g}" width="{length:.1f}" height="{_BAR}"/>'
        yield f'<text x="{_LEFT + length + 6:.1f}" y="{text_y:g}">{bar.value:{chart.form}}</text>'
