"""Draw charts as SVG: lines with a band, and bars. A description in words stands in each for people who do not see it.

Colours come from classes of `static/console.css`, so a chart follows the person's colour scheme and the page's policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 46
TICKS = 5
"""Steps of an axis, about."""

BAR_HEIGHT, BAR_GAP, LABEL_WIDTH, TEXT_WIDTH = 22, 10, 190, 70


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        name: for the legend.
        points: x and y.
        band: lower and upper end of y at each point; empty without a band.
        is_reference: whether it is drawn with dashes, for comparison.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()
    is_reference: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: on its left.
        value: its length, 0 or more.
        text: the value as it is written.
        part: how much of the value is drawn in a second colour.
    """

    label: str
    value: float
    text: str
    part: float = 0.0


def line_chart(
    title: str, description: str, lines: Sequence[Line], x_label: str, y_label: str, mark: float | None = None
) -> Markup:
    """Return lines from 0 on both axes.

    Args:
        title: what is shown.
        description: the same in a sentence or two with its figures.
        lines: at most four.
        x_label: what lies along.
        y_label: what lies upwards.
        mark: an x that is marked by an upright line.
    """
    right = max((x for line in lines for x, _ in line.points), default=0.0)
    top = max(
        (y for line in lines for y in [*(y for _, y in line.points), *(high for _, high in line.band)]), default=0
    )
    x_ticks, y_ticks = ticks(right), ticks(top)
    # An axis of counts ends at its data, so that a line reaches the edge; the height ends at a tick.
    width, height = right or 1.0, y_ticks[-1] or 1.0

    def at(x: float, y: float) -> str:
        across, up = x / width * (WIDTH - LEFT - RIGHT), y / height * (HEIGHT - TOP - BOTTOM)
        return f"{LEFT + across:.1f},{HEIGHT - BOTTOM - up:.1f}"

    parts: list[Markup] = []
    for tick in y_ticks:
        x, y = at(0, tick).split(",")
        parts.append(_line("grid", x, y, str(WIDTH - RIGHT), y))
        parts.append(_text(float(x) - 6, float(y) + 4, f"{tick:,g}", "end"))
    for tick in x_ticks:
        if tick <= right:
            x, y = at(tick, 0).split(",")
            parts.append(_text(float(x), float(y) + 18, f"{tick:,g}", "end" if tick > 0.95 * width else "middle"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 6, x_label, "end"))
    parts.append(_text(LEFT + 8, TOP + 10, y_label, "start"))
    for number, line in enumerate(lines, start=1):
        if line.band:
            upper = [at(x, high) for (x, _), (_, high) in zip(line.points, line.band, strict=True)]
            lower = [at(x, low) for (x, _), (low, _) in zip(line.points, line.band, strict=True)]
            outline = " ".join([*upper, *reversed(lower)])
            parts.append(Markup('<polygon class="band series-{}" points="{}"/>').format(number, outline))
        shape = "reference" if line.is_reference else "line"
        outline = " ".join(at(x, y) for x, y in line.points)
        parts.append(Markup('<polyline class="{} series-{}" points="{}"/>').format(shape, number, outline))
    if mark is not None and 0 <= mark <= width:
        x, low = at(mark, 0).split(",")
        parts.append(_line("mark", x, str(TOP), x, low))
    return _chart(title, description, parts, HEIGHT) + _legend([line.name for line in lines])


def bar_chart(title: str, description: str, bars: Sequence[Bar], names: Sequence[str] = ()) -> Markup:
    """Return one bar per row, all of the same scale.

    Args:
        title: what is shown.
        description: the same in a sentence or two.
        bars: from top to bottom.
        names: of the two colours, for a legend.
    """
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    full = WIDTH - LABEL_WIDTH - TEXT_WIDTH
    parts: list[Markup] = []
    rectangle = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>')
    for row, bar in enumerate(bars):
        y = row * (BAR_HEIGHT + BAR_GAP) + BAR_GAP
        length, part = max(0.0, bar.value) / longest * full, max(0.0, bar.part) / longest * full
        parts.append(_text(LABEL_WIDTH - 8, y + BAR_HEIGHT - 6, _short(bar.label), "end"))
        parts.append(rectangle.format("bar series-1", LABEL_WIDTH, y, length, BAR_HEIGHT))
        if part:
            parts.append(rectangle.format("bar series-2", LABEL_WIDTH, y, part, BAR_HEIGHT))
        parts.append(_text(LABEL_WIDTH + length + 6, y + BAR_HEIGHT - 6, bar.text, "start"))
    return _chart(title, description, parts, len(bars) * (BAR_HEIGHT + BAR_GAP) + BAR_GAP) + _legend(names)


def ticks(top: float) -> list[float]:
    """Return round numbers from 0 to at least `top`."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / TICKS
    unit = 10 ** floor(log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw * (1 - 1e-9))
    return [step * number for number in range(ceil(top / step - 1e-9) + 1)]


def _chart(title: str, description: str, parts: Sequence[Markup], height: int) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>').format(
        WIDTH,
        height,
        f"{title}. {description}",
        title,
        Markup("<desc>{}</desc>").format(description) + Markup("").join(parts),
    )


def _legend(names: Sequence[str]) -> Markup:
    if not names:
        return Markup("")
    entry = Markup('<span class="legend-{}">{}</span>')
    return Markup('<p class="legend">{}</p>').format(
        Markup(" ").join(entry.format(number, name) for number, name in enumerate(names, start=1))
    )


def _line(kind: str, x1: str, y1: str, x2: str, y2: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))


def _short(label: str) -> str:
    return label if len(label) <= 26 else label[:25] + "…"
