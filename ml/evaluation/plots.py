"""Pictures for the report, as SVG that stands in the page itself."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, OURS, OTHERS = "#1d2733", "#0b7a75", "#b8c4ce"


def intervals(title: str, means: Mapping[str, float], bounds: Mapping[str, Sequence[float]], ours: str) -> str:
    """A score of every method with its 95% interval, ours in colour."""
    figure, axes = _figure(5.2, 0.45 * len(means) + 0.9)
    for place, (method, mean) in enumerate(reversed(list(means.items()))):
        low, high = bounds[method]
        colour = OURS if method == ours else OTHERS
        axes.barh(place, mean, color=colour, height=0.6)
        axes.plot([low, high], [place, place], color=INK, linewidth=1.4)
        axes.annotate(f"{mean:.4f}", (high, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(means)), list(means)[::-1])
    axes.margins(x=0.18)
    axes.set_title(title, loc="left", fontsize=10)
    return _svg(figure)


def curve(title: str, label: str, values: Sequence[float]) -> str:
    """A learning curve by epoch."""
    figure, axes = _figure(3.4, 2.2)
    axes.plot(range(1, len(values) + 1), values, color=OURS, marker="o", markersize=3)
    axes.set_xlabel("epoch", fontsize=8)
    axes.set_ylabel(label, fontsize=8)
    axes.set_title(title, loc="left", fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _svg(figure)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # A fixed salt and no date: the same figures give the same page.
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
