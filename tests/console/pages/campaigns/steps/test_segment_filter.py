"""A filter of picked segments and a rule: composed, taken apart again, and counted."""

from datetime import timedelta
from pathlib import Path

import pytest

from console.pages.campaigns.steps.segment_filter import SegmentFilter, published_segments
from customer_scores.publish import publish
from marketing.errors import ScoresError
from marketing.segments import select
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, CUSTOMERS, stage_scores
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


def test_segments_of_the_next_publication_are_shown(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    for customers, day in ((CUSTOMERS[:9], AS_OF), (CUSTOMERS, AS_OF + timedelta(days=1))):
        stage_scores(settings, day, customers)
        publish(settings, day)
        found = published_segments(settings.paths.customers)
        assert sum(one.customers for one in found if one.axis == "value") == len(customers)
    assert {one.label for one in found if one.axis == "taste"} == {"Fresh", "Snacks", "Baby"}
    assert all(one.spend and one.lapse for one in found)


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScoresError):
        published_segments(tmp_path)
