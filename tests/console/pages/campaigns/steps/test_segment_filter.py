"""A filter of picked segments and a rule: composed, taken apart again, and counted."""

from pathlib import Path

import pytest

from console.pages.campaigns.steps.segment_filter import SegmentFilter, published_segments
from marketing.errors import ScoresError
from marketing.segments import select
from tests.support.marketing.published_scores import write_scores


@pytest.mark.parametrize(
    "found",
    [
        SegmentFilter(),
        SegmentFilter(rule="spend_8w > 20 or lapse_8w > 0.5"),
        SegmentFilter({"value": ["high", "low"]}),
        SegmentFilter({"value": ["high"], "taste": ["beef"]}, "spend_8w > 20 or lapse_8w > 0.5"),
    ],
)
def test_the_parts_are_found_again(found: SegmentFilter) -> None:
    assert SegmentFilter.of(found.text) == found


@pytest.mark.parametrize(
    "text", ['segment.value = "high"', 'segment.value in ("high") or spend_8w > 1', 'not due("X")']
)
def test_a_filter_that_was_written_differently_is_all_rule(text: str) -> None:
    assert SegmentFilter.of(text) == SegmentFilter(rule=text)


def test_the_composed_filter_selects_customers_of_every_picked_segment(tmp_path: Path) -> None:
    scores = write_scores(tmp_path)
    text = SegmentFilter({"value": ["high", "low"]}, "spend_8w > 550 or spend_8w < 250").text
    assert select(scores, text).customer_ids.to_pylist() == ["c1", "c5"]


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScoresError):
        published_segments(tmp_path)
