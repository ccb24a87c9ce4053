"""Two filters side by side, counted by hand."""

from pathlib import Path

import pytest

from marketing.segments import FilterError
from marketing.segments.comparison import compare
from tests.support.marketing.published_scores import write_scores


def test_sizes_overlap_and_mean_predictions(tmp_path: Path) -> None:
    found = compare(write_scores(tmp_path), "lapse_8w > 30%", 'due("BEEF") or segment.value = "low"')

    assert (found.first, found.second, found.both, found.total) == (3, 5, 3, 6)
    assert found.overlap == pytest.approx(3 / 5)
    spend = next(mean for mean in found.means if mean.name == "spend_8w")
    assert (spend.first, spend.second, spend.everybody) == (200.0, 320.0, 350.0)
    assert spend.difference == pytest.approx(120.0)


def test_a_filter_for_nobody_has_no_means(tmp_path: Path) -> None:
    found = compare(write_scores(tmp_path), "lapse_8w > 2", "lapse_8w > 3")
    assert found.overlap == 0.0
    assert found.means[0].difference is None


def test_the_second_filter_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(FilterError, match="'lapse' is unknown"):
        compare(write_scores(tmp_path), "lapse_8w > 2", "lapse > 1")
