"""Charts: well-formed SVG, escaped texts, and figures at their places."""

from xml.etree import ElementTree

import pytest

from console.web.charts import Bar, Line, bar_chart, line_chart, ticks


def found_in(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    assert found is not None
    return found


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


def test_a_line_rises_with_its_values_and_lies_within_its_band() -> None:
    line = Line("likely <first>", [(0, 0), (50, 20), (100, 30)], [(0, 0), (15, 25), (22, 38)])
    found = parsed(line_chart("Reach", "30 of 100.", [line], "customers", "buyers", 50))
    points = [tuple(map(float, point.split(","))) for point in found_in(found, ".//polyline").attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    corners = [
        tuple(map(float, corner.split(","))) for corner in found_in(found, ".//polygon").attrib["points"].split()
    ]
    for (x, y), upper, lower in zip(points, corners[:3], reversed(corners[3:]), strict=True):
        assert upper[0] == lower[0] == x
        assert upper[1] <= y <= lower[1]
    assert found_in(found, ".//line[@class='mark']").attrib["x1"] == f"{points[1][0]:.1f}"


def test_a_chart_has_a_title_a_description_and_nothing_inline() -> None:
    markup = line_chart("Reach <b>", "30 & more.", [Line("a<script>", [(0, 0), (1, 1)])], "x", "y")
    found = parsed(markup)
    svg = found_in(found, "svg")
    assert (found_in(svg, "title").text, found_in(svg, "desc").text) == ("Reach <b>", "30 & more.")
    assert svg.attrib["role"] == "img"
    assert "style=" not in markup
    assert "<script" not in markup


def test_bars_are_as_long_as_their_values() -> None:
    found = parsed(bar_chart("Offers", "Two.", [Bar("x", 10, "10", 4), Bar("a" * 40, 5, "5"), Bar("none", 0, "0")]))
    widths = [float(one.attrib["width"]) for one in found.iter("rect")]
    assert widths[1] == pytest.approx(widths[0] * 0.4, abs=0.1)
    assert widths[2] == pytest.approx(widths[0] / 2, abs=0.1)
    assert widths[3] == 0
    assert any((text.text or "").endswith("…") for text in found.iter("text"))


@pytest.mark.parametrize(("top", "last"), [(0, 1), (7, 8), (100, 100), (26, 30), (0.31, 0.4), (1234, 1250)])
def test_ticks_are_round_and_reach_the_top(top: float, last: float) -> None:
    found = ticks(top)
    assert found[0] == 0
    assert found[-1] == pytest.approx(last)
    assert len(found) <= 7


def test_a_chart_without_points_is_drawn_all_the_same() -> None:
    parsed(line_chart("Empty", "Nothing.", [], "x", "y"))
    parsed(bar_chart("Empty", "Nothing.", []))
