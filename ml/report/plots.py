"""Draw the pictures of the report as SVG inside the page.

Text stays text, so that it can be searched, copied, enlarged and read aloud. A sentence describes each picture.
"""

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from html import escape
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ml.evaluation.calibration import SlateCalibration
from ml.evaluation.diversity import DiversityPoint

INK, QUIET, GRID = "#1b2733", "#5b6b78", "#dfe6eb"
OURS, OURS_LIGHT, OTHERS, WORSE = "#0b6e69", "#9fd0cb", "#7c8b97", "#b4470f"
LINES = (OURS, OTHERS, "#b07c1e", "#5a4fa2")

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reach",  # with no date, the same figures give the same page
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelcolor": QUIET,
    "axes.labelsize": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
}


Bounds = tuple[float, float, float]
"""A mean and the two ends of its interval."""


def _picture(draw: Callable[..., str]) -> Callable[..., str]:
    """Draw in the page's style, without a change of Matplotlib's style elsewhere."""

    @wraps(draw)
    def drawn(*args: Any) -> str:
        with mpl.rc_context(_STYLE):
            return draw(*args)

    return drawn


@_picture
def dots(panels: Mapping[str, Mapping[str, Bounds]], ours: str) -> str:
    """Draw every method's mean with its interval, ours in colour, one panel per score.

    Args:
        panels: Bounds by score and method.
        ours: The method in colour.
    """
    methods = list(next(iter(panels.values())))
    figure, axes = _figure(2.55 * len(panels) + 0.9, 0.3 * len(methods) + 0.85, len(panels))
    for ax, (score, values) in zip(axes, panels.items(), strict=True):
        for y, method in enumerate(reversed(methods)):
            mean, low, high = values[method]
            colour = OURS if method == ours else OTHERS
            ax.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="round")
            ax.plot(mean, y, "o", color=colour, markersize=6)
        ax.set_yticks(range(len(methods)), methods[::-1] if ax is axes[0] else [""] * len(methods))
        ax.set_ylim(-0.6, len(methods) - 0.4)
        ax.set_title(score, loc="left")
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(MaxNLocator(4))
    description = "; ".join(
        f"{s}: " + ", ".join(f"{m} {v[0]:.4f}" for m, v in values.items()) for s, values in panels.items()
    )
    return _svg(figure, f"Means with 95% intervals. {description}.")


@_picture
def forest(panels: Mapping[str, Mapping[str, Bounds]], unit: str, description: str) -> str:
    """Draw paired differences with their intervals around a line at zero, one panel per score.

    An interval above zero has our colour, one below zero the warning colour, any other is grey. A single row far beyond
    all others is drawn at the edge with an arrow and its value, so that the others stay visible.

    Args:
        panels: Bounds by score and row.
        unit: Label of the axis.
        description: Description of the picture.
    """
    rows = list(next(iter(panels.values())))
    longest = max(len(row) for row in rows)
    figure, axes = _figure(
        0.065 * longest + (2.6 if len(panels) > 2 else 3.8) * len(panels), 0.25 * len(rows) + 0.95, len(panels)
    )
    for ax, (score, values) in zip(axes, panels.items(), strict=True):
        edge = _edge(values)
        ax.axvline(0, color=INK, linewidth=0.9)
        for y, row in enumerate(reversed(rows)):
            if row not in values:
                continue
            mean, low, high = values[row]
            colour = OURS if low > 0 else WORSE if high < 0 else OTHERS
            if abs(mean) > edge:
                outlier = f"{mean:+.3f} →" if mean > 0 else f"← {mean:+.3f}"
                at, side = (0.99, "right") if mean > 0 else (0.01, "left")
                ax.text(at, y, outlier, transform=ax.get_yaxis_transform(), ha=side, va="center", color=colour)
                continue
            ax.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="round")
            ax.plot(mean, y, "o", color=colour, markersize=5)
        ax.set_yticks(range(len(rows)), rows[::-1] if ax is axes[0] else [""] * len(rows))
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_title(score, loc="left")
        ax.set_xlabel(unit)
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(MaxNLocator(4))
    return _svg(figure, description)


@_picture
def bars(panels: Mapping[str, Mapping[str, tuple[float, float]]], words: tuple[str, str], description: str) -> str:
    """Draw bars with a dark part, one panel per title; bars are plain in a panel without dark parts.

    Args:
        panels: By title and row, the lengths of the light bar and of its dark part, as shares.
        words: Names of light and dark.
        description: Description of the picture.
    """
    rows = list(next(iter(panels.values())))
    figure, axes = _figure(2.35 * len(panels) + 1.0, 0.27 * len(rows) + 1.1, len(panels))
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        nested = any(dark for _, dark in values.values())
        for y, row in enumerate(reversed(rows)):
            light, dark = values[row]
            ax.barh(y, light, color=OURS_LIGHT if nested else OURS, height=0.66)
            if dark:
                ax.barh(y, dark, color=OURS, height=0.66)
            ax.annotate(f"{light:.1%}", (light, y), xytext=(3, 0), textcoords="offset points", va="center")
        ax.set_yticks(range(len(rows)), rows[::-1] if ax is axes[0] else [""] * len(rows))
        ax.set_title(title, loc="left")
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.set_xlim(0, max(0.02, 1.3 * max(light for light, _ in values.values())))
        if nested:
            ax.set_xlabel(f"{words[0]}; dark: {words[1]}")
    return _svg(figure, description)


@_picture
def curve(title: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """Draw learning curves.

    Args:
        title: Title of the picture.
        lines: Epochs and values by the trained model.
    """
    figure, (ax,) = _figure(3.3, 2.2, 1)
    for (name, (epochs, values)), colour in zip(lines.items(), cycle((OURS, *LINES[2:], INK)), strict=False):
        ax.plot(epochs, values, color=colour, marker="o", markersize=3.5, label=name)
    ax.set_xlabel("epoch")
    ax.set_title(title, loc="left")
    ax.grid(axis="y")
    ax.margins(y=0.15)
    if len(lines) > 1:
        ax.legend(frameon=False)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    description = "; ".join(f"{name} from {values[0]:.4g} to {values[-1]:.4g}" for name, (_, values) in lines.items())
    return _svg(figure, f"{title} by epoch: {description}.")


@_picture
def reliability(slates: Mapping[str, SlateCalibration]) -> str:
    """Draw observed purchase rates by predicted probability, one panel per slate; larger dots hold more candidates."""
    figure, axes = _figure(3.1 * len(slates), 3.0, len(slates))
    for ax, (slate, found) in zip(axes, slates.items(), strict=True):
        bins = [b for b in found.bins if b.count]
        x, y = [b.predicted for b in bins], [b.observed for b in bins]
        counts = np.array([b.count for b in bins], float)
        end = 1.08 * max([*x, *y, 0.01])
        ax.plot([0, end], [0, end], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.plot(x, y, color=OURS, linewidth=1.2)
        ax.scatter(x, y, s=8 + 90 * np.sqrt(counts / counts.max(initial=1.0)), color=OURS, alpha=0.85, linewidths=0)
        ax.set_title(f"{slate}: ECE {found.ece:.4f}" if bins else f"{slate}: nothing to check", loc="left")
        ax.set_xlabel("predicted probability of purchase")
        ax.set_ylabel("bought")
        ax.set_xlim(0, end)
        ax.set_ylim(0, end)
        ax.grid()
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(4))
    description = "; ".join(f"{slate} {found.ece:.4f}" for slate, found in slates.items())
    return _svg(figure, f"Reliability diagram against the diagonal. Expected calibration error: {description}.")


@_picture
def trade_off(slates: Mapping[str, Sequence[DiversityPoint]]) -> str:
    """Draw NDCG against intra-list distance, one point per diversity setting and one panel per slate."""
    figure, axes = _figure(3.4 * len(slates), 2.5, len(slates))
    for ax, (slate, all_rows) in zip(axes, slates.items(), strict=True):
        rows = [row for row in all_rows if np.isfinite(row.ndcg)]  # a slate may have no customer to evaluate
        ax.plot([row.distance for row in rows], [row.ndcg for row in rows], color=OURS, marker="o", markersize=4)
        for row in rows:
            at = (row.distance, row.ndcg)
            ax.annotate(f"{row.setting:g}", at, xytext=(4, 4), textcoords="offset points")
        ax.set_title(f"NDCG, {slate}", loc="left")
        ax.set_xlabel("mean distance within a list")
        ax.set_ylim(0, 1.15 * max((row.ndcg for row in rows), default=0.0) or 1.0)
        ax.margins(x=0.12)
        ax.grid(axis="y")
    description = "; ".join(
        f"{slate}: " + ", ".join(f"{row.ndcg:.4f}" for row in rows) for slate, rows in slates.items()
    )
    return _svg(figure, f"NDCG at each setting of the diversity knob. {description}.")


@_picture
def overlaps(slates: Mapping[str, Sequence[int]], other: str) -> str:
    """Draw how many customers share 0, 1, … 10 of their first ten with the other method's list, one panel per slate."""
    figure, axes = _figure(3.1 * len(slates), 1.9, len(slates))
    for ax, (slate, counts) in zip(axes, slates.items(), strict=True):
        ax.bar(range(len(counts)), np.array(counts) / max(sum(counts), 1), color=OURS, width=0.8)
        ax.set_title(slate, loc="left")
        ax.set_xlabel("products of ten in common")
        ax.set_xticks(range(0, len(counts), 2))
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.grid(axis="y")
    return _svg(figure, f"Share of customers by how many of ten products are the same as {other}'s.")


@_picture
def growth(title: str, labels: Sequence[str], lines: Mapping[str, Sequence[Bounds]], axis: str) -> str:
    """Draw means by ordered steps with their intervals as bands, one line per method."""
    figure, (ax,) = _figure(4.6, 2.9, 1)
    for (method, points), colour in zip(lines.items(), LINES, strict=False):
        means, low, high = (np.array(values) for values in zip(*points, strict=True))
        at = np.arange(len(points))
        ax.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0)
        ax.plot(at, means, color=colour, marker="o", markersize=4, label=method)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlabel(axis)
    ax.legend(frameon=False, loc="upper left")
    ax.set_title(title, loc="left")
    ax.grid(axis="y")
    description = "; ".join(f"{m}: " + ", ".join(f"{p[0]:.4f}" for p in points) for m, points in lines.items())
    return _svg(figure, f"{title} with a history of {', '.join(labels)} baskets. {description}.")


def _edge(values: Mapping[str, Bounds]) -> float:
    """Return the largest value that a panel shows; a single row five times larger is beyond it."""
    reach = sorted(max(abs(low), abs(high)) for _, low, high in values.values())
    is_outlier = len(reach) > 2 and reach[-1] > 5 * reach[-2] > 0
    return reach[-2] if is_outlier else float("inf")


def _figure(width: float, height: float, panels: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1))
    FigureCanvasSVG(figure)
    axes = list(np.atleast_1d(figure.subplots(1, panels)))
    for ax in axes:
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_color(GRID)
        ax.tick_params(length=0, colors=INK)
        ax.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, description: str) -> str:
    """Return the figure as an element of a page, with a description for screen readers."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Ids must differ because pictures share a page. Fonts are the page's.
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r'\bid="', f'id="{mark}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\g<1>#{mark}-", text)
    text = re.sub(r"font-family: [^;\"]+;? ?", "", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)
